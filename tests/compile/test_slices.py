"""Slices of time: what is judged, what is bad, and what is neither because nothing is known."""

from dataclasses import replace

import pytest

from failsoft.cli.proving import Tools, prove

STEP = 300_000
POD = 'vllm:kv_cache_usage_perc{job="vllm", model_name="chat-70b", pod="%s"}'
TOKENS = 'vllm:generation_tokens_total{job="vllm", model_name="chat-70b", pod="%s"}'
RUNNING = 'vllm:num_requests_running{job="vllm", model_name="chat-70b", pod="%s"}'


def judged(objective):
    return objective.sli.total(STEP), objective.sli.bad(STEP)


def told(judge, objective, series, judged_is, bad_is):
    total, bad = judged(objective)
    done = judge("groups: []", series, {(total, "10m"): judged_is, (bad, "10m"): bad_is})
    assert done.ok, done.stdout + done.stderr


def test_one_full_replica_makes_a_slice_bad(slo, judge):
    objective, _ = slo("kvCache: {below: 95%}")
    told(judge, objective, {POD % "a": "0.5x20", POD % "b": "0.96x20"}, 1, 1)
    told(judge, objective, {POD % "a": "0.5x20", POD % "b": "0.95x20"}, 1, 0)


def test_a_full_moment_is_bad_at_its_worst_and_not_on_average(slo, judge):
    moment = {POD % "a": "0.1x7 1 0.1x12"}
    told(judge, slo("kvCache: {below: 95%}")[0], moment, 1, 1)
    told(judge, slo("kvCache: {below: 95%, by: average}")[0], moment, 1, 0)


def test_no_number_is_no_value_and_no_value_is_no_slice(slo, judge):
    objective, _ = slo("kvCache: {below: 95%}")
    told(judge, objective, {POD % "a": " ".join(["NaN"] * 21)}, None, None)
    told(judge, objective, {POD % "a": "0.5x20", POD % "b": " ".join(["NaN"] * 21)}, 1, 0)
    told(judge, objective, {POD % "a": "0.5x4 _x16"}, None, None)


def test_a_score_is_bad_below_its_limit_and_may_be_negative(slo, judge):
    objective, _ = slo("gauge: {metric: margin, select: {suite: a}, above: 0}")
    told(judge, objective, {'margin{suite="a"}': "-1x20"}, 1, 1)
    told(judge, objective, {'margin{suite="a"}': "0x20", 'margin{suite="b"}': "-1x20"}, 1, 0)


def test_a_time_is_bad_when_it_is_too_long_ago_and_when_it_never_was(slo, judge):
    objective, _ = slo("gauge: {metric: done_at, youngerThan: 7m}")
    told(judge, objective, {"done_at": "240x20"}, 1, 0)  # 6 minutes ago
    told(judge, objective, {"done_at": "120x20"}, 1, 1)  # 8 minutes ago
    told(judge, objective, {"done_at": "0x20"}, 1, 1)


def test_throughput_is_of_all_replicas_and_judged_while_there_is_work(slo, judge):
    objective, _ = slo("throughput: {above: 100/s}")
    tokens = {TOKENS % "a": "0+3600x20", TOKENS % "b": "0+3600x20"}  # 60 a second, each
    told(judge, objective, tokens | {RUNNING % "a": "4x20"}, 1, 0)
    told(judge, objective, {TOKENS % "a": "0+3600x20", RUNNING % "a": "4x20"}, 1, 1)
    told(judge, objective, {TOKENS % "a": "0x20", RUNNING % "a": "4x20"}, 1, 1)  # it hangs
    told(judge, objective, {TOKENS % "a": "0x20", RUNNING % "a": "0x20"}, None, None)  # it is idle
    told(judge, objective, {TOKENS % "a": "0x20"}, None, None)


def test_a_slice_is_judged_by_the_share_of_its_events_and_not_without_any(slo, judge):
    own = "bad: errors_total, total: requests_total, perSlice: 95%"
    objective, _ = slo(f"events: {{{own}}}")
    assert objective.sli.sentence == "the time more than 5% of the events of chat were bad"
    requests = {"requests_total": "0+100x20"}
    told(judge, objective, requests | {"errors_total": "0+5x20"}, 1, 0)
    told(judge, objective, requests | {"errors_total": "0+6x20"}, 1, 1)
    told(judge, objective, requests, 1, 0)  # no error has made its counter
    told(judge, objective, {"requests_total": "7x20", "errors_total": "3x20"}, None, None)
    told(judge, objective, {"errors_total": "0+6x20"}, None, None)
    busy = {"requests_total": "0+100000x10 1000100+100x9", "errors_total": "0+0x10 0+100x9"}
    told(judge, objective, busy, 1, 0)  # the slice that is over is judged, however busy another one was


@pytest.mark.parametrize(
    "own",
    [
        "good: \"r_total{code=~'2..'}\", total: r_total, perSlice: 99.9%",
        "bad: \"r_total{code='500'} + r_total{code='503'}\", total: r_total, perSlice: 50%",
    ],
)
def test_slices_of_events_are_proven_as_any_other(written, tmp_path, promtool, amtool, own):
    spec = f"{{model: chat, indicator: {{events: {{{own}}}}}, objective: 99%, period: 7d}}"
    made, findings = written(f"kind: SLO\nmetadata: {{name: s}}\nspec: {spec}").compiled(tests=True)
    assert not [finding for finding in findings if finding.severity == "error"]
    for path, text in made.files.items():
        (tmp_path / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / path).write_text(text)
    own_units = replace(made, units=tuple(unit for unit in made.units if unit.subject == "s"))
    assert own_units.units[0].alerts
    assert prove(own_units, tmp_path / "out", Tools(promtool, amtool)) == ()


def test_preemptions_are_counted_by_the_time_that_the_author_names(slo, judge):
    counter = 'vllm:num_preemptions_total{job="vllm", model_name="chat-70b"}'
    objective, _ = slo("preemption: {below: 30/m}")
    told(judge, objective, {counter: "0+29x20"}, 1, 0)
    told(judge, objective, {counter: "0+31x20"}, 1, 1)
