"""The engines that ship: complete, honest about what no server proved, and everything in them compiles."""

from dataclasses import replace

import pytest

from failsoft.alerts import compile_workspace
from failsoft.cli.proving import Tools, prove
from failsoft.clients.binaries import run_tool
from failsoft.slo import resolve
from failsoft.workspace.kinds.engine import IndicatorName
from failsoft.workspace.kinds.families import AvailabilitySource

NAMES = {
    *("aibrix", "dynamo", "envoy-ai-gateway", "kserve", "litellm", "llamacpp", "llm-d-epp", "lmdeploy", "mlserver"),
    *("otel-genai", "rayserve", "sglang", "tgi", "triton", "trtllm-serve", "vllm", "vllm-router"),
    "vllm-production-stack-router",
}
LATE = ("ttft", "itl", "tpot", "e2e", "queueWait", "coldStart")
SELECT = {"litellm": "job: j, requested_model: good", "vllm": "job: j, model_name: tiny"}


def asked(engine, name):
    """An indicator of an engine as an SLO asks for it, with a threshold that is a bound."""
    spec = engine.spec
    if name in LATE:
        bounds = spec.bounds(spec.indicators.named()[name].family) or (60,)
        unit = spec.families[spec.indicators.named()[name].family].unit
        return f"{name}: {{below: {bounds[len(bounds) // 2]:f}{unit}}}"
    return {
        "availability": "availability: {}",
        "throughput": "throughput: {above: 10/s}",
        "kvCache": "kvCache: {below: 90%}",
        "preemption": "preemption: {below: 6/m}",
    }[name]


def test_all_of_them_are_there(engines):
    assert set(engines) >= NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_indicator_is_exported_or_it_is_said_what_could_measure_it(engines, name):
    spec = engines[name].spec
    there = set(spec.indicators.named())
    assert there | set(spec.missing) == set(IndicatorName.__value__.__args__)
    assert all(spec.missing.values())
    assert spec.traps


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_family_is_used_and_says_what_is_known_of_it(engines, name):
    spec = engines[name].spec
    used = set()
    for source in spec.indicators.named().values():
        selections = source.selections if isinstance(source, AvailabilitySource) else (source,)
        used |= {selection.family for selection in selections} | {getattr(source, "busy", None)}
    assert set(spec.families) <= used
    if name != "aibrix":  # whose labels are not known
        known = {label for family in spec.families.values() for label in family.labels or ()}
        assert set(spec.identity.values()) <= known


@pytest.mark.parametrize("name", sorted(NAMES))
def test_it_is_verified_where_a_scrape_proves_it_and_only_there(engines, name, scrape, run):
    source = engines[name].spec.source
    if not source.verified:
        with pytest.raises(ValueError, match="not enough values"):
            scrape(name)
        assert f"{name} {source.version}: unverified" in run("catalog", "show", name)[1]
        return
    code, out, _ = run("catalog", "verify", name, scrape(name))
    assert code == 0
    assert "families that differ" not in out
    states = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()[1:]}
    assert {key for key, state in states.items() if state == "works"} == set(engines[name].spec.indicators.named())


