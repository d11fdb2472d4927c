"""The gateway's table: weights are proportions, and only Ready pods that say where they listen take requests."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from failsoft.lab.gateway import Backend, Endpoint, RetryBudget, Table, build_table


def pod(name, app, *, ready="True", port="9000", namespace="prod", deleted=False):
    marks = {"failsoft.dev/lab-port": port, "failsoft.dev/lab-model": f"model-{app}"} if port else {}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}, "annotations": marks}
        | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {}),
        "status": {"conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}]},
    }


def route(*references):
    return {
        "metadata": {"name": "chat", "namespace": "prod"},
        "spec": {"rules": [{"backendRefs": list(references)}]},
    }


def test_a_backend_is_its_ready_pods():
    pods = [
        pod("a", "chat"),
        pod("not-ready", "chat", ready="False"),
        pod("going", "chat", deleted=True),
        pod("no-port-yet", "chat", port=""),
        pod("elsewhere", "chat", namespace="test"),
        pod("b", "chat-small", port="9001"),
    ]
    table = build_table(route({"name": "chat"}, {"name": "chat-small", "weight": 0}, {"name": "gone"}), pods)

    assert table == Table(
        (
            Backend("chat", 1, (Endpoint("a", 9000, "model-chat"),)),
            Backend("chat-small", 0, (Endpoint("b", 9001, "model-chat-small"),)),
            Backend("gone", 1, ()),
        )
    )
    assert table.serves("model-chat")
    assert not table.serves("gpt-5")


def test_without_a_route_or_with_no_weight_at_all_nothing_is_picked():
    assert build_table(None, [pod("a", "chat")]).pick(0.5) is None
    assert build_table(route({"name": "chat", "weight": 0}), []).pick(0.0) is None
    assert build_table({"metadata": {"namespace": "prod"}, "spec": {}}, []).pick(0.0) is None


@given(weights=st.lists(st.integers(0, 20), min_size=1, max_size=5).filter(any))
def test_shares_are_the_weights(weights):
    table = Table(tuple(Backend(str(n), weight, ()) for n, weight in enumerate(weights)))
    total = sum(weights)

    picked = Counter(int(backend.name) for n in range(total) if (backend := table.pick((n + 0.5) / total)))

    assert [picked[n] for n in range(len(weights))] == weights


def test_retries_are_a_share_of_requests():
    budget = RetryBudget(share=0.5, most=2)

    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    for _ in range(100):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, True, False]
