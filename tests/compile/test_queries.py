"""What runbooks and experiments ask about an SLO, answered by promtool over series that are known."""

import pytest

from failsoft.errors import NotFoundError, RefusedError
from failsoft.slo import (
    bad_events,
    budget_remaining,
    budget_spent,
    error_ratio,
    recorded_error_ratio,
    total_events,
)
from failsoft.slo.queries import objective_of
from failsoft.slo.records import count_labels
from failsoft.slo.series import TOTAL
from failsoft.workspace.quantities import Duration

SLOS = """
kind: SLO
metadata: {name: ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
---
kind: SLO
metadata: {name: availability}
spec: {model: chat, indicator: {availability: {}}, objective: 99%}
---
kind: SLO
metadata: {name: off}
spec: {model: chat, indicator: {ttft: {below: 300ms}}, objective: 99%}
"""
COUNT = 'vllm:time_to_first_token_seconds_count{job="vllm", model_name="chat-70b", pod="%s"}'
BUCKET = 'vllm:time_to_first_token_seconds_bucket{job="vllm", model_name="chat-70b", pod="%s", le="0.5"}'
GOOD = 'http_requests_total{job="vllm", handler="/v1/chat/completions", method="POST", status="2xx"}'
BAD = 'http_requests_total{job="vllm", handler="/v1/completions", method="POST", status="5xx"}'
OTHER = 'http_requests_total{job="vllm", handler="/metrics", method="GET", status="5xx"}'
FIVE = Duration.parse("5m")


@pytest.fixture
def workspace(written):
    return written(SLOS).workspace


def close(expression, value):
    return (f"abs(({expression}) - ({value})) < bool 1e-6", "20m"), 1


def test_the_error_ratio_is_of_all_events_of_all_replicas(workspace, judge):
    series = {
        COUNT % "a": "1000+90x30",
        BUCKET % "a": "1000+90x30",
        COUNT % "b": "1000+10x30",
        BUCKET % "b": "1000+0x30",  # a tenth of the requests, all slow: 10 %, not the 50 % of an average of ratios
    }
    checks = dict(
        [
            close(error_ratio(workspace, "ttft", FIVE), 0.1),
            close(bad_events(workspace, "ttft", FIVE), 50),
            close(total_events(workspace, "ttft", FIVE), 500),
        ]
    )
    done = judge("groups: []", series, checks)
    assert done.ok, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("series", "value"),
    [
        ({GOOD: "1000+95x30", BAD: "1000+5x30", OTHER: "1000+500x30"}, 0.05),
        ({GOOD: "1000+95x30"}, 0),  # nobody has failed yet, so there is no series of failures
        ({BAD: "1000+5x30"}, 1),
    ],
)
def test_availability_counts_inference_only_and_no_failure_is_none(workspace, judge, series, value):
    done = judge("groups: []", series, dict([close(error_ratio(workspace, "availability", FIVE), value)]))
    assert done.ok, done.stdout + done.stderr


@pytest.mark.parametrize("slo", ["ttft", "availability"])
@pytest.mark.parametrize(
    "series",
    [
        {"up": "1+0x30"},
        {COUNT % "a": "7+0x30", BUCKET % "a": "7+0x30", GOOD: "7+0x30", BAD: "0+0x30"},
        {COUNT % "a": "1000+10x10 _x20", GOOD: "1000+10x10 _x20"},
        {COUNT % "a": "NaN+0x30", BUCKET % "a": "NaN+0x30", GOOD: "NaN+0x30"},
    ],
    ids=["nothing there", "idle", "gone", "NaN"],
)
def test_where_nothing_is_known_there_is_no_answer(workspace, judge, slo, series):
    """Never 0, which would read as healthy, and never NaN."""
    done = judge("groups: []", series, {(f"count({error_ratio(workspace, slo, FIVE)})", "20m"): None})
    assert done.ok, done.stdout + done.stderr


def counted(workspace, slo):
    labels = count_labels(objective_of(workspace, slo))
    return TOTAL + "{" + ", ".join(f'{label}="{value}"' for label, value in labels) + "}"


def test_what_was_spent_is_a_share_of_the_whole_budget(workspace, judge):
    """10,000 events recorded in the period allow 100 bad ones at 99 %; 5 minutes with 10 bad ones are a tenth."""
    series = {
        COUNT % "a": "1000+10x30",
        BUCKET % "a": "1000+8x30",
        counted(workspace, "ttft"): "500+0x19",
        'failsoft:slo_budget_remaining:ratio{slo="ttft", model="chat", team="assistants"}': "_x15 0.75",
        'failsoft:slo_error_ratio{slo="ttft", window="1h", model="chat", team="assistants"}': "_x15 0.004",
    }
    checks = dict(
        [
            close(budget_spent(workspace, "ttft", FIVE), 0.1),
            # records may be older than Prometheus looks back for a plain name
            close(budget_remaining(workspace, "ttft"), 0.75),
            close(recorded_error_ratio(workspace, "ttft", Duration.parse("60m")), 0.004),
        ]
    )
    done = judge("groups: []", series, checks)
    assert done.ok, done.stdout + done.stderr


def test_a_drift_slo_answers_in_judged_slices_of_time(written, drift, judge):
    workspace = written(drift).workspace
    score = 'failsoft_drift_score{model="chat", monitor="chat-output", signal="output-length", statistic="psi"}'
    evaluated = (
        'failsoft_drift_evaluated_timestamp_seconds{model="chat", monitor="chat-output", signal="output-length"}'
    )
    series = {score: "0.1+0x40 0.5+0x20", evaluated: "0+60x60"}
    hour = Duration.parse("1h")
    checks = {(f"abs(({error_ratio(workspace, 'chat-drift', hour)}) - 1/3) < bool 0.06", "60m"): 1}
    assert judge("groups: []", series, checks).ok
    stalled = series | {evaluated: "0+60x20 1200+0x40"}
    none = {(f"count({error_ratio(workspace, 'chat-drift', FIVE)})", "60m"): None}
    assert judge("groups: []", stalled, none).ok


def test_an_slo_that_is_not_there_or_cannot_be_compiled_is_told(workspace):
    with pytest.raises(NotFoundError, match="there is no SLO 'nothing'"):
        error_ratio(workspace, "nothing", FIVE)
    with pytest.raises(RefusedError, match="300ms is no bucket bound"):
        error_ratio(workspace, "off", FIVE)
