"""OpenSLO v1: every kind is read, references are followed, and what failsoft measures in another way is told."""

import pytest

from failsoft.exchange import Known, convert
from failsoft.workspace.read import read_text

SOURCE = """
apiVersion: openslo/v1
kind: DataSource
metadata: {name: prom}
spec: {type: Prometheus, connectionDetails: {url: 'http://prometheus:9090'}}
"""
SLI = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: errors}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {metricSourceRef: prom, spec: {query: 'sum(errors_total{job="shop"})'}}}
    total: {metricSource: {metricSourceRef: prom, spec: {query: 'sum(requests_total{job="shop"})'}}}
"""
SERVICE = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec: {description: The shop.}\n"
SLO = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: shop-errors, labels: {owner: checkout, tier: [a, b]}}
spec:
  description: People can buy.
  service: shop
  indicatorRef: errors
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
"""
INLINE = SLO.replace("  indicatorRef: errors\n", "  indicator:\n    metadata: {name: i}\n    spec: {METRIC}\n")
CONDITION = """
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec:
  severity: page
  condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h}
"""
POLICY = """
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: wake}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: fast}]
  notificationTargets: [{targetRef: oncall}]
"""
TARGET = "apiVersion: openslo/v1\nkind: AlertNotificationTarget\nmetadata: {name: oncall}\nspec: {target: slack}\n"


def metric(query, kind="thresholdMetric"):
    return f"{kind}: {{metricSource: {{type: prometheus, spec: {{query: '{query}'}}}}}}"


def errors(findings):
    return [one for one in findings if one.severity == "error"]


def test_references_are_followed_over_files_and_documents(converted):
    documents, findings = converted(SLO, f"{SLI}---{SOURCE}---\n{SERVICE}")
    assert not errors(findings)
    assert documents["SLO", "shop-errors"] == {
        "model": "shop",
        "indicator": {"events": {"bad": 'errors_total{job="shop"}', "total": 'requests_total{job="shop"}'}},
        "objective": "99.9%",
        "period": "28d",
        "description": "People can buy.",
    }
    assert documents["Model", "shop"] == {"engine": "generic", "select": {"job": "shop"}, "owner": "checkout"}


@pytest.mark.parametrize(
    ("left_out", "said", "line"),
    [
        ("SLI", "no document given is the SLI 'errors'", 7),
        ("DataSource", "no document given is the DataSource 'prom'", 7),
    ],
)
def test_a_reference_to_nothing_is_told_with_its_place(converted, left_out, said, line):
    texts = [text for text in (SLO, SLI, SOURCE) if f"kind: {left_out}\n" not in text]
    _, findings = converted(*texts)
    found = next(one for one in errors(findings) if one.code.id == "FS603")
    assert (found.message, found.place.line) == (said, line)


def test_a_near_name_is_offered(converted):
    _, findings = converted(SLO.replace("Ref: errors", "Ref: eror"), SLI, SOURCE)
    assert "did you mean errors?" in [one.hint for one in errors(findings)]


def test_two_documents_of_one_name_are_refused(converted, codes):
    assert "FS604" in codes(converted(SLO, SLI, SLI, SOURCE)[1], "error")


@pytest.mark.parametrize(
    ("window", "period", "told"),
    [
        ("{duration: 30d, isRolling: true}", "30d", False),
        ("{duration: 720h, isRolling: true}", "30d", False),
        ("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}}", "30d", True),
        ("{duration: 1Q, isRolling: false}", "90d", True),
        ("{duration: 1w, calendar: {startTime: 2026-01-01 00:00:00}}", "7d", True),
    ],
)
def test_a_calendar_window_is_told_to_be_a_rolling_one(converted, codes, window, period, told):
    text = SLO.replace("{duration: 4w, isRolling: true}", window)
    documents, findings = converted(text, SLI, SOURCE)
    assert documents["SLO", "shop-errors"]["period"] == period
    assert ("FS612" in codes(findings)) is told


