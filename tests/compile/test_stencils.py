"""Rules that are set into the text of others of their form are those that are written out, to the byte."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from failsoft.alerts.burn import alerts_of, groups_of
from failsoft.alerts.messages import links_of
from failsoft.alerts.rules import groups_text
from failsoft.alerts.stencils import Stencils
from failsoft.slo import resolve
from failsoft.workspace.kinds.configuration import Links
from failsoft.workspace.load import load

INDICATORS = {
    "ttft": "ttft: {below: 500ms}",
    "goodput": "goodput: {ttft: 500ms, tpot: 50ms, snap: up}",
    "availability": "availability: {}",
    "good": """events: {good: 'a_total{code!="500", x="1"}', total: 'a_total{x="1"}'}""",
    "bad": """events: {bad: 'a_total{code="500"} + b_total', total: 'a_total'}""",
    "gauge": "gauge: {metric: score, above: 0.9}",
    "grouped": """events: {good: 'a_total{code!="500"}', total: 'a_total'}""",
}
SLO = """---
kind: SLO
metadata: {name: NAME}
spec: {model: chat, indicator: {INDICATOR}, objective: OBJECTIVE, period: PERIODMORE}
"""
PROMISES = (("99.9%", "30d"), ("99.90%", "30d"), ("90%", "28d"), ("99%", "7d"))

names = st.one_of(st.from_regex(r"[a-z0-9][-a-z0-9]{0,20}", fullmatch=True), st.text(max_size=12))
addresses = st.sampled_from(
    ["", "https://x/{slo}/{model}?r={runbook}", "https://x/{{slo}}GAPnameGAP", "https://x/{{$labels}}/ü\"'\\"]
)
texts = st.one_of(
    st.just(""), st.text(max_size=30), st.sampled_from(['{{ $value }} "x" \\ ', "GAPnameGAP", "\x85 a\nb"])
)
changes = st.fixed_dictionaries(
    dict.fromkeys(("name", "model", "team", "failure_mode", "definition"), names)
    | {"description": texts, "runbook": st.one_of(st.just(""), names)}
    | {"sloth": st.one_of(st.none(), st.tuples(names, names)), "which": st.integers(0, 27)}
)


@pytest.fixture(scope="module")
def objectives(tmp_path_factory):
    """One SLO of each indicator and promise."""
    root = tmp_path_factory.mktemp("stencils")
    documents = [
        SLO.replace("NAME", f"{name}-{index}")
        .replace("INDICATOR", indicator)
        .replace("OBJECTIVE", objective)
        .replace("PERIOD", period)
        .replace("MORE", ", groupBy: {label: tenant}" if name == "grouped" else "")
        for name, indicator in INDICATORS.items()
        for index, (objective, period) in enumerate(PROMISES)
    ]
    (root / "slo").mkdir()
    (root / "slo" / "all.yaml").write_text("".join(documents))
    (root / "failsoft.yaml").write_text(
        "kind: Team\nmetadata: {name: sre}\nspec: {slack: '#sre', people: [{name: ana, slack: U0ANA}]}\n---\n"
        "kind: Model\nmetadata: {name: chat}\nspec: {engine: vllm, select: {job: vllm, model_name: chat}, owner: sre}\n"
    )
    workspace, _ = load(root)
    found = [resolve(workspace, slo)[0] for slo in workspace.slos.values()]
    assert len(found) == len(INDICATORS) * len(PROMISES)
    assert None not in found
    return workspace.config, found


def changed(objective, change):
    spec = objective.document.spec.model_copy(update={"description": change["description"]})
    fields = {key: value for key, value in change.items() if key not in {"description", "runbook", "which"}}
    return replace(objective, document=replace(objective.document, spec=spec), **fields)


def written_out(config, objective, runbook):
    groups = groups_of(objective, links_of(config, objective, runbook))
    return groups_text(groups), tuple(alert.name for alert in alerts_of(groups))


@settings(max_examples=60)
@given(st.lists(changes, min_size=1, max_size=5), addresses, addresses)
@example([{"name": "a", "model": "m", "team": "t", "failure_mode": "f", "definition": "1"} | {
    "description": " x {{ y", "runbook": "r", "sloth": ("s", "q"), "which": 0}] * 2, "https://x/{slo}", "")  # fmt: skip
def test_each_is_what_it_would_be_by_itself(objectives, made, runbook, dashboard):
    config, found = objectives
    config = config.model_copy(update={"links": Links.model_construct(runbook=runbook, dashboard=dashboard)})
    stencils = Stencils(config)
    for _ in range(3):  # the first is written out, the second is cut, and so on
        for change in made:
            objective = changed(found[change["which"]], change)
            assert stencils.text(objective, change["runbook"]) == written_out(config, objective, change["runbook"])


def test_forms_that_differ_in_a_word_are_not_mixed_up(objectives):
    config, found = objectives
    stencils = Stencils(config)
    for _ in range(3):
        for objective in found:
            assert stencils.text(objective, "look") == written_out(config, objective, "look")
            assert stencils.text(objective, "") == written_out(config, objective, "")


def test_nearly_all_is_set_into_a_text_that_is_there(objectives, monkeypatch):
    config, found = objectives
    stencils = Stencils(config)
    mine = [one for one in found if one.name.startswith(("ttft", "good", "bad", "availability"))]
    for _ in range(2):
        for objective in mine:
            stencils.text(objective, "look")
    monkeypatch.setattr("failsoft.alerts.stencils.groups_of", None)
    for objective in mine:
        stencils.text(replace(objective, name="other"), "another")