def test_everything_that_they_export_compiles_to_rules_that_promtool_takes(engines, workspace, tmp_path, promtool):
    documents = []
    for name, engine in ((name, engines[name]) for name in sorted(NAMES)):
        select = SELECT.get(name, "job: j")
        documents.append(
            f"kind: Model\nmetadata: {{name: {name}}}\n"
            f"spec: {{engine: {name}, select: {{{select}}}, owner: assistants}}"
        )
        documents += [
            f"kind: SLO\nmetadata: {{name: {name}-{index}}}\n"
            f"spec: {{model: {name}, indicator: {{{asked(engine, one)}}}, objective: 99%, period: 30m}}"
            for index, one in enumerate(engine.spec.indicators.named())
        ]
    _, loaded, found = workspace("vllm", {}, *documents)
    assert [finding for finding in found if finding.severity == "error"] == []
    told = [finding.message for finding in found if finding.code.id == "FS305"]
    unverified = {name for name in NAMES if not engines[name].spec.source.verified}
    assert {message.split()[6] for message in told} == unverified
    assert len(told) == len(unverified)
    made, findings = compile_workspace(loaded, {}, tests=False)
    assert [finding for finding in findings if finding.severity == "error"] == []
    for name, engine in ((name, engines[name]) for name in sorted(NAMES)):
        (tmp_path / f"{name}.yaml").write_text(made.files[f"rules/{name}.yaml"])
        places = {slo.at("spec").path for slo in loaded.slos.values() if slo.spec.model == name}
        warned = any(finding.code.id == "FS413" and finding.place.path in places for finding in findings)
        assert warned == (not engine.spec.source.verified and bool(engine.spec.buckets))
    done = run_tool([promtool, "check", "rules", *(tmp_path / f"{name}.yaml" for name in sorted(NAMES))])
    assert done.ok, done.stdout + done.stderr


SHAPES = {
    "only good requests are counted": ("kserve", "availability: {}"),
    "codes in one counter": ("litellm", "availability: {bad: [5xx, 429, 499]}"),
    "successes and errors by code": ("trtllm-serve", "availability: {bad: [5xx, 429]}"),
    "successes and failures by reason": ("triton", "availability: {}"),
    "three ends of a request": ("vllm-router", "availability: {bad: [exhausted, non-retryable]}"),
    "the count of a histogram": ("envoy-ai-gateway", "availability: {}"),
    "whatever is an error and nothing else": ("dynamo", "availability: {bad: [error, overload, abort]}"),
    "a start in a gauge": ("sglang", "coldStart: {below: 4m}"),
    "a start in a histogram of milliseconds": ("rayserve", "coldStart: {below: 30s}"),
    "a goodput by what is good": ("kserve", "goodput: {e2e: 1s}"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_an_engine_passes_its_proof(name, workspace, tmp_path, promtool, amtool):
    engine, indicator = SHAPES[name]
    _, loaded, found = workspace(engine, {"s": indicator}, select=SELECT.get(engine, "job: j"))
    assert [finding for finding in found if finding.severity == "error"] == []
    made, _ = compile_workspace(loaded, {})
    for path, text in made.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    own = replace(made, units=tuple(unit for unit in made.units if unit.subject == "s"))
    assert own.units[0].alerts
    assert prove(own, tmp_path, Tools(promtool, amtool)) == ()


def test_the_units_of_a_family_are_converted(workspace):
    _, loaded, _ = workspace("rayserve", {"s": "e2e: {below: 2s}"})
    objective, _ = resolve(loaded, loaded.slos["s"])
    assert 'ray_serve_http_request_latency_ms_bucket{job="j", le=~"2000|2000[.]0"}' in objective.sli.bad(60_000)


def test_a_gateway_never_counts_the_models_of_others(workspace):
    """LiteLLM's families differ in the label that names the model; where it is lost, the SLO is refused."""
    _, loaded, _ = workspace("litellm", {"s": "tpot: {below: 50ms}"}, select="job: j, requested_model: good")
    objective, _ = resolve(loaded, loaded.slos["s"])
    assert 'model_group="good"' in objective.sli.total(60_000)
    _, loaded, _ = workspace("triton", {"s": "kvCache: {below: 90%}"}, select="job: j, gpu_uuid: x, model: m")
    assert resolve(loaded, loaded.slos["s"])[0] is not None


def test_an_indicator_that_is_not_exported_is_refused_with_what_could_measure_it(workspace):
    _, _, found = workspace("tgi", {"s": "ttft: {below: 500ms}"})
    (finding,) = [one for one in found if one.code.id == "FS302"]
    assert finding.message == "the engine tgi (unverified) exports nothing for ttft"
    assert "gateway" in finding.hint