@pytest.mark.parametrize("window", ["{duration: 1m}", "{duration: 2Y}", "{duration: soon}", "{duration: 5h}"])
def test_a_period_that_makes_no_slo_is_refused(converted, window):
    _, findings = converted(SLO.replace("{duration: 4w, isRolling: true}", window), SLI, SOURCE)
    assert errors(findings)


def test_other_periods_take_the_nearest_shipped_windows(converted):
    documents, _ = converted(SLO.replace("4w", "2w"), SLI, SOURCE)
    assert documents["SLO", "shop-errors"]["period"] == "14d"
    assert documents["SLO", "shop-errors"]["alerting"] == "burn-7d"


def test_several_objectives_are_several_slos(converted):
    text = SLO.replace("[{target: 0.999}]", "[{displayName: Good, target: 0.999}, {targetPercent: 95}]")
    documents, findings = converted(text, SLI, SOURCE)
    assert not errors(findings)
    found = {name: spec["objective"] for (kind, name), spec in documents.items() if kind == "SLO"}
    assert found == {"shop-errors-good": "99.9%", "shop-errors-2": "95%"}


@pytest.mark.parametrize(
    ("objectives", "code"),
    [
        ("[{target: 1}]", "FS605"),
        ("[{target: 0}]", "FS605"),
        ("[{targetPercent: 100}]", "FS605"),
        ("[{target: 0.9, targetPercent: 90}]", "FS602"),
        ("[{}]", "FS602"),
        ("[]", "FS602"),
        ("[{target: 0.9, indicatorRef: errors}, {target: 0.9, indicatorRef: errors}]", "FS605"),
        ("[{target: 0.9, compositeWeight: 2}]", "FS605"),
    ],
)
def test_objectives_that_leave_nothing_to_say_are_refused(converted, codes, objectives, code):
    documents, findings = converted(SLO.replace("[{target: 0.999}]", objectives), SLI, SOURCE)
    assert code in codes(findings, "error")
    assert documents == {}


# --- budgeting


def test_ratio_timeslices_are_told_to_be_approximated(converted, codes):
    documents, findings = converted(SLO.replace("Occurrences", "RatioTimeslices"), SLI, SOURCE)
    assert documents["SLO", "shop-errors"]["indicator"]["events"]
    assert codes(findings, "warning").count("FS612") == 1


def test_slices_of_counted_events_are_judged_by_the_events_in_each(converted, codes):
    text = SLO.replace("Occurrences", "Timeslices").replace(
        "0.999}", "0.999, timeSliceTarget: 0.95, timeSliceWindow: 1m}"
    )
    documents, findings = converted(text, SLI, SOURCE)
    assert not errors(findings)
    events = {"bad": 'errors_total{job="shop"}', "total": 'requests_total{job="shop"}', "perSlice": "95%"}
    assert documents["SLO", "shop-errors"]["indicator"] == {"events": events}
    assert any("a slice of time is one recording step, and not 1m" in one.message for one in findings)


@pytest.mark.parametrize(
    ("target", "code"), [("", "FS602"), (", timeSliceTarget: 1", "FS605"), (", timeSliceTarget: 0.2", "FS605")]
)
def test_slices_without_a_target_that_can_be_missed_are_refused(converted, codes, target, code):
    text = SLO.replace("Occurrences", "Timeslices").replace("0.999}", f"0.999{target}}}")
    documents, findings = converted(text, SLI, SOURCE)
    assert documents == {}
    assert codes(findings, "error") == [code]


@pytest.mark.parametrize(("op", "side"), [("lt", "below"), ("lte", "below"), ("gt", "above"), ("gte", "above")])
def test_a_threshold_is_slices_of_time_of_a_gauge(converted, op, side):
    text = INLINE.replace("METRIC", metric('queue_length{job="shop"}')).replace(
        "{target", f"{{op: {op}, value: 12.5, target"
    )
    documents, findings = converted(text.replace("Occurrences", "Timeslices"))
    assert not errors(findings)
    gauge = {"metric": "queue_length", "select": {"job": "shop"}, side: "12.5"}
    assert documents["SLO", "shop-errors"]["indicator"] == {"gauge": gauge}
    assert any("a slice of time is one recording step" in one.message for one in findings)


