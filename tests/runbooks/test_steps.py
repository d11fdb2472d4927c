"""The step types by themselves: what they read, what they change, what they refuse."""

from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.kubernetes import Ref
from failsoft.clients.prometheus import Sample
from failsoft.errors import PermanentError, RefusedError
from failsoft.runbooks.interpreter.effects import Effect, plan_hash
from failsoft.runbooks.interpreter.steps import STEP_TYPES
from failsoft.runbooks.interpreter.steps.query import filled
from failsoft.runbooks.interpreter.steps.shift_traffic import shifted
from failsoft.workspace.kinds.runbook import Inspect, Notify, Query, ShiftTraffic
from failsoft.workspace.quantities import Duration, Percent


@pytest.fixture
def context(declare, runbook, kubernetes):
    workspace = declare(runbook("- inspect: {}"))
    asked = []

    def query(expression):
        asked.append(expression)
        return context.answer

    context = SimpleNamespace(
        world=SimpleNamespace(
            cluster=kubernetes.cluster(), prometheus=SimpleNamespace(query=query), workspace=workspace
        ),
        slo=workspace.slos["chat-ttft"],
        about="chat-ttft",
        model=workspace.models["chat"],
        of_model=workspace.models["chat"],
        fallback=workspace.models["chat-small"],
        team=workspace.teams["assistants"],
        alert={"alertname": "Burn", "pod": "{{ 7 * 7 }}"},
        asked=asked,
        answer=(),
    )
    return context


def test_query_tells_what_prometheus_says(context):
    context.answer = (Sample({"__name__": "x", "pod": "a"}, 3.0, 0.0),)
    said = STEP_TYPES.readings["query"](context, Query(promql="max(requests{selector})", title="Waiting"))
    assert said == "Waiting: pod=a: 3"
    assert context.asked == ['max(requests{job="vllm-chat",model_name="chat-70b"})']


def test_query_says_when_there_is_nothing_or_too_much(context):
    assert STEP_TYPES.readings["query"](context, Query(promql="up")) == "up: no data"
    context.answer = tuple(Sample({"pod": str(number)}, 1.0, 0.0) for number in range(12))
    assert STEP_TYPES.readings["query"](context, Query(promql="up")).endswith("and 2 more")


def test_placeholders_come_from_documents(context):
    assert filled(context, 'x{slo="{slo}", model="{model}"}') == 'x{slo="chat-ttft", model="chat"}'


def test_notify_fills_in_but_evaluates_nothing_from_the_alert(context):
    text = "{{ slo }} of {{ model }}, {{ team }}: {{ alert.pod }}"
    said = STEP_TYPES.readings["notify"](context, Notify(text=text))
    assert said == "chat-ttft of chat, assistants: {{ 7 * 7 }}"


@pytest.mark.parametrize(
    "text",
    ["{{ nobody }}", "{{ alert.nothing }}", "{% for %}", "{{ ''.__class__.__mro__ }}", "{{ 1 / 0 }}", "{{ slo + 1 }}"],
)
def test_notify_refuses_what_it_cannot_fill_in(context, text):
    with pytest.raises(PermanentError, match="cannot be filled in"):
        # documents are checked when they are read; what stands in a run is filled in all the same
        STEP_TYPES.readings["notify"](context, Notify.model_construct(text=text))


def test_notify_is_cut_to_a_length(context):
    assert len(STEP_TYPES.readings["notify"](context, Notify(text="{{ 'x' * 100000 }}"))) == 3000


def test_inspect_tells_pods_nodes_and_events_that_are_not_well(context, kubernetes, until):
    said = STEP_TYPES.readings["inspect"](context, Inspect(events=Duration(900_000)))
    lines = said.splitlines()
    assert lines[0] == "Deployment chat-70b: 0 of 2 replicas ready"
    assert any(line.startswith("Pod chat-70b-") and "Pending, Unschedulable" in line for line in lines)


