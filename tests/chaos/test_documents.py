"""What the documentation promises is what the code does: exit codes, guard codes, permissions, defaults."""

import re
from pathlib import Path

import pytest
import yaml

from failsoft.chaos.clock import SystemClock
from failsoft.chaos.codes import CODES
from failsoft.chaos.lock import Lock
from failsoft.chaos.marks import SPOT_LABELS
from failsoft.chaos.permissions import FOR_RUN
from failsoft.chaos.restore import settle
from failsoft.chaos.verdict import Verdict
from failsoft.clients.kubernetes import KINDS
from failsoft.workspace.kinds.experiment import Abort, Expect, Guards

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "chaos.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_documented_with_its_exit_code(verdict):
    assert f"| {verdict.exit_code} | {verdict} |" in TEXT


def test_every_guard_code_is_documented_and_no_other():
    assert set(re.findall(r"FS7\d\d", TEXT)) == {code.id for code in CODES}


def test_the_roles_grant_what_a_run_asks_for_and_nothing_more():
    block = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    granted = {
        (role["kind"], group, resource, verb)
        for role in yaml.safe_load_all(block[1])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    wanted = set()
    for permission in FOR_RUN:
        kind = KINDS[permission.kind]
        resource = kind.plural + (f"/{permission.subresource}" if permission.subresource else "")
        role = "ClusterRole" if permission.cluster_wide else "Role"
        wanted.add((role, kind.group, resource, permission.verb))
    assert granted == wanted


def test_the_defaults_are_those_of_the_documents():
    assert [f"{label}={value}" in TEXT for label, value in SPOT_LABELS.items()] == [True] * len(SPOT_LABELS)
    guards, expect, abort = Guards(), Expect(), Abort()
    assert f"{guards.max_nodes} node, {guards.max_pods} pods, {guards.max_pods_percent.value} % of each" in TEXT
    assert f"(default {guards.min_budget_left.value} %)" in TEXT
    assert f"default {abort.error_ratio.value} % over {abort.window}" in TEXT
    assert f"| {expect.recovered.within} |" in TEXT
    assert f"| {expect.budget.spend.value} % |" in TEXT


def test_the_calls_of_a_run_are_among_those_that_it_asks_to_be_allowed(world, fake):
    """Everything that the run really asks of the API server, in its verbs."""
    world.settle()
    fake.forget_requests()
    clock = SystemClock()
    lock = Lock(world.cluster, world.where, "r1", clock)
    lock.acquire()
    lock.renew()
    steps = world.steps("r1", clock)
    record = steps.record(world.draft("r1", world.busy_nodes()[:1], now=clock.now(), notice_s=1, hold_s=0))
    for step in (steps.cordon, steps.taint, steps.evict, steps.delete_remaining, steps.hold):
        step()
    settle(world.cluster, record, clock=clock)
    lock.release()

    verbs = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    used = set()
    for request in fake.requests:
        found = re.fullmatch(r"/apis?/(?:[\w.]+/)?v1(?:/namespaces/[^/]+)?/(\w+)(?:/([^/]+)(?:/(\w+))?)?", request.path)
        if "watch" in request.query or (found and found[3] == "status"):
            continue  # the kubelet's
        verb = "list" if request.method == "GET" and not found[2] else verbs[request.method]
        used.add((verb, found[1] + (f"/{found[3]}" if found[3] else "")))
    asked = set()
    for permission in FOR_RUN:
        plural = KINDS[permission.kind].plural
        asked.add((permission.verb, plural + (f"/{permission.subresource}" if permission.subresource else "")))
    assert used <= asked