@pytest.mark.parametrize("query", ["avg(queue_length)", "a + b", 'queue{job=~"x|y"}', "rate(x[5m])"])
def test_a_threshold_of_anything_but_a_plain_gauge_is_refused(converted, codes, query):
    text = INLINE.replace("METRIC", metric(query)).replace("{target", "{op: lt, value: 1, target")
    findings = converted(text)[1]
    assert "FS605" in codes(findings, "error")
    assert "more than the name of a gauge" in errors(findings)[0].message
    assert errors(findings)[0].hint == "record it as a series of its own, and name that"


@pytest.mark.parametrize(
    ("raw", "method", "indicator"),
    [
        ("success", "Timeslices", {"gauge": {"metric": "ratio", "above": "0.95"}}),
        ("failure", "Timeslices", {"gauge": {"metric": "ratio", "below": "0.05"}}),
        ("success", "Occurrences", None),
    ],
)
def test_a_stored_ratio_can_be_judged_by_slices_and_not_by_events(converted, raw, method, indicator):
    stored = f"ratioMetric: {{rawType: {raw}, {metric('ratio', 'raw')}}}"
    text = INLINE.replace("METRIC", stored).replace("Occurrences", method)
    documents, findings = converted(text.replace("{target", "{timeSliceTarget: 0.95, target"))
    if indicator is None:
        assert "forgets how many events there were" in errors(findings)[0].message
    else:
        assert documents["SLO", "shop-errors"]["indicator"] == indicator


@pytest.mark.parametrize("method", ["Occurrences", "RatioTimeslices"])
def test_a_raw_ratio_that_says_its_counters_is_counted(converted, method):
    query = "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"
    stored = f"ratioMetric: {{rawType: failure, {metric(query, 'raw')}}}"
    documents, findings = converted(INLINE.replace("METRIC", stored).replace("Occurrences", method))
    assert not errors(findings)
    events = {"bad": "errors_total", "total": "requests_total"}
    assert documents["SLO", "shop-errors"]["indicator"] == {"events": events}


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("ratioMetric: {" + metric("a", "good").replace("prometheus", "Datadog") + ", " + metric("b", "total") + "}",
         "FS605"),
        ("ratioMetric: {counter: false, " + metric("a", "good") + ", " + metric("b", "total") + "}", "FS605"),
        ("ratioMetric: {" + metric("a", "good") + "}", "FS602"),
        ("ratioMetric: {" + ", ".join(metric("a", key) for key in ("good", "bad", "total")) + "}", "FS602"),
        ("ratioMetric: {" + metric("a", "raw") + "}", "FS602"),
        ("ratioMetric: {good: {metricSource: {spec: {query: x}}}, " + metric("b", "total") + "}", "FS602"),
        ("thresholdMetric: {metricSource: {type: Prometheus, spec: {promql: x}}}", "FS605"),
        ("thresholdMetric: {metricSource: {type: Prometheus}}", "FS605"),
        ("description: nothing", "FS602"),
        ("thresholdMetric: 7", "FS602"),
    ],
)  # fmt: skip
def test_indicators_that_cannot_be_read_are_told(converted, codes, spec, code):
    documents, findings = converted(INLINE.replace("METRIC", spec))
    assert documents == {}
    assert code in codes(findings, "error")


# --- alerting


def with_policies(text):
    return SLO.replace("  objectives:", f"  alertPolicies: {text}\n  objectives:")


def test_a_burn_rate_becomes_a_tier_with_its_share_of_the_budget(converted, codes):
    documents, findings = converted(with_policies("[{alertPolicyRef: wake}]"), POLICY, CONDITION, TARGET, SLI, SOURCE)
    assert not errors(findings)
    assert documents["SLO", "shop-errors"]["alerting"] == "shop-errors-windows"
    (tier,) = documents["AlertWindows", "shop-errors-windows"]["tiers"]
    # 14.4 x 1 h of 28 d
    assert tier == {"name": "page-1", "severity": "page", "budget": "2.142857%", "short": "5m", "long": "1h"}
    assert "FS613" in codes(findings, "warning")  # the target has no place here


