"""Sloth's files become documents that compile and are proven; what is lost or cannot be said is told with its place."""

import pytest
import yaml

from failsoft.cli.compile import compiled
from failsoft.cli.proving import Tools, prove
from failsoft.exchange import Known, convert
from failsoft.workspace.load import load
from failsoft.workspace.read import read_text

FILE = """
version: "prometheus/v1"
service: "shop"
labels: {owner: checkout}
slos:
  - name: "availability"
    objective: 99.9
    sli: {SLI}
"""
EVENTS = "events: {error_query: 'ERRORS', total_query: 'sum(rate(requests_total[{{.window}}]))'}"


def with_errors(query, total="sum(rate(requests_total[{{.window}}]))"):
    sli = EVENTS.replace("ERRORS", query).replace("sum(rate(requests_total[{{.window}}]))'}", f"{total}'}}")
    return FILE.replace("{SLI}", "{" + sli + "}")


@pytest.fixture
def example(data):
    def read(name):
        return read_text(name, (data / "sloth" / name).read_bytes())

    return read


def errors(findings):
    return [one for one in findings if one.severity == "error"]


def test_the_getting_started_example_says_the_same_in_our_words(example):
    made, findings = convert([example("getting-started.yml")], owner="nobody")
    assert not errors(findings)
    (slo,) = yaml.safe_load_all(made.files["slo/myservice.yaml"])
    assert slo["metadata"] == {"name": "myservice-requests-availability"}
    assert slo["spec"] == {
        "model": "myservice",
        "indicator": {
            "events": {
                "bad": 'http_request_duration_seconds_count{job="myservice", code=~"(5..|429)"}',
                "total": 'http_request_duration_seconds_count{job="myservice"}',
            }
        },
        "objective": "99.9%",
        "period": "30d",
        "sloth": {"service": "myservice", "slo": "requests-availability"},
        "description": "Common SLO based on availability for HTTP request responses.",
    }
    model = yaml.safe_load(made.files["models/myservice.yaml"])
    assert model["spec"] == {"engine": "generic", "select": {"job": "myservice"}, "owner": "myteam"}
    assert set(made.files) == {"slo/myservice.yaml", "models/myservice.yaml", "teams/myteam.yaml", "failsoft.yaml"}


def test_plain_and_kubernetes_files_say_the_same(example):
    plain, _ = convert([example("getting-started.yml")], owner="x")
    object_, _ = convert([example("k8s-getting-started.yml")], owner="x")
    for path in plain.files:
        assert plain.files[path].split("\n", 1)[1] == object_.files[path].split("\n", 1)[1]


def test_a_latency_by_count_less_bucket_becomes_good_events(example):
    made, findings = convert([example("kubernetes-apiserver.yml")], owner="x")
    assert not errors(findings)
    slos = {one["metadata"]["name"]: one["spec"] for one in yaml.safe_load_all(made.files["slo/k8s-apiserver.yaml"])}
    assert slos["k8s-apiserver-requests-latency"]["indicator"]["events"] == {
        "good": 'apiserver_request_duration_seconds_bucket{le="0.4", verb!="WATCH"}',
        "total": 'apiserver_request_duration_seconds_count{verb!="WATCH"}',
    }


def test_several_documents_in_a_file_are_all_read(example):
    made, _ = convert([example("multifile.yml")], owner="x")
    assert made.slos == 2
    assert {"teams/myteam.yaml", "teams/myteam2.yaml"} <= set(made.files)