def test_inspect_tells_of_cordoned_and_missing_nodes(context, kubernetes):
    cluster = kubernetes.cluster()
    cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "spot-1"},
            "spec": {"unschedulable": True, "taints": [{"key": "spot", "effect": "NoSchedule"}]},
        }
    )
    for name, node in (("chat-70b-x", "spot-1"), ("chat-70b-y", "gone-1")):
        cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "prod", "labels": {"app": "chat-70b"}},
                "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
            }
        )
    said = STEP_TYPES.readings["inspect"](context, Inspect())
    assert "Node spot-1: cordoned, taint spot" in said
    assert "Node gone-1: gone" in said


def test_a_deployment_that_selects_nothing_is_no_selection_of_everything(context):
    empty = {"metadata": {"name": "x"}, "spec": {"selector": {}}}
    context.world.cluster = SimpleNamespace(get=lambda ref: empty, list=lambda *_, **__: pytest.fail("asked for all"))
    with pytest.raises(PermanentError, match="selects no pods"):
        STEP_TYPES.readings["inspect"](context, Inspect())


def test_weights_move_by_percent_and_only_in_rules_of_the_model(context, route):
    action = STEP_TYPES.actions["shift_traffic"]
    obj = route(("chat-70b", 3), ("chat-small", 1), ("canary", None))
    obj["spec"]["rules"].append({"backendRefs": [{"name": "other", "weight": 9}]})
    seen = action.read(context, obj)
    assert seen.state == {"rules": {"0": [["chat-70b", 3], ["chat-small", 1], ["canary", 1]]}}
    after = action.wanted(context, ShiftTraffic(percent=Percent.parse("50%")), seen.state)
    assert after == {"rules": {"0": [["chat-70b", 2], ["chat-small", 2], ["canary", 1]]}}
    text = action.text(Ref("HTTPRoute", "chat", "prod"), seen.state, after)
    assert text == (
        "send the traffic of HTTPRoute prod/chat to"
        " chat-70b 40% (was 60%), chat-small 40% (was 20%), canary 20% (was 20%)"
    )


def test_a_route_that_does_not_know_the_model_or_its_fallback_is_refused(context, route):
    action = STEP_TYPES.actions["shift_traffic"]
    with pytest.raises(RefusedError, match="does not know the backend chat-small"):
        action.read(context, route(("chat-70b", 1)))
    with pytest.raises(RefusedError, match="no rule of chat sends to the backend chat-70b"):
        action.read(context, route(("other", 1)))


@given(
    weights=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 50)), max_size=4),
    share=st.decimals(0, 1, places=3),
)
def test_no_traffic_is_lost_or_invented_by_a_shift(weights, share):
    before = [["a", 7], ["b", 2], *([name, weight] for name, weight in weights)]
    after = shifted(before, "a", "b", share)

    def of(rows, name=""):
        return sum(weight for one, weight in rows if name in one)

    scale = Fraction(of(after), of(before))
    both = of(before, "a") + of(before, "b")
    wanted = max(both * Fraction(share), Fraction(of(before, "b")))
    assert all(weight >= 0 for _, weight in after)
    assert of(after, "a") == (both - wanted) * scale
    assert of(after, "b") == wanted * scale
    assert of(after, "c") == of(before, "c") * scale
    assert shifted(after, "a", "b", share) == after


def test_a_share_that_no_weights_can_say_is_refused():
    with pytest.raises(RefusedError, match="cannot be said"):
        shifted([["a", 1], ["b", 0]], "a", "b", Decimal("0.12345678901"))


def test_the_hash_of_a_plan_holds_all_that_is_done():
    def hashed(**change):
        effect = Effect("scale", Ref("Deployment", "x", "prod"), {"replicas": 1}, {"replicas": 2}, "scale it")
        fields = {name: getattr(effect, name) for name in ("action", "target", "before", "after", "text")}
        return plan_hash("shift", "slo", "model", {1: Effect(**(fields | change))})

    changes = [
        {},
        {"before": {"replicas": 3}},
        {"after": {"replicas": 3}},
        {"target": Ref("Deployment", "y", "prod")},
    ]
    assert len({hashed(**change) for change in changes}) == len(changes)
