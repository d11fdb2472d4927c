"""The guards: each refuses what it is there to refuse, and no selector gets past a cap."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.chaos import codes
from failsoft.chaos.guards import check, refuses
from failsoft.chaos.lock import Holder
from failsoft.chaos.objectives import Objective
from failsoft.chaos.permissions import FOR_RUN, Permission, denied
from failsoft.chaos.plan import make
from failsoft.chaos.readings import Reading
from failsoft.chaos.record import Record
from failsoft.chaos.situation import Situation, SloState
from failsoft.chaos.snapshot import NodeSeen, PodSeen, Snapshot
from failsoft.findings import Place
from failsoft.testing.kubernetes import Denial
from failsoft.workspace import Document
from failsoft.workspace.kinds import ExperimentSpec
from failsoft.workspace.quantities import ObjectName

NOW = 1000.0
FINE = SloState(Objective("chat-ttft", 0.01, "ratio", "left"), Reading(0.002), Reading(0.8))


class Nowhere:
    text = ""

    def place(self, *path, key=False):
        return Place("chaos/e.yaml/" + "/".join(map(str, path)))


def experiment(guards=None, **reclaim):
    content = {"fault": {"spotReclaim": {"model": "chat", **reclaim}}, "guards": guards or {}}
    return Document("Experiment", "e", ExperimentSpec.model_validate(content), Nowhere())


def healthy(nodes=2, pods_each=1, guards=None, **reclaim):
    """A situation to which no guard objects."""
    document = experiment(guards, **reclaim)
    seen = tuple(NodeSeen(f"n{i}", f"un{i}", spot=True, opted_in=False) for i in range(nodes))
    pods = tuple(
        PodSeen(f"p{i}-{j}", f"up{i}-{j}", f"n{i}", ready=True) for i in range(nodes) for j in range(pods_each)
    )
    snapshot = Snapshot(ObjectName("prod", "chat"), "enabled", len(pods), seen, pods, ("chat",))
    return Situation(
        experiment=document,
        snapshot=snapshot,
        plan=make("e", document.spec, snapshot),
        slos=(FINE,),
        pages=(),
        pages_unknown="",
        locks=(("prod", Holder("me", NOW + 10)),),
        run="me",
        records=(),
        unreadable=(),
        denied=(),
        halted="",
        now=NOW,
    )


def codes_of(situation):
    return [finding.code for finding in check(situation)]


def with_snapshot(situation, **changes):
    snapshot = replace(situation.snapshot, **changes)
    return replace(situation, snapshot=snapshot, plan=make("e", situation.experiment.spec, snapshot))


def test_nothing_stands_in_the_way_of_a_healthy_model():
    assert codes_of(healthy()) == []


@pytest.mark.parametrize("value", ["", "disabled", "Enabled", "true"])
def test_a_namespace_that_does_not_say_enabled_is_closed(value):
    assert codes_of(with_snapshot(healthy(), opted_in=value)) == [codes.NOT_OPTED_IN]


def test_a_node_that_may_not_go_is_no_target():
    situation = healthy()
    closed = tuple(replace(node, spot=False) for node in situation.snapshot.nodes)
    assert codes.NO_TARGET in codes_of(with_snapshot(situation, nodes=closed))


def test_more_nodes_than_there_are_is_refused():
    document = experiment({"maxNodes": 9, "maxNodesPercent": "100%", "maxPodsPercent": "100%"}, nodes=3)
    base = healthy(nodes=2)
    asked_for = replace(base, experiment=document, plan=make("e", document.spec, base.snapshot))
    assert codes_of(asked_for) == [codes.NO_TARGET]


@pytest.mark.parametrize(
    ("nodes", "pods_each", "guards", "expected"),
    [
        (1, 1, {}, [codes.TOO_MANY_NODES, codes.TOO_MANY_PODS]),
        (2, 6, {}, [codes.TOO_MANY_PODS]),
        (3, 1, {"maxNodesPercent": "33%"}, [codes.TOO_MANY_NODES]),
        (3, 1, {"maxNodesPercent": "33.4%"}, []),
        (3, 1, {"maxPodsPercent": "33%"}, [codes.TOO_MANY_PODS]),
        (2, 3, {"maxPods": 2}, [codes.TOO_MANY_PODS]),
    ],
)
def test_the_blast_radius_is_capped_in_number_and_in_percent(nodes, pods_each, guards, expected):
    assert codes_of(healthy(nodes, pods_each, guards)) == expected


names = st.sampled_from([f"n{i}" for i in range(6)])


@st.composite
def situations(draw):
    """Any cluster and any limits: nodes of every sort, pods anywhere or nowhere, limits of every size."""
    seen = tuple(
        NodeSeen(
            name,
            f"u-{name}",
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.sampled_from(["", "x"])),
        )
        for name in draw(st.lists(names, unique=True))
    )
    places = draw(st.lists(st.sampled_from(["", *(node.name for node in seen)]), max_size=12))
    pods = tuple(PodSeen(f"p{i}", f"u{i}", where, draw(st.booleans())) for i, where in enumerate(places))
    guards = {
        "maxNodes": draw(st.integers(1, 5)),
        "maxPods": draw(st.integers(1, 9)),
        "maxNodesPercent": f"{draw(st.integers(0, 100))}%",
        "maxPodsPercent": f"{draw(st.integers(0, 100))}%",
    }
    document = experiment(guards, nodes=draw(st.integers(1, 6)))
    snapshot = Snapshot(ObjectName("prod", "chat"), "enabled", draw(st.integers(0, 12)), seen, pods, ("chat",))
    return replace(healthy(), experiment=document, snapshot=snapshot, plan=make("e", document.spec, snapshot))


@given(situations())
def test_no_cap_is_ever_exceeded_by_a_plan_that_the_guards_let_through(situation):
    plan, snapshot, guards = situation.plan, situation.snapshot, situation.experiment.spec.guards
    eligible = {node.name for node in snapshot.nodes if (node.spot or node.opted_in) and not node.leaving}
    assert {node.name for node in plan.nodes} <= eligible
    assert {pod.uid for pod in plan.pods} <= {pod.uid for pod in snapshot.pods if pod.node in eligible}
    assert len(plan.nodes) <= situation.experiment.spec.fault.chosen.nodes
    if refuses(check(situation)):
        return
    assert 0 < len(plan.nodes) <= guards.max_nodes
    assert 0 < len(plan.pods) <= guards.max_pods
    assert Decimal(len(plan.nodes)) / len(snapshot.nodes) * 100 <= guards.max_nodes_percent.value
    assert Decimal(len(plan.pods)) / len(snapshot.pods) * 100 <= guards.max_pods_percent.value


def test_a_replica_that_is_not_ready_is_a_reason_to_wait():
    situation = healthy()
    first, *rest = situation.snapshot.pods
    assert codes_of(with_snapshot(situation, pods=(replace(first, ready=False), *rest))) == [codes.NOT_READY]
    assert codes_of(with_snapshot(situation, wanted=3)) == [codes.NOT_READY]


@pytest.mark.parametrize(
    ("ratio", "left", "expected"),
    [
        (Reading(0.01), Reading(0.2), []),
        (Reading(0.0101), Reading(0.8), [codes.NOT_STEADY]),
        (Reading(0.0), Reading(0.1999), [codes.BUDGET_LOW]),
        (Reading(0.0), Reading(-3.0), [codes.BUDGET_LOW]),
        (Reading(None, "Prometheus is down"), Reading(0.8), [codes.NO_DATA]),
        (Reading(0.0), Reading(None, "no data"), [codes.NO_DATA]),
    ],
)
def test_a_model_that_is_not_well_or_not_seen_or_out_of_budget_is_left_alone(ratio, left, expected):
    situation = replace(healthy(), slos=(replace(FINE, ratio=ratio, remaining=left),))
    assert codes_of(situation) == expected


def test_a_model_without_an_slo_is_left_alone():
    assert codes_of(replace(healthy(), slos=())) == [codes.NO_SLO]


def test_a_model_that_pages_already_is_left_alone_and_so_is_one_of_which_nobody_knows():
    assert codes_of(replace(healthy(), pages=("FailsoftSLOBurn of chat-ttft",))) == [codes.PAGE_FIRING]
    assert codes_of(replace(healthy(), pages_unknown="Prometheus is down")) == [codes.NO_DATA]


def test_another_run_is_a_reason_to_wait_a_dead_one_is_not():
    assert codes_of(replace(healthy(), locks=(("prod", Holder("other", NOW + 10)),))) == [codes.ANOTHER_RUN]
    assert codes_of(replace(healthy(), locks=(("other", Holder("other", NOW + 10)),))) == [codes.ANOTHER_RUN]
    assert codes_of(replace(healthy(), locks=(("prod", Holder("other", NOW - 1)),))) == []


def test_a_run_that_was_not_undone_is_a_reason_to_call_the_janitor():
    old = Record("old", "e", "chat", "prod", "ben", "h:1", (), (), {"key": "k", "value": "", "effect": "e"}, 1, 2, 3, 4)
    [finding] = check(replace(healthy(), records=(old,)))
    assert finding.code == codes.UNRESTORED
    assert "by ben" in finding.message
    assert "janitor" in finding.hint
    assert codes_of(replace(healthy(), unreadable=("a record nobody can read",))) == [codes.UNRESTORED]


def test_the_kill_switch_stops_all():
    assert codes_of(replace(healthy(), halted="ana: migration tonight")) == [codes.HALTED]


def test_a_missing_permission_is_named():
    [finding] = check(replace(healthy(), denied=(Permission("patch", "Node"), Permission("create", "Pod", "eviction"))))
    assert finding.code == codes.NOT_ALLOWED
    assert "patch Node, create Pod/eviction" in finding.message


def test_no_disruption_budget_is_only_a_warning():
    findings = check(with_snapshot(healthy(), budgets=()))
    assert [finding.code for finding in findings] == [codes.NO_DISRUPTION_BUDGET]
    assert not refuses(findings)


def test_a_finding_points_at_the_line_that_would_have_to_change():
    [finding, *_] = check(healthy(2, 6))
    assert finding.place.path.endswith("spec/guards/maxPods")


@pytest.mark.parametrize("permission", FOR_RUN, ids=str)
def test_every_verb_is_asked_for_the_undo_included(world, fake, permission):
    world.settle()
    assert denied(world.cluster, world.where) == ()
    resources = {
        "Node": "nodes",
        "ConfigMap": "configmaps",
        "Lease": "leases",
        "Namespace": "namespaces",
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "PodDisruptionBudget": "poddisruptionbudgets",
        "Pod": "pods",
    }
    resource = resources[permission.kind] + (f"/{permission.subresource}" if permission.subresource else "")
    fake.deny(Denial(permission.verb, resource))
    assert denied(world.cluster, world.where) == (permission,)
