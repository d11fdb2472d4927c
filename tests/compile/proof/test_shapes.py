"""Proofs by shape: SLOs that differ in names only share one, and whatever else differs makes another."""

import re
from dataclasses import replace

import pytest

from failsoft.alerts.burn import groups_of
from failsoft.alerts.scenarios import scenarios_of
from failsoft.alerts.shape import shape_of
from failsoft.cli.artefacts import write
from failsoft.cli.proving import Tools, prove

OTHER = """
kind: Team
metadata: {name: others}
spec: {slack: "#others", pager: {stdout: {}}, people: [{name: ben}]}
---
kind: Model
metadata: {name: small}
spec: {engine: vllm, select: {job: vllm-small, model_name: "small {8b}"}, owner: others}
"""
SLO = """
kind: SLO
metadata: {{name: {name}}}
spec: {{model: {model}, indicator: {{ttft: {{below: {below}}}}}, objective: {objective}, period: {period}}}
"""


def slo(name, model="chat", below="500ms", objective="99%", period="30d"):
    return SLO.format(name=name, model=model, below=below, objective=objective, period=period)


@pytest.fixture
def quick(written, base, lab_windows):
    """Compiles SLOs of half an hour, on the clocks of a lab so that they are proven in a second."""

    def of(*slos):
        clock = base.replace("scrapeInterval: 15s", "scrapeInterval: 1s")
        return written(OTHER, lab_windows, *slos, base=clock).compiled(tests=True)[0]

    return of


@pytest.fixture
def shapes(written):
    def of(*slos):
        made, findings = written(OTHER, *slos).compiled(tests=True)
        assert [finding for finding in findings if finding.severity == "error"] == []
        return {unit.subject: unit.shape for unit in made.units}

    return of


def test_names_make_no_shape(shapes):
    found = shapes(slo("one"), slo("other", model="small"), slo("small", model="small"))
    assert found["one"] == found["other"]
    # where the SLO is called as its model, the two names are one: that is another shape, proven by itself
    assert found["small"] != found["one"]


@pytest.mark.parametrize("change", [{"below": "1s"}, {"objective": "99.9%"}])
def test_everything_else_does(shapes, change):
    found = shapes(slo("one"), slo("other", **change))
    assert found["one"] != found["other"]


def shape_with(base, change):
    """The shape of an SLO of which one rule was changed."""
    objective, _ = base.resolve("one")
    groups = groups_of(objective, ())
    changed = tuple(
        group._replace(rules=tuple(rule._replace(expression=change(rule.expression)) for rule in group.rules))
        for group in groups
    )
    select = tuple(base.workspace.models["chat"].spec.select.items())
    return shape_of(objective, changed, scenarios_of(objective, groups), select)


def test_a_rule_that_reads_another_slo_is_no_matter_of_names(written):
    base = written(OTHER, slo("one"))
    same = shape_with(base, lambda text: text)
    assert same == shape_with(base, lambda text: text)
    assert same != shape_with(base, lambda text: text.replace('slo="one"', 'slo="two"'))
    assert same != shape_with(base, lambda text: text.replace('slo="one"', 'slo="chat"'))
    assert same != shape_with(base, lambda text: text.replace("> 0.144", "> 0.145"))


def test_one_of_a_shape_is_proven_and_speaks_for_the_others(quick, tmp_path, promtool, amtool):
    made = quick(slo("one", period="30m"), slo("other", model="small", period="30m"))
    assert prove_in(tmp_path / "good", made, promtool, amtool) == ()
    text = made.files["tests/one.test.yaml"].replace("value: 1", "value: 0")
    assert text != made.files["tests/one.test.yaml"]
    broken = replace(made, files=made.files | {"tests/one.test.yaml": text})
    found = prove_in(tmp_path / "bad", broken, promtool, amtool)
    assert [finding.code.id for finding in found if "of its shape" in finding.message] == ["FS443"]
    assert "one fails, and with it that of 1 more of its shape" in found[0].message


def prove_in(folder, made, promtool, amtool):
    write(made.files, folder)
    slos = tuple(unit for unit in made.units if not unit.subject.startswith("_"))
    return prove(replace(made, units=slos), folder, Tools(promtool, amtool))


def test_what_is_proven_is_what_stands_in_the_file(quick, tmp_path, promtool, amtool):
    made = quick(slo("one", period="30m"), slo("two", objective="99.9%", period="30m"))
    text = made.files["rules/chat.yaml"]
    wrong = re.sub(r"> 0\.06\b", "> 0.12", text)
    assert wrong != text
    found = prove_in(tmp_path, replace(made, files=made.files | {"rules/chat.yaml": wrong}), promtool, amtool)
    assert [finding.message for finding in found] == ["the proof of one fails"]
