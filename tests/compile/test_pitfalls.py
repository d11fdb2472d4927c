"""Every pitfall of burn-rate rules, the naive rule beside ours on the same series: the one is wrong, the other is not.

Naive is what other generators write. Clocks are a lab's: scrapes of a second, a period of 30 minutes, records every 5.
"""

from fractions import Fraction
from typing import NamedTuple

import pytest
import yaml

from failsoft.clients.binaries import run_tool
from failsoft.slo.promql import number
from failsoft.slo.scaled import pasted
from failsoft.workspace.load import shipped

GOOD, BAD, ALL = (f'requests_total{{job="a", code="{code}"}}' for code in ("200", "500", "all"))
EVENTS = 'events: {bad: \'requests_total{job="a", code="500"}\', total: \'requests_total{job="a"}\'}'
LATENCY = 'events: {good: \'wait_bucket{job="a", le="1"}\', total: \'wait_count{job="a"}\'}'
SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {INDICATOR}, objective: OBJECTIVE, period: 30m}
"""
NAIVE = """
- name: naive
  interval: 5s
  rules:
  - record: naive:ratio5s
    expr: sum(rate(requests_total{code="500"}[5s])) / sum(rate(requests_total[5s]))
  - record: naive:increase5s
    expr: sum(increase(requests_total[4999ms])) # a window of 5 s as Prometheus 3 has it, without its left edge
  - record: naive:ratio5s_or_zero
    expr: (sum(rate(requests_total{code="500"}[5s])) or vector(0)) / sum(rate(requests_total[5s]))
"""
RATIO = 'max(failsoft:slo_error_ratio{slo="s", window="30m"})'
EVENTS_SEEN = 'sum(failsoft:slo_events_total:sum{slo="s", window="30m"})'
AVERAGE = "sum(avg_over_time(naive:ratio5s[30m]))"
RAW = 'sum(increase(requests_total{code="500"}[60s])) / sum(increase(requests_total[60s]))'
RARE = "sum_over_time(sum(increase(requests_total{code='500'}[25s]))[60s:25s])"
RARE += " / sum_over_time(sum(increase(requests_total[25s]))[60s:25s])"
FIRES = 'count(ALERTS{slo="s", burn_tier="page-fast", alertstate="firing"})'
NOTHING = None


class Pitfall(NamedTuple):
    """Series, a moment, and two questions with the answer that they get: the naive one's is wrong."""

    series: dict[str, str]
    naive: str
    gets: float | None
    ours: str
    truth: float | None
    indicator: str = EVENTS
    objective: str = "99%"
    at: str = "1700s"


def near(expression, value, apart):
    """1 where it is, 0 where it is not."""
    return f"abs({expression} - {value}) < bool {apart}"


def counts(*runs):
    """A counter: so many seconds with so many a second, and so on."""
    parts, value = ["1000"], 1000
    for seconds, each in runs:
        parts.append(f"{value + each}+{each}x{seconds - 1}")
        value += seconds * each
    return " ".join(parts)