def test_the_specifications_own_example_is_not_taken_at_its_word(converted):
    policy = POLICY.replace(
        "[{conditionRef: fast}]",
        "[{kind: AlertCondition, metadata: {name: x}, spec: "
        + CONDITION.split("spec:")[1].replace("\n  condition", ", condition").replace("severity", "{severity").strip()
        + "}}]",
    )
    literal = policy.replace("op: gte", "op: lte").replace("14.4", "2").replace("1h}", "1h, alertAfter: 5m}")
    documents, findings = converted(with_policies("[{alertPolicyRef: wake}]"), literal, TARGET, SLI, SOURCE)
    assert not errors(findings)
    said = " ".join(one.message for one in findings if one.code.id == "FS612")
    assert "op: lte would alert while the budget burns slowly; it is read as gte" in said
    assert documents["AlertWindows", "shop-errors-windows"]["tiers"][0]["for"] == "5m"


@pytest.mark.parametrize(
    ("policies", "texts", "code"),
    [
        ("[{alertPolicyRef: other}]", (POLICY, CONDITION, TARGET), "FS603"),
        ("[{alertPolicyRef: wake}]", (POLICY, TARGET), "FS603"),
        ("[{alertPolicyRef: wake}]", (POLICY, CONDITION), "FS603"),
        ("[{alertPolicyRef: wake}]", (POLICY, CONDITION.replace("14.4", "9999"), TARGET), "FS605"),
        ("[{alertPolicyRef: wake}]", (POLICY, CONDITION.replace("1h", "soon"), TARGET), "FS602"),
        ("[{alertPolicyRef: wake}]", (POLICY, CONDITION.replace("1h", "1h, alertAfter: soon"), TARGET), "FS602"),
        ("[7]", (POLICY, CONDITION, TARGET), "FS602"),
    ],
)
def test_policies_that_lead_nowhere_are_refused(converted, codes, policies, texts, code):
    _, findings = converted(with_policies(policies), *texts, SLI, SOURCE)
    assert code in codes(findings, "error")


# --- real files


@pytest.mark.parametrize("name", ["occurences-slo.yaml", "ratio-timeslices.yaml", "timeslices-slo.yaml"])
def test_the_specifications_own_examples_name_no_source_and_are_refused_for_it(data, name):
    made, findings = convert([read_text(name, (data / "openslo" / name).read_bytes())], owner="x")
    assert made.files == {}
    assert {one.code.id for one in errors(findings)} == {"FS605"}
    assert all(one.place.line for one in findings)


def test_with_a_source_filled_in_they_are_read(data):
    text = (data / "openslo" / "ratio-timeslices.yaml").read_text()
    filled = text.replace("type: Any", "type: Prometheus")
    filled = filled.replace("query: Any", "query: requests_total{code=~'2..'}", 1).replace(
        "query: Any", "query: requests_total"
    )
    made, findings = convert([read_text("x.yaml", filled.encode())], owner="x")
    assert not errors(findings)
    assert made.slos == 1


def test_what_has_no_place_is_told(converted, codes):
    text = SLO.replace("tier: [a, b]}", "tier: [a, b]}, annotations: {a: b}")
    _, findings = converted(text, SLI, SOURCE)
    said = [one.message for one in findings if one.code.id == "FS613"]
    assert said == ["the labels tier are not kept: failsoft labels by slo, model and team", "annotations are not kept"]


