"""The plan: which nodes and pods, in what order, undone how, approved by which hash."""

from dataclasses import replace

from failsoft.chaos.plan import make
from failsoft.chaos.plan_text import rehearse, show
from failsoft.chaos.snapshot import NodeSeen, PodSeen, Snapshot, selector_text, take
from failsoft.clients.kubernetes import Ref
from failsoft.testing.kubernetes import deployment, disruption_budget
from failsoft.workspace.kinds import ExperimentSpec
from failsoft.workspace.quantities import ObjectName


def spec(**reclaim):
    return ExperimentSpec.model_validate({"fault": {"spotReclaim": {"model": "chat", **reclaim}}})


def snapshot(*pods_of_nodes, **nodes):
    """Nodes a, b, ... with so many pods each; keywords change one of them."""
    names = "abcdefgh"[: len(pods_of_nodes)]
    seen = tuple(
        replace(NodeSeen(name, f"uid-{name}", spot=True, opted_in=False), **nodes.get(name, {})) for name in names
    )
    pods = tuple(
        PodSeen(f"{name}{number}", f"uid-{name}{number}", name, ready=True)
        for name, count in zip(names, pods_of_nodes, strict=True)
        for number in range(count)
    )
    return Snapshot(ObjectName("prod", "chat"), "enabled", len(pods), seen, pods)


def test_the_nodes_with_the_fewest_pods_go_and_only_their_pods():
    plan = make("e", spec(nodes=2), snapshot(3, 1, 2))
    assert [node.name for node in plan.nodes] == ["b", "c"]
    assert [pod.name for pod in plan.pods] == ["b0", "c0", "c1"]


def test_a_node_that_is_no_spot_node_goes_only_when_it_was_opened():
    on_demand = {"spot": False}
    assert [n.name for n in make("e", spec(nodes=3), snapshot(1, 1, 1, a=on_demand)).nodes] == ["b", "c"]
    opened = {"spot": False, "opted_in": True}
    assert [n.name for n in make("e", spec(nodes=3), snapshot(1, 1, 1, a=opened)).nodes] == ["a", "b", "c"]


def test_a_node_that_is_leaving_already_is_not_taken():
    plan = make("e", spec(), snapshot(1, 1, a={"leaving": "karpenter.sh/disrupted"}))
    assert [node.name for node in plan.nodes] == ["b"]


def test_every_change_says_how_it_is_undone_and_what_goes_past_budgets():
    plan = make("e", spec(notice="2m", hold="3m"), snapshot(1, 1))
    assert [(c.at_s, c.action, c.bypasses_budgets) for c in plan.changes] == [
        (0, "cordon", False),
        (0, "taint", False),
        (0, "evict", False),
        (120, "delete-remaining", True),
        (120, "hold", False),
    ]
    assert all(change.inverse for change in plan.changes)


def test_a_cordon_that_is_there_already_is_planned_to_stay():
    plan = make("e", spec(), snapshot(1, 1, a={"cordoned": True}))
    assert plan.changes[0].does == "nothing: it is cordoned already"
    assert plan.changes[0].inverse == "stays cordoned"


def test_the_hash_changes_with_what_would_be_touched_and_with_nothing_else():
    plan = make("e", spec(), snapshot(1, 1))
    assert plan.hash == make("e", spec(), snapshot(1, 1)).hash
    assert plan.as_json()["hash"] == plan.hash
    others = [
        make("f", spec(), snapshot(1, 1)),
        make("e", spec(notice="119s"), snapshot(1, 1)),
        make("e", spec(), snapshot(2, 3)),
        make("e", spec(), snapshot(1, 1, a={"uid": "reborn"})),
        make("e", spec(), snapshot(1, 1, a={"cordoned": True})),
    ]
    assert len({plan.hash, *(other.hash for other in others)}) == 6


def test_the_text_holds_every_change_its_undo_and_the_hash():
    plan = make("chat-spot-reclaim", spec(), snapshot(1, 1))
    text = show(plan)
    assert plan.hash in text
    assert "[past disruption budgets]" in text
    assert text.count("undo:") == len(plan.changes)


def test_a_snapshot_holds_the_deployments_own_pods_only(world):
    """A bare pod and another Deployment's pods bear the same labels; they are nobody's to break."""
    world.settle()
    labels = {"app": "chat"}
    container = {"name": "c", "image": "example.invalid/c:1"}
    stray = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stray", "namespace": world.where, "labels": labels},
    }
    world.cluster.create(stray | {"spec": {"containers": [container], "nodeName": world.nodes[0]}})
    twin = deployment("twin", world.where, replicas=1, gpus=0)
    for where in (twin["spec"]["selector"]["matchLabels"], twin["spec"]["template"]["metadata"]["labels"]):
        where |= {"app": "chat", "twin": "yes"}
    world.cluster.create(twin)
    world.eventually(lambda: len(world.cluster.list("Pod", namespace=world.where, labels="app=chat")) == 4)
    seen = take(world.cluster, world.workload)
    assert len(seen.pods) == 2
    assert all(pod.name.startswith("chat-") for pod in seen.pods)


def test_a_snapshot_knows_spot_nodes_opened_nodes_budgets_and_the_namespaces_word(world):
    world.settle(spot=2)
    busy = world.busy_nodes()
    world.cluster.json_patch(
        Ref("Node", busy[0]),
        [
            {"op": "remove", "path": "/metadata/labels/karpenter.sh~1capacity-type"},
            {"op": "add", "path": "/metadata/annotations", "value": {"failsoft.dev/chaos": "enabled"}},
        ],
    )
    world.cluster.create(disruption_budget("chat", world.where, app="chat", maxUnavailable=1))
    world.cluster.create(disruption_budget("else", world.where, app="else", maxUnavailable=1))
    seen = take(world.cluster, world.workload)
    assert {(n.name, n.spot, n.opted_in, n.eligible) for n in seen.nodes} == {
        (busy[0], False, True, True),
        (busy[1], True, False, True),
    }
    assert (seen.budgets, seen.opted_in, seen.wanted) == (("chat",), "enabled", 2)


def test_evictions_are_rehearsed_without_changing_anything(world, fake):
    world.settle()
    world.protect(minAvailable=2)
    plan = make("e", spec(), take(world.cluster, world.workload))
    fake.forget_requests()
    [answer] = rehearse(world.cluster, plan)
    assert not answer.allowed
    assert "disruption budget" in answer.says
    assert [r for r in fake.effects if "evict" in r.path] == []
    assert "may not be evicted now" in show(plan, [answer])


def test_a_selector_of_a_deployment_with_expressions_finds_its_pods():
    selector = {
        "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}, {"key": "x", "operator": "Exists"}]
    }
    assert selector_text(selector) == "tier notin (a),x"