PITFALLS = {
    "errors in the busy hour: an average of ratios is far too low": Pitfall(
        {GOOD: counts((100, 900), (1600, 1)), BAD: counts((100, 100), (1600, 0))},
        near(AVERAGE, 0.006, 0.001),
        1,
        near(RATIO, 10_000 / 101_600, 0.002),
        1,
    ),
    "errors in the quiet hour: an average of ratios is far too high": Pitfall(
        {GOOD: counts((850, 1000), (850, 1)), BAD: counts((850, 0), (850, 1))},
        near(AVERAGE, 0.25, 0.01),
        1,
        f"{RATIO} < bool 0.0011",
        1,
    ),
    "no traffic for a while: 0 / 0 stays for the whole period": Pitfall(
        {GOOD: counts((500, 99), (60, 0), (1140, 99)), BAD: counts((500, 1), (60, 0), (1140, 1))},
        f"count({AVERAGE} != {AVERAGE})",
        1,
        near(RATIO, 0.01, 0.0002),
        1,
    ),
    "failures that are not counted until there is one: only the ratios with an error are averaged": Pitfall(
        {GOOD: counts((1700, 100)), BAD: "_x1600 " + " ".join(map(str, range(1, 21))) + " stale"},
        f"{AVERAGE} > bool 0.008",
        1,
        f"{RATIO} < bool 0.0002",
        1,
    ),
    "good events of a bucket that is not there: or 0 makes all of them bad": Pitfall(
        {'wait_count{job="a"}': counts((1700, 10)), 'wait_bucket{job="a", le="0.5"}': counts((1700, 10))},
        '1 - (sum(rate(wait_bucket{le="1.0"}[60s])) or vector(0)) / sum(rate(wait_count[60s]))',
        1,
        RATIO,
        NOTHING,
        LATENCY,
    ),
    'a bound that the exporter spells le="1.0": asked for as le="1" it is not there': Pitfall(
        {'wait_count{job="a"}': counts((1700, 10)), 'wait_bucket{job="a", le="1.0"}': counts((1700, 9))},
        'sum(rate(wait_bucket{le="1"}[60s]))',
        NOTHING,
        near(RATIO, 0.1, 0.001),
        1,
        LATENCY.replace('le="1"', 'le=~"1|1[.]0"'),
    ),
    "one failure of ten: a hundred times the allowed rate pages": Pitfall(
        {GOOD: counts(*[(1, 1), (59, 0)] * 28), BAD: counts((1640, 0), (1, 1), (30, 0))},
        f"count({RAW} > 0.144)",
        1,
        f"count(max_over_time({FIRES}[1600s:5s]))",
        NOTHING,
        at="1645s",
    ),
    "a quiet service that is dead: a minimum of all events keeps it silent": Pitfall(
        {GOOD: counts((1640, 1), (60, 0)), BAD: counts((1640, 0), (60, 1))},
        f"count(({RAW} > 0.144) and sum(increase(requests_total[60s])) > 69)",
        NOTHING,
        FIRES,
        1,
    ),
    "bursts between two windows: the increase over a step, once a step, never sees them": Pitfall(
        # 100 requests each time a window has just ended; the windows of the naive rule hold what is between
        {GOOD: "1000 " + " ".join(f"{1000 + 100 * index}x4" for index in range(1, 341)), BAD: counts((1700, 0))},
        "sum(sum_over_time(naive:increase5s[25m]))",
        0,
        near(EVENTS_SEEN, 33_900, 300),
        1,
    ),
    "scrapes that are missed: a number that looks whole, and nothing that says so": Pitfall(
        {GOOD: f"1000+99x800 _x400 {1000 + 99 * 1200}+99x500", BAD: f"1000+1x800 _x400 {1000 + 1200}+1x500"},
        "count(naive:ratio5s == naive:ratio5s)",
        1,
        near('max(failsoft:slo_coverage:ratio{slo="s"})', 260 / 360, 0.03),
        1,
    ),
    "records once a step, read by alerts: an outage is seen whole steps late": Pitfall(
        # at second 1 of a step of 25 s; at 14.4 % of a minute it has to fire after 9 s, a scrape and a pulse
        {GOOD: counts((1651, 10), (49, 0)), BAD: counts((1651, 0), (49, 10))},
        f"count({RARE} > 0.144)",
        NOTHING,
        FIRES,
        1,
        at="1670s",
    ),
    "a history shorter than the period: a ratio that says nothing of it": Pitfall(
        {GOOD: f"_x1400 {counts((300, 99))}", BAD: f"_x1400 {counts((300, 1))}"},
        near(AVERAGE, 0.01, 0.001),
        1,
        near('max(failsoft:slo_coverage:ratio{slo="s"})', 300 / 1800, 0.03),
        1,
    ),
    "more good events than events, of two counters: fewer errors than none": Pitfall(
        {'wait_count{job="a"}': counts((1700, 10)), 'wait_good_total{job="a"}': counts((1700, 13))},
        "1 - sum(rate(wait_good_total[60s])) / sum(rate(wait_count[60s])) < bool -0.2",
        1,
        RATIO,
        0,
        LATENCY.replace('wait_bucket{job="a", le="1"}', 'wait_good_total{job="a"}'),
    ),
    "a restart: a counter that begins again is no negative number of events": Pitfall(
        {GOOD: "1000+99x849 0+99x850", BAD: "1000+1x849 0+1x850"},
        "sum(requests_total) - sum(requests_total offset 100s) < bool 0",
        1,
        f"({near(RATIO, 0.01, 0.0005)}) * ({near(EVENTS_SEEN, 89_840, 150)})",
        1,
        at="900s",
    ),
    "one exporter that says NaN: a sum of all replicas is NaN": Pitfall(
        {
            GOOD: counts((1700, 99)),
            BAD: counts((1700, 1)),
            'requests_total{job="a", code="200", pod="b"}': " ".join(["NaN"] * 1700),
        },
        "count(sum(rate(requests_total[60s])) != sum(rate(requests_total[60s])))",
        1,
        near(RATIO, 0.01, 0.0005),
        1,
    ),
}


@pytest.fixture
def lab(written, base, lab_windows):
    """Compiles the SLO on a lab's clocks."""

    def make(indicator=EVENTS, objective="99%", *, tests=False):
        text = SLO.replace("INDICATOR", indicator).replace("OBJECTIVE", objective)
        return written(text, lab_windows, base=base.replace("15s", "1s")).compiled(tests=tests)

    return make