def test_what_was_converted_compiles_and_is_proven(example, tmp_path, promtool, amtool):
    # a day, not a month: the same rules, and a proof of a few seconds
    made, _ = convert([example("getting-started.yml")], owner="x", period="1d")
    for path, text in made.files.items():
        (tmp_path / "workspace" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace" / path).write_text(text)
    workspace, findings = load(tmp_path / "workspace")
    result, problems = compiled(workspace)
    assert not errors((*findings, *problems))
    assert len(result.objectives) == 1
    for path, text in result.files.items():
        (tmp_path / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / path).write_text(text)
    assert prove(result, tmp_path / "out", Tools(promtool, amtool)) == ()


def test_a_key_in_the_wrong_spelling_is_told_as_sloth_does_not(example):
    _, findings = convert([example("good-aa.yaml")], owner="x")
    lost = {one.message: one.place.line for one in findings if one.code.id == "FS611"}
    assert lost == {
        "there is no key 'pageAlert' here, so what it says is lost": 21,
        "there is no key 'ticketAlert' here, so what it says is lost": 24,
    }
    assert next(one.hint for one in findings if "pageAlert" in one.message) == "did you mean page_alert?"


def test_an_slo_without_alerts_gets_tickets_and_it_is_told(example):
    made, findings = convert([example("no-alerts.yml")], owner="x")
    (windows,) = [text for path, text in made.files.items() if "windows" in path]
    assert {tier["severity"] for tier in yaml.safe_load(windows)["spec"]["tiers"]} == {"ticket"}
    assert "FS612" in [one.code.id for one in findings]


def test_windows_of_ones_own_are_kept(example):
    made, findings = convert([example("windows-7d.yaml")], owner="x")
    assert not findings
    spec = yaml.safe_load(made.files["slo/windows-sloth-7d.yaml"])["spec"]
    assert spec["period"] == "7d"
    assert spec["tiers"][0] == {"name": "page-fast", "severity": "page", "budget": "8%", "short": "5m", "long": "1h"}


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("plugin-getting-started.yml", 14, "is a program of Sloth's that makes the queries"),
        ("raw-home-wifi.yml", 28, "has sum_over_time(), which is no sum of counters"),
        ("home-wifi.yml", 35, "has sum_over_time(), which is no sum of counters"),
    ],
)
def test_what_cannot_be_expressed_is_refused_with_reason_and_place(example, name, line, said):
    made, findings = convert([example(name)], owner="x")
    assert made.files == {}
    found = [one for one in errors(findings) if one.place.line == line]
    assert found
    assert said in found[0].message
    assert found[0].code.id == "FS605"


@pytest.mark.parametrize(
    ("query", "indicator"),
    [
        ("sum(rate(bad[{{.window}}])) / sum(rate(all[{{.window}}]))", {"bad": "bad", "total": "all"}),
        ("1 - sum(rate(good[{{.window}}])) / sum(rate(all[{{.window}}]))", {"good": "good", "total": "all"}),
        ("1 - (sum(rate(good[{{ .window }}])) / sum(rate(all[{{ .window }}])))", {"good": "good", "total": "all"}),
    ],
)
def test_a_raw_ratio_of_counters_is_no_approximation(converted, query, indicator):
    documents, findings = converted(FILE.replace("{SLI}", f"{{raw: {{error_ratio_query: '{query}'}}}}"))
    assert not errors(findings)
    assert documents["SLO", "shop-availability"]["indicator"] == {"events": indicator}


PROBE = {"gauge": {"metric": "probe_success", "select": {"job": "a b"}, "above": "0.5"}}


@pytest.mark.parametrize(
    "query",
    [
        '1 - avg_over_time(probe_success{job="a b"}[{{.window}}])',
        '1 - avg(avg_over_time(probe_success{job="a b"} [{{.window}}]))',
        """1 - (
             sum(sum_over_time(probe_success{job="a b"}[{{.window}}]))
             / sum(count_over_time(probe_success{job="a b"}[{{.window}}])))""",
    ],
)
def test_the_mean_of_a_probe_becomes_slices_of_time_and_it_is_told(converted, codes, query):
    text = FILE.replace("{SLI}", "{raw: {error_ratio_query: '" + " ".join(query.split()) + "'}}")
    documents, findings = converted(text)
    assert documents["SLO", "shop-availability"]["indicator"] == PROBE
    assert "FS612" in codes(findings, "warning")


@pytest.mark.parametrize(
    "query",
    [
        "1 - avg_over_time(satisfaction_ratio[{{.window}}])",  # which need not be 0 or 1
        "1 - avg_over_time(up[5m])",
        "avg_over_time(up[{{.window}}])",
        "(1 - sum_over_time(up[{{.window}}])) / count_over_time(up[{{.window}}])",
        "1 - sum_over_time(up[{{.window}}]) / count_over_time(probe_success[{{.window}}])",
    ],
)
def test_other_averages_are_refused(converted, codes, query):
    documents, findings = converted(FILE.replace("{SLI}", "{raw: {error_ratio_query: '" + query + "'}}"))
    assert documents == {}
    assert "FS605" in codes(findings, "error")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(rate(errors_total[5m]))", "is not over {{.window}} everywhere"),
        ("errors_total", "is not over {{.window}} everywhere"),
        ("sum by (host) (rate(errors_total[{{.window}}]))", "groups by labels"),
        ("sum(rate(requests_total[{{.window}}]))", "is the same as the total"),
        ("max(rate(errors_total[{{.window}}]))", "has max(), which is no sum of counters"),
        ("sum(rate(errors_total[{{.window}}])) * 2", 'has "*" where it should end'),
        ('sum(rate(errors_total{a="}\n', ""),
    ],
)
def test_queries_that_are_no_counters_over_the_window_are_refused(converted, query, said):
    documents, findings = converted(with_errors(query.replace("'", "''")))
    assert documents == {}
    assert any(said.replace('"*"', "'*'") in one.message for one in errors(findings))


