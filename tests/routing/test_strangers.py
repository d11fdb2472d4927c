"""Inhibition rules of people's own configurations by which one SLO would silence another one."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failsoft.alerts.routing import silencers, strangers
from failsoft.cli.compile import compiled
from failsoft.workspace.load import load

SECOND = """
kind: SLO
metadata: {name: t}
spec: {model: chat, indicator: {e2e: {below: 10s}}, objective: 99%}
"""
HEAD = "route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules:\n"


def rule(source, target, equal):
    return f"  - {{source_matchers: {source}, target_matchers: {target}, equal: {equal}}}\n"


def test_a_rule_that_is_too_wide_is_told_at_its_place(workspace):
    root = workspace(SECOND, settings="  alertmanager: {base: alertmanager/ours.yaml}")
    (root / "alertmanager").mkdir()
    wide, narrow = rule('[severity="page"]', '[severity="ticket"]', "[cluster]"), rule("[a=b]", "[severity=~.+]", "[]")
    (root / "alertmanager" / "ours.yaml").write_text(HEAD + narrow + wide)
    told = [one for one in compiled(load(root)[0], tests=False)[1] if one.code.id == "FS450"]
    assert [(one.place.line, one.message) for one in told] == [
        (5, "while t burns, the ticket of s is silent by this rule")
    ]
    (root / "alertmanager" / "ours.yaml").write_text(HEAD + wide.replace("cluster", "cluster, slo"))
    assert "FS450" not in {one.code.id for one in compiled(load(root)[0], tests=False)[1]}


conditions = st.lists(
    st.sampled_from(['severity="page"', 'severity="ticket"', 'slo=~"a|b"', 'team!="x"', 'alertname=""']), max_size=2
)
labels = st.fixed_dictionaries(
    {"slo": st.sampled_from("abc"), "severity": st.sampled_from(["page", "ticket"]), "team": st.sampled_from("xy")}
)


equals = st.sets(st.sampled_from(["team", "cluster"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(source=conditions, target=conditions, equal=equals, alerts=st.lists(labels))
def test_it_finds_one_wherever_alertmanager_would_silence_one(configuration, source, target, equal, alerts):
    made = configuration(HEAD + rule(source, target, sorted(equal)))
    expected = any(other["slo"] != one["slo"] for one in alerts for _, other in silencers(made, one, alerts))
    found = list(strangers(made.inhibitions, alerts))
    assert bool(found) == expected
    for _, fires, silent in found:
        assert fires["slo"] != silent["slo"]
        assert fires in [other for _, other in silencers(made, silent, alerts)]