@pytest.mark.parametrize(
    ("source", "url", "told"),
    [
        (SOURCE, "http://prometheus:9090", False),
        (SOURCE + "---" + SOURCE.replace("name: prom", "name: other"), "http://prometheus:9090", False),
        (
            SOURCE + "---" + SOURCE.replace("name: prom", "name: b").replace("9090", "9091"),
            "http://localhost:9090",
            True,
        ),
        (SOURCE.replace("'http://prometheus:9090'", "[a]"), "http://localhost:9090", True),
        (SOURCE.replace("http://", "http://ana:secret@"), "http://localhost:9090", True),
        (SOURCE.replace("url:", "token:"), "http://localhost:9090", True),
        (SOURCE.replace(", connectionDetails: {url: 'http://prometheus:9090'}", ""), "http://localhost:9090", False),
    ],
)
def test_the_one_prometheus_that_is_named_is_the_workspaces(converted, codes, source, url, told):
    documents, findings = converted(SLO.replace(", tier: [a, b]", ""), SLI, source)
    assert documents["Workspace", "workspace"]["prometheus"]["url"] == url
    assert ("FS613" in codes(findings)) is told
    assert "secret" not in str(documents)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("http://prometheus:9090", 0),
        ("http://prometheus:9090/", 0),
        ("http://localhost:9090", 1),
        ("", 1),
    ],
)
def test_another_prometheus_than_that_of_the_workspace_is_told(converted, asked, told):
    """A Workspace that is there stays as it is; `asked` is empty where its file cannot be read."""
    known = Known(there=True, prometheus=asked)
    documents, findings = converted(SLO.replace(", tier: [a, b]", ""), SLI, SOURCE, known=known)
    assert not [kind for kind, _ in documents if kind == "Workspace"]
    said = [(str(one.place), one.message) for one in findings if one.code.id == "FS613"]
    why = "the connection of the source prom is not kept: the Workspace names the Prometheus that is asked"
    assert said == [("2.yaml:4:26", why)] * told


def test_of_two_sources_only_the_one_that_is_not_asked_is_told(converted):
    both = SOURCE + "---" + SOURCE.replace("name: prom", "name: other").replace("9090", "9091")
    _, findings = converted(SLO, SLI, both, known=Known(there=True, prometheus="http://prometheus:9091"))
    said = [one.message for one in findings if one.code.id == "FS613" and "source" in one.message]
    assert [words.partition(" is not kept")[0] for words in said] == ["the connection of the source prom"]


def test_a_service_says_whose_its_slos_are_where_they_do_not(converted):
    service = SERVICE.replace("{name: shop}", "{name: shop, labels: {team: payments}}")
    documents, _ = converted(SLO.replace("owner: checkout, ", ""), SLI, SOURCE, service)
    assert documents["Model", "shop"]["owner"] == "payments"


def as_list(*texts, indent=""):
    """Documents as the elements of one list, as OpenSLO's own examples are."""
    items = (text.strip("\n").replace("\n", f"\n{indent}  ") for text in texts)
    return "".join(f"{indent}- {item}\n" for item in items)


def test_a_list_of_documents_is_read_as_its_documents(converted):
    alone, _ = converted(SLO, SLI, SOURCE, SERVICE)
    together, findings = converted(as_list(SLO, SLI, SOURCE, SERVICE))
    assert together == alone
    assert not errors(findings)
    _, findings = converted(as_list(SLI, SLO.replace("0.999", "2"), SOURCE))
    (wrong,) = errors(findings)
    assert wrong.place.text.strip() == "objectives: [{target: 2}]"


def test_what_kubectl_writes_is_read_as_its_items(converted):
    alone, _ = converted(SLO, SLI, SOURCE)
    head = "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
    together, findings = converted(head + as_list(SLO, SLI, SOURCE))
    assert together == alone
    assert not errors(findings)


@pytest.mark.parametrize("text", ["- 7\n", "- - apiVersion: openslo/v1\n", "kind: List\nitems: 7\n", "text\n"])
def test_lists_of_anything_else_are_refused(converted, codes, text):
    assert codes(converted(text)[1], "error") == ["FS601"]


def test_unknown_kinds_and_keys_are_told(converted, codes):
    assert "FS601" in codes(converted(SLO.replace("kind: SLO", "kind: Slo"))[1], "error")
    _, findings = converted(SLO.replace("  service:", "  Service: x\n  service:"), SLI, SOURCE)
    (unknown,) = [one for one in findings if one.code.id == "FS611"]
    assert unknown.hint == "did you mean service?"
    assert unknown.place.text == "  Service: x"
