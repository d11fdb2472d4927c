"""Runs of node loss that die: each job, one line of JSON on standard input, is a fork that kills itself with SIGKILL.

The job says before which call to the cluster; the answer is one line with how the fork ended. Forks make thousands of
crash points cheap.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.lock import Lock
from failsoft.chaos.node_loss import NodeLoss
from failsoft.chaos.record import Record, Target
from failsoft.chaos.restore import settle
from failsoft.clients.kubernetes import connect

CALLS = ("get", "list", "create", "replace", "json_patch", "delete", "evict")


class Mortal:
    """A cluster of whose calls one is the last."""

    def __init__(self, cluster, dies_before):
        self._cluster = cluster
        self._left = dies_before

    def __getattr__(self, name):
        method = getattr(self._cluster, name)
        return self._counted(method) if name in CALLS else method

    def _counted(self, method):
        def call(*arguments, **options):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **options)

        return call


class HurryingClock(SystemClock):
    """Its seconds are twenty to one of the machine's, so that waiting for the API costs little."""

    def now(self):
        return time.time() * 20

    def sleep(self, seconds):
        time.sleep(seconds / 20)


def live(job):
    """A whole run, from taking the lock to giving it back."""
    cluster = Mortal(connect(Path(job["kubeconfig"])), job["dies_before"])
    clock = HurryingClock()
    now = clock.now()
    lock = Lock(cluster, job["namespace"], job["run"], clock)
    lock.acquire()
    steps = NodeLoss(cluster, job["namespace"], job["run"], clock=clock)
    record = steps.record(
        Record(
            run=job["run"],
            experiment="chat-spot-reclaim",
            model="chat",
            namespace=job["namespace"],
            requester="ana",
            owner="mortal",
            nodes=tuple(Target(**node) for node in job["nodes"]),
            pods=tuple(Target(**pod) for pod in job["pods"]),
            taint=job["taint"],
            started_at=now,
            notice_until=now + job["notice_s"],
            hold_until=now + job["notice_s"] + job["hold_s"],
            undo_by=now + 3600,
        )
    )
    lock.renew()
    steps.cordon()
    steps.taint()
    steps.evict()
    steps.delete_remaining()
    steps.hold()
    settle(cluster, record, clock=clock)
    lock.release()


def main():
    import kubernetes.client  # noqa: F401 (once, for all forks)

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                live(json.loads(line))
            except BaseException as error:  # noqa: BLE001 (told to the test)
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