@pytest.mark.parametrize("name", PITFALLS)
def test_where_the_naive_rule_is_wrong_ours_is_not(name, lab, judge):
    one = PITFALLS[name]
    rules = lab(one.indicator, one.objective)[0].files["rules/chat.yaml"]
    checks = {(one.naive, one.at): one.gets, (one.ours, one.at): one.truth}
    done = judge(rules + NAIVE, one.series, checks, step="5s", every="1s")
    assert done.ok, done.stdout


def test_a_tier_that_can_never_fire_is_not_written_and_somebody_hears_of_it(lab, judge):
    """At 80 % the naive page needs more errors than there can be: it is there, and silent in a total outage."""
    naive = f"- name: naive\n  rules:\n  - alert: Naive\n    expr: {RAW} > 14.4 * 0.2\n"
    made, findings = lab(objective="80%")
    dropped = {one.code.id for one in findings}
    assert dropped & {"FS411", "FS412"}
    rules = "groups:\n" + naive
    done = judge(
        rules, {BAD: counts((600, 10))}, {('count(ALERTS{alertname="Naive"})', "500s"): None}, step="5s", every="1s"
    )
    assert done.ok, done.stdout
    assert "rules/chat.yaml" not in made.files or "> 2" not in made.files["rules/chat.yaml"]


def test_a_threshold_between_two_bounds_is_no_empty_answer_but_refused(slo, judge):
    """The naive rule asks for a bucket that no server has: it is silent for ever, and nobody hears of it."""
    family = 'vllm:time_to_first_token_seconds_{}{{job="vllm", model_name="chat-70b"{}}}'
    series = {family.format("count", ""): counts((1700, 10)), family.format("bucket", ', le="0.5"'): counts((1700, 1))}
    naive = "1 - sum(rate({}[60s])) / sum(rate({}[60s]))".format(
        family.format("bucket", ', le="0.4"'), family.format("count", "")
    )
    assert judge("groups: []", series, {(naive, "1600s"): NOTHING}, step="5s", every="1s").ok
    objective, findings = slo("ttft: {below: 400ms}")
    assert (objective, [one.code.id for one in findings]) == (None, ["FS401"])


def test_a_proof_reads_less_than_promtool_refuses_to_read(judge, slo):
    """Three days of 15-second samples, as the naive rule has them, are more than promtool's 10,000 a query."""
    series = {BAD: "0+1x17400"}
    naive = judge("groups: []", series, {("sum(increase(requests_total[3d]))", "72h30m"): 1}, every="15s")
    assert not naive.ok
    assert "too many samples" in naive.stdout + naive.stderr
    quarter = pasted([one.spec for one in shipped().windows.values()], 90 * 86_400_000, 15_000)
    for period in ("30d", "90d"):
        objective, _ = slo("ttft: {below: 500ms}", "99%", f"period: {period}", quarter)
        longest = max(tier.long for tier in objective.tiers)
        assert max(longest / objective.pulse, objective.period / objective.step) <= 8_640


def test_what_is_proven_is_within_a_bound_for_promtool_compares_floats_bit_by_bit(lab, judge):
    naive = judge("groups: []", {BAD: "0+1x100"}, {("sum(rate(requests_total[10s])) * 0 + 0.1 + 0.2", "60s"): 0.3})
    assert not naive.ok, "promtool 2.42 has no fuzzy_compare"
    made = lab(tests=True)[0]
    expected = [
        sample["value"]
        for path, text in made.files.items()
        if path.startswith("tests/")
        for test in yaml.safe_load(text)["tests"]
        for question in test.get("promql_expr_test", ())
        for sample in question["exp_samples"]
    ]
    assert expected
    assert set(expected) <= {0, 1}, "bounds that hold or do not, and counts"


def test_numbers_are_exact_where_floats_are_not(lab):
    assert str(14.4 * (1 - 0.999)) == "0.014400000000000013"
    assert number(Fraction("14.4") * (1 - Fraction("0.999"))) == "0.0144"
    text = lab(objective="99.9%")[0].files["rules/chat.yaml"]
    assert "0000000" not in text
    assert "99999999" not in text


def test_a_rule_file_is_one_document_for_prometheus_reads_no_second(lab, promtool, tmp_path):
    one = "groups: [{name: NAME, rules: [{record: x, expr: 1}]}]\n"
    (tmp_path / "two.yaml").write_text(one + "---\n" + one)
    assert "1 rules found" in run_tool([promtool, "check", "rules", "two.yaml"], cwd=tmp_path).stdout
    made = lab()[0]
    for path, text in made.files.items():
        if path.startswith("rules/"):
            assert len(list(yaml.safe_load_all(text))) == 1


def test_no_two_alerts_are_one_for_alertmanager(lab):
    """Naively two tiers of one severity have one name and the same labels: one hides the other."""
    alerts = [
        (rule["alert"], *sorted(rule["labels"].items()))
        for path, text in lab()[0].files.items()
        if path.startswith("rules/")
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert len(alerts) == len(set(alerts))
