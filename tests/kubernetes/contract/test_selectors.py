"""Label and field selectors."""

import pytest

from failsoft.errors import RefusedError


@pytest.fixture
def things(cluster, world):
    for name, labels in {
        "a": {"app": "chat", "tier": "gold"},
        "b": {"app": "chat"},
        "c": {"app": "code", "tier": "silver"},
        "d": {},
    }.items():
        cluster.create(world.config_map(name=name, labels=labels | {"mine": "yes"}))

    def find(labels: str) -> str:
        items = cluster.list("ConfigMap", namespace=world.where, labels=f"mine=yes,{labels}")
        return "".join(sorted(item["metadata"]["name"] for item in items))

    return find


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=chat", "ab"),
        ("app==chat", "ab"),
        ("app!=chat", "cd"),
        ("app=chat,tier=gold", "a"),
        ("tier", "ac"),
        ("!tier", "bd"),
        ("tier in (gold, silver)", "ac"),
        ("tier in (gold),app", "a"),
        ("tier notin (gold)", "bcd"),
        ("app=nothing", ""),
    ],
)
def test_labels_select(things, selector, expected):
    assert things(selector) == expected


@pytest.mark.parametrize("selector", ["app=(", "tier in gold", "a=b=c"])
def test_a_selector_that_cannot_be_read_is_refused(things, selector):
    with pytest.raises(RefusedError, match="400"):
        things(selector)


def test_objects_are_found_by_name(cluster, world):
    cluster.create(world.config_map(name="one"))
    cluster.create(world.config_map(name="two"))
    found = cluster.list("ConfigMap", namespace=world.where, fields="metadata.name=two")
    assert [item["metadata"]["name"] for item in found] == ["two"]
    everywhere = cluster.list("ConfigMap", fields=f"metadata.name=two,metadata.namespace={world.where}")
    assert everywhere == found


def test_pods_are_found_by_node_and_phase(cluster, world):
    one, two = world.add_nodes(2)
    cluster.create(world.bare_pod("first", one))
    cluster.create(world.bare_pod("second", two))
    world.ready_pods(2)

    def names(fields: str) -> list[str]:
        return [pod["metadata"]["name"] for pod in cluster.list("Pod", namespace=world.where, fields=fields)]

    assert names(f"spec.nodeName={one}") == ["first"]
    assert names(f"spec.nodeName!={one}") == ["second"]
    assert names(f"status.phase=Running,spec.nodeName={two}") == ["second"]
    assert names("status.phase!=Running") == []


def test_nodes_are_found_by_cordon(cluster, world):
    one, two = world.add_nodes(2)
    cordoned = world.node(one)
    cluster.replace(cordoned | {"spec": cordoned["spec"] | {"unschedulable": True}})
    found = {node["metadata"]["name"] for node in cluster.list("Node", fields="spec.unschedulable=true")}
    assert one in found
    assert two not in found


def test_events_are_found_by_what_they_are_about(cluster, world):
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "spot-", "namespace": world.where},
            "involvedObject": {"kind": "Pod", "name": "chat-1", "namespace": world.where, "uid": "u-1"},
            "reason": "SpotInterruption",
            "message": "gone in two minutes",
            "type": "Warning",
            "source": {"component": "failsoft"},
        }
    )

    def count(fields: str) -> int:
        return len(cluster.list("Event", namespace=world.where, fields=fields))

    assert count("involvedObject.name=chat-1,involvedObject.kind=Pod") == 1
    assert count("involvedObject.uid=u-1,type=Warning,reason=SpotInterruption") == 1
    assert count("involvedObject.name=chat-2") == 0


def test_an_unknown_field_is_refused(cluster, world):
    with pytest.raises(RefusedError, match="field label not supported"):
        cluster.list("Pod", namespace=world.where, fields="spec.colour=red")
    world.eventually(lambda: cluster.list("Namespace", fields=f"metadata.name={world.where}"))