def test_a_bound_is_asked_for_in_every_spelling(converted):
    query = 'sum(rate(h_count[{{.window}}])) - sum(rate(h_bucket{le="1"}[{{.window}}]))'
    documents, _ = converted(with_errors(query, "sum(rate(h_count[{{.window}}]))"))
    assert documents["SLO", "shop-availability"]["indicator"]["events"]["good"] == 'h_bucket{le=~"1|1[.]0"}'


@pytest.mark.parametrize("objective", ["0", "100", "101", "-1"])
def test_an_objective_without_a_budget_is_refused(converted, objective):
    text = with_errors("sum(rate(e[{{.window}}]))").replace("99.9", objective)
    _, findings = converted(text)
    (wrong,) = errors(findings)
    assert wrong.code.id == "FS605"
    assert wrong.place.text.strip() == f"objective: {objective}"


def test_objectives_are_kept_to_the_last_digit(converted):
    documents, _ = converted(with_errors("sum(rate(e[{{.window}}]))").replace("99.9", "99.99999"))
    assert documents["SLO", "shop-availability"]["objective"] == "99.99999%"


def test_names_become_valid_ones_and_two_that_become_one_are_refused(converted, codes):
    first = with_errors("sum(rate(e[{{.window}}]))").replace('"availability"', '"Avail_Ability"')
    documents, findings = converted(first)
    assert ("SLO", "shop-avail-ability") in documents
    assert "FS614" in codes(findings)
    _, findings = converted(first, first.replace("Avail_Ability", "avail.ability"))
    assert "FS604" in codes(findings, "error")
    long = with_errors("sum(rate(e[{{.window}}]))").replace('"availability"', '"' + 80 * "a" + '"')
    documents, _ = converted(long, long.replace(80 * "a", 80 * "a" + "b"))
    names = [name for kind, name in documents if kind == "SLO"]
    assert len(set(names)) == 2
    assert all(len(name) <= 63 for name in names)


def test_what_the_workspace_has_is_not_written_again(example):
    known = Known(frozenset({"myteam"}), frozenset({"myservice"}), there=True)
    made, findings = convert([example("getting-started.yml")], owner="x", known=known)
    assert set(made.files) == {"slo/myservice.yaml"}
    assert "FS615" not in [one.code.id for one in findings]
    taken = Known(slos=frozenset({"myservice-requests-availability"}))
    assert "FS604" in [one.code.id for one in convert([example("getting-started.yml")], owner="x", known=taken)[1]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: prometheus/v2", "FS601"),
        ("apiVersion: openslo/v1alpha\nkind: SLO", "FS601"),
        ("kind: SLO", "FS601"),
        ("- a", "FS601"),
        ("apiVersion: sloth.slok.dev/v1\nkind: Pod", "FS601"),
        ("version: prometheus/v1", "FS602"),
        ("version: prometheus/v1\nservice: s\nslos: [{name: a}]", "FS602"),
        ("version: prometheus/v1\nservice: s\nslos: 7", "FS602"),
        ("version: prometheus/v1\nservice: s", "FS602"),
        ("version: prometheus/v1\nservice: s\nslos: [{name: a, objective: 99, sli: {}}]", "FS602"),
        ("version: prometheus/v1\nservice: s\nslos: [{name: a, objective: lots, sli: {}}]", "FS602"),
        ("version: [", "FS105"),
    ],
)
def test_what_is_no_document_of_sloths_is_told(converted, codes, text, code):
    documents, findings = converted(text)
    assert documents == {}
    assert code in codes(findings, "error")


def test_label_values_cannot_break_out_of_the_documents(converted):
    query = 'sum(rate(e{a="\\"} or vector(1) #\\n"}[{{.window}}]))'
    documents, findings = converted(FILE.replace("{SLI}", "\n      events:\n        error_query: |\n          " + query
        + "\n        total_query: sum(rate(requests_total[{{.window}}]))"))  # fmt: skip
    assert not errors(findings)
    bad = documents["SLO", "shop-availability"]["indicator"]["events"]["bad"]
    assert bad == 'e{a="\\"} or vector(1) #\\n"}'
