"""The generated tests pass on the generated rules, for every shape of SLO, on the oldest and the newest promtool."""

import pytest

from failsoft.alerts import detection_time
from failsoft.alerts.burn import alerts_of, groups_of
from failsoft.alerts.scenarios import scenarios_of
from failsoft.cli.proving import Tools, prove

QUICK = "objective: 99%, period: 30m"
SHAPES = {
    "ttft, lab": ("ttft: {below: 500ms}", QUICK, 1),
    "availability, lab": ("availability: {}", QUICK, 1),
    "a single bad event is enough": ("ttft: {below: 500ms}", f"{QUICK}, minBadEvents: 1", 1),
    "a guard of many": ("availability: {}", f"{QUICK}, minBadEvents: 200", 1),
    "strict": ("ttft: {below: 1s}", "objective: 99.99%, period: 30m", 1),
    "loose": ("availability: {}", "objective: 90.5%, period: 30m", 1),
    "many tiers": ("availability: {}", "objective: 99%, period: 2h, alerting: eight", 1),
    "tiers that wait": ("ttft: {below: 500ms}", "objective: 99%, period: 2h, alerting: lasting", 1),
    "drift whose tiers wait": (
        "drift: {monitor: chat-output, signal: output-length, below: 0.25}",
        "objective: 99%, period: 2h, alerting: lasting",
        1,
    ),
    "a tier of the whole period": ("availability: {}", f"{QUICK}, alerting: whole", 1),
    "a month": ("ttft: {below: 500ms}", "objective: 99.9%", 15),
    "a quarter": ("availability: {}", "objective: 99%, period: 90d, alerting: burn-30d", 15),
    "drift, lab": ("drift: {monitor: chat-output, signal: output-length, below: 0.25}", QUICK, 1),
    "drift by its budget": ("drift: {monitor: chat-output, signal: output-length}", QUICK, 1),
    "drift with a guard": (
        "drift: {monitor: chat-output, signal: output-length, below: 0.25}",
        f"{QUICK}, minBadEvents: 3",
        1,
    ),
}
EIGHT = """
kind: AlertWindows
metadata: {name: eight}
spec:
  keepFiringFor: 7s
  tiers:
    - {name: t1, severity: page, budget: 2%, short: 10s, long: 1m}
    - {name: t2, severity: page, budget: 3%, short: 20s, long: 2m}
    - {name: t3, severity: page, budget: 4%, short: 30s, long: 3m}
    - {name: t4, severity: page, budget: 5%, short: 40s, long: 4m}
    - {name: t5, severity: page, budget: 6%, short: 50s, long: 5m}
    - {name: t6, severity: ticket, budget: 8%, short: 70s, long: 6m}
    - {name: t7, severity: ticket, budget: 10%, short: 2m, long: 8m}
    - {name: t8, severity: ticket, budget: 12%, short: 2m, long: 10m}
"""
WHOLE = """
kind: AlertWindows
metadata: {name: whole}
spec:
  tiers:
    - {name: fast, severity: page, budget: 20%, short: 5s, long: 1m}
    - {name: whole, severity: ticket, budget: 100%, short: 2m, long: 30m}
"""
LASTING = EIGHT.replace("name: eight", "name: lasting").replace("long: 1m}", "long: 1m, for: 17s}")
LASTING = LASTING.replace("long: 10m}", "long: 10m, for: 3m}")


@pytest.fixture(params=SHAPES)
def shape(request, written, base, drift, lab_windows):
    """A workspace with one SLO called `s` of that shape."""
    indicator, rest, scrape = SHAPES[request.param]
    monitor = (
        drift.partition("---")[0].replace("signals:", "every: 2s, signals:")
        if scrape == 1
        else drift.partition("---")[0]
    )
    slo = f"kind: SLO\nmetadata: {{name: s}}\nspec: {{model: chat, indicator: {{{indicator}}}, {rest}}}"
    clock = base.replace("scrapeInterval: 15s", f"scrapeInterval: {scrape}s")
    return written(slo, lab_windows, EIGHT, LASTING, WHOLE, *([monitor] if "drift" in indicator else []), base=clock)


def proven(made, folder, promtool, amtool):
    compiled = made.output(folder, tests=True, of="s")
    return compiled, prove(compiled, folder, Tools(promtool, amtool))


def test_every_tier_fires_in_time_and_not_before_and_is_quiet_when_it_should_be(shape, tmp_path, promtool, amtool):
    compiled, findings = proven(shape, tmp_path, promtool, amtool)
    assert findings == ()
    assert compiled.units[0].alerts


@pytest.mark.newest_prometheus
@pytest.mark.parametrize(
    "shape",
    [
        name
        for name in SHAPES
        if name
        in {"ttft, lab", "availability, lab", "many tiers", "tiers that wait", "drift, lab", "drift by its budget"}
    ],
    indirect=True,
)
def test_the_newest_promtool_says_the_same(shape, tmp_path, newest_promtool, amtool):
    assert proven(shape, tmp_path, newest_promtool, amtool)[1] == ()


def test_the_time_that_is_computed_for_people_is_kept_by_the_proof(shape):
    """From the onset of a total outage to the first evaluation at which the fastest tier must fire."""
    objective, _ = shape.resolve("s")
    groups = groups_of(objective, ())
    hops = {dict(alert.labels)["burn_tier"]: alert.hops for alert in alerts_of(groups)}
    fastest = objective.tiers[0]
    outage = next(story for story in scenarios_of(objective, groups) if story.name == "fails altogether")
    moments = [check for check in outage.checks if dict(check.labels)["burn_tier"] == fastest.name]
    first = next(check.at for check in moments if check.state == "fires")
    computed = detection_time(objective, fastest, 1, hops=hops[fastest.name])
    onset = fastest.long + (objective.step // 5 * 2 if outage.interval < objective.step else 0)
    # the proof's samples are a fifth of a step apart, which may be more than a scrape
    assert first - onset <= computed.milliseconds + outage.interval
    assert detection_time(objective, fastest, fastest.threshold) is None


def test_all_ten_of_ten_page_and_one_of_ten_does_not(shape):
    objective, _ = shape.resolve("s")
    stories = {story.name: story for story in scenarios_of(objective, groups_of(objective, ()))}
    if "loses its drift evaluation" in stories:
        assert "is idle" in stories
        return
    states = {check.state for check in stories["fails all of ten requests"].checks}
    assert "fires" in states
    if objective.min_bad > 1:
        assert {check.state for check in stories["fails once in ten requests"].checks} == {"quiet"}
