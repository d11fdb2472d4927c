"""The fake as a process: `python -m failsoft.testing.kubernetes --port 0 --kubeconfig FILE` until SIGTERM."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from failsoft.testing.kubernetes.controllers import Pace
from failsoft.testing.kubernetes.kubeconfig import write_kubeconfig
from failsoft.testing.kubernetes.server import TOKEN, serve


def main() -> int:
    """Serve until SIGTERM or SIGINT; the first line on standard output is `ready URL`."""
    parser = argparse.ArgumentParser(prog="failsoft.testing.kubernetes", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; a free one by default")
    parser.add_argument("--token", default=TOKEN, help="the bearer token to accept")
    parser.add_argument("--kubeconfig", type=Path, help="write a kubeconfig here before saying ready")
    parser.add_argument("--pod-gc", type=float, default=Pace().pod_gc_s, help="seconds before pods of a lost node go")
    arguments = parser.parse_args()

    def ready(port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        if arguments.kubeconfig:
            write_kubeconfig(arguments.kubeconfig, url=url, token=arguments.token)
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()

    async def run() -> None:
        until = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, until.set)
        await serve(arguments.port, arguments.token, ready, until, Pace(pod_gc_s=arguments.pod_gc))

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
