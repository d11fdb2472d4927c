"""What people may write wrong about indicators: each is a finding with a place, and nothing hostile reaches a rule."""

import pytest

from failsoft.alerts import compile_workspace
from failsoft.workspace.load import load

TOLD = "bad: {x: {family: a, match: {r: x}}}"
WRONG = {
    "a label that would leave its braces": (
        "SLO",
        'groupBy: {label: "a}) or vector(1) #"}',
        "label",
        "is no label name",
    ),
    "a label that is no tenant": ("SLO", "groupBy: {label: le}", "groupBy", "groups by le"),
    "only a label": ("SLO", "groupBy: tenant", "groupBy", "expected a mapping of keys to values"),
    "no group": ("SLO", "groupBy: {label: a, cap: 1}", "cap", "expected greater than or equal to 2"),
    "a million groups": ("SLO", "groupBy: {label: a, cap: 1000000}", "cap", "expected less than or equal to 100"),
    "groups of nothing": ("SLO", "groupBy: {}", "groupBy", "label"),
    "a class that is no name": ("SLO", 'prompts: "a\\nb"', "prompts", "is no name"),
    "a form that nobody stores": (
        "Model",
        "histograms: sparse",
        "histograms",
        "expected one of classic, native, custom",
    ),
    "a schema that is none": ("EngineLock", "native: {x: 99}", "native", "expected less than or equal to 8"),
    "a schema in words": ("EngineLock", "native: {x: fine}", "native", "expected a whole number"),
    "a lock of nothing": ("EngineLock", "models: []", "spec", "expected bounds, custom or native"),
    "a histogram that is not there": ("EngineLock", "custom: [nope]", "custom", "has no histogram nope"),
    "a metric with braces": ("EngineLock", 'native: {"x{}": 3}', "native", "is no metric name"),
    "classes without any": ("Engine", "promptClasses: {label: x, values: {}}", "promptClasses", "1 or more entries"),
    "classes in a list": ("Engine", "promptClasses: [short]", "promptClasses", "expected a mapping of keys to values"),
    "an outcome told and untold": (
        "Engine",
        f"indicators: {{availability: {{total: [{{family: a}}], {TOLD}, default: [x], untold: {{x: no}}}}}}",
        "availability",
        "says that it cannot tell x",
    ),
}
HEADS = {
    "SLO": "model: chat, indicator: {availability: {}}, objective: 99%",
    "Model": "engine: vllm, select: {job: x}, owner: assistants",
    "EngineLock": "engine: vllm",
    "Engine": 'source: {version: "1", evidence: code}, families: {a: {type: counter}}',
}


def found(tmp_path, base, *documents):
    (tmp_path / "failsoft.yaml").write_text("---\n".join([base.lstrip(), *documents]))
    return load(tmp_path)


@pytest.mark.parametrize("name", WRONG)
def test_it_is_a_finding_with_its_place(name, tmp_path, base):
    kind, part, at, said = WRONG[name]
    document = f"kind: {kind}\nmetadata: {{name: wrong}}\nspec: {{{HEADS[kind]}, {part}}}\n"
    workspace, findings = found(tmp_path, base, document)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert errors, workspace
    assert any(said in f"{error.message}; expected {error.expected}" for error in errors), errors
    assert all(error.place.line > 0 for error in errors)
    assert any(at in error.place.text for error in errors)


def test_models_that_stand_in_for_each_other_are_no_endless_loop(tmp_path, base):
    models = (
        f"kind: Model\nmetadata: {{name: {name}}}\n"
        f"spec: {{engine: vllm, select: {{job: {name}}}, owner: assistants, fallback: {other}}}\n"
        for name, other in (("east", "west"), ("west", "east"))
    )
    slo = "kind: SLO\nmetadata: {name: s}\nspec: {model: east, indicator: {ttft: {below: 1s}}, objective: 99%}\n"
    workspace, findings = found(tmp_path, base, *models, slo)
    assert [finding for finding in findings if finding.severity == "error"] == []
    made, problems = compile_workspace(workspace, {}, tests=False)
    assert [finding for finding in problems if finding.severity == "error"] == []
    assert "rules/east.yaml" in made.files
