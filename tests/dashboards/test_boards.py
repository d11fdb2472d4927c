"""Dashboards: every query of every panel is asked of a real Prometheus that holds what is really exported."""

import json
import re
import time
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts.dashboards import BOARDS, dashboard_files
from failsoft.alerts.dashboards.axes import moments, steps
from failsoft.alerts.dashboards.chart import chart
from failsoft.alerts.dashboards.page import Answer, Line, page
from failsoft.alerts.dashboards.panels import Variable
from failsoft.cli import main, root
from failsoft.cli.dashboard import _checked, _ordered
from failsoft.clients.prometheus import PrometheusClient
from failsoft.errors import UsageError
from failsoft.lab.parts.prometheus import prometheus_server
from failsoft.lab.world.history import write_history
from failsoft.slo import series

HOUR = 3600
EXAMPLE = Path(__file__).parents[2] / "examples/chat"
SLO = 'slo="chat-ttft",model="chat",team="assistants"'
GPU = 'gpu="0",UUID="GPU-1",modelName="NVIDIA L4",Hostname="node-1",pod="chat-1",namespace="prod"'
POD = 'namespace="prod",pod="chat-1"'
COUNTED = 'model="chat",monitor="features",reference="aa"'
NIGHTLY = 'model="chat",monitor="nightly"'
THERE = {
    f'{series.OBJECTIVE}{{{SLO},window="30d"}}': 0.99,
    f"{series.BUDGET_REMAINING}{{{SLO}}}": 0.4,
    f'{series.BURN_RATE}{{{SLO},window="1h"}}': 2,
    f'{series.ERROR_RATIO}{{{SLO},window="1h"}}': 0.02,
    f'{series.EXHAUSTION}{{{SLO},window="1h"}}': 7200,
    f'{series.TOTAL_SUM}{{{SLO},window="30d"}}': 123456,
    f"{series.COVERAGE}{{{SLO}}}": 0.97,
    f'{series.TOTAL}{{{SLO},definition="0"}}': 600,
    f'{series.BAD}{{{SLO},definition="0"}}': 12,
    f"{series.FRESH}{{{SLO}}}": 1,
    f'{series.MODEL_STATE}{{model="chat",team="assistants",state="idle"}}': 1,
    f'{series.EXCLUSION_ACTIVE}{{exclusion="nodes",author="ana",reason="patched"}}': 0,
    f'{series.SLO_STATE}{{{SLO},state="idle"}}': 1,
    f'ALERTS{{alertname="FailsoftSLOBurn",alertstate="firing",severity="page",failure_mode="x",{SLO}}}': 1,
    'failsoft_incidents{state="open"}': 1,
    f'{series.DRIFT_SCORE}{{model="chat",monitor="out",signal="length",statistic="psi"}}': 0.1,
    f'{series.DRIFT_SCORE}{{model="chat",monitor="out",signal="length",statistic="pooled_psi"}}': 0.03,
    f'{series.DRIFT_CRITICAL}{{model="chat",monitor="out",signal="length",statistic="pooled_psi",severity="page"}}': 1,
    f'{series.DRIFT_INPUT_MOVED}{{model="chat",monitor="out"}}': 0,
    'failsoft_drift_window_rows{model="chat",monitor="out",signal="length"}': 500,
    **{f'{series.DRIFT_SCORE}{{{COUNTED},signal="age",statistic="{name}"}}': value
       for name, value in (("psi", 0.4), ("js", 0.2), ("chi2", 900), ("missing", 0.02), ("excess", 3))},
    f'failsoft:drift_bin_share:ratio{{{COUNTED},signal="age",bin="01",pool="01",side="window"}}': 0.4,
    f'failsoft:drift_bin_share:ratio{{{COUNTED},signal="age",bin="01",pool="01",side="reference"}}': 0.1,
    'failsoft_drift_reference_rows{model="chat",reference="aa",feature="age",bin="01",holds="(1, 2]"}': 2000,
    'failsoft_drift_reference_info{model="chat",reference="aa",revision="r1",sha256="aa0"}': 1,
    'failsoft_drift_rows_dropped_total{model="chat",reference="aa",reason="wrong-type"}': 7,
    f'failsoft_drift_features{{{NIGHTLY},severity="page"}}': 2,
    f"failsoft_drift_attempted_timestamp_seconds{{{NIGHTLY}}}": 1_000_000,
    f"failsoft_drift_every_seconds{{{NIGHTLY}}}": 86_400,
    f"failsoft_drift_evaluation_errors_total{{{NIGHTLY}}}": 3,
    'failsoft_drift_verdict{model="chat",monitor="out",signal="length",verdict="judged"}': 1,
    f'{series.DRIFT_EVALUATED}{{model="chat",monitor="out",signal="length"}}': 1_000_000,
    f"DCGM_FI_DEV_GPU_UTIL{{{GPU}}}": 0,
    f"DCGM_FI_DEV_FB_USED{{{GPU}}}": 20_000,
    f"DCGM_FI_DEV_FB_FREE{{{GPU}}}": 4_000,
    f"DCGM_FI_DEV_GPU_TEMP{{{GPU}}}": 61,
    f"DCGM_FI_DEV_POWER_USAGE{{{GPU}}}": 55,
    f"DCGM_FI_DEV_XID_ERRORS{{{GPU}}}": 79,
    'kube_node_status_allocatable{node="node-1",resource="nvidia_com_gpu",unit="integer"}': 4,
    f'kube_pod_container_resource_requests{{{POD},container="c",resource="nvidia_com_gpu",unit="integer"}}': 1,
    f'kube_pod_status_phase{{{POD},phase="Pending"}}': 1,
    f'kube_pod_status_phase{{{POD},phase="Running"}}': 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    end = int(time.time())
    lines = []
    for name, value in sorted(THERE.items()):
        lines += [f"{name} {value} {at}" for at in range(end - 2 * HOUR, end, 60)]
    write_history("\n".join([*lines, "# EOF\n"]), folder / "prometheus-data")
    with prometheus_server(folder, "global: {}") as server:
        yield server.url


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_panel_shows_what_is_there(board, prometheus, tmp_path):
    out = tmp_path / "board.html"
    argv = ["dashboard", board.name, str(EXAMPLE), "--prometheus", prometheus, "--since", "2h", "-o", str(out)]
    done = CliRunner().invoke(root, argv)
    assert done.exit_code == 0, done.output
    assert f"{len(board.panels)} panels, 0 without data, 0 failed" in done.output
    text = out.read_text()
    assert text.count("<svg") == sum(panel.kind == "lines" for panel in board.panels)
    assert "no data" not in text
    assert not re.search(r"(src|href)=|<script", text)


def test_the_numbers_are_those_of_prometheus(prometheus, tmp_path):
    out = tmp_path / "gpu.html"
    argv = ["dashboard", "gpu", str(EXAMPLE), "--prometheus", prometheus, "--since", "1h", "-o", str(out)]
    assert CliRunner().invoke(root, argv).exit_code == 0
    figures = re.findall(r"<h3>([^<]+)</h3>\s*<div class=\"big (\w*)\">([^<]+)<", out.read_text())
    assert figures == [
        ("GPUs seen", "", "1"),
        ("Allocatable, not requested", "good", "3"),
        ("Held and idle for an hour", "warning", "1"),
        ("GPUs with an XID", "bad", "1"),
    ]


def test_a_board_shows_what_was_chosen_and_nothing_like_it(prometheus, tmp_path, capsys):
    out = tmp_path / "slo.html"

    def drawn(*argv):
        with pytest.raises(SystemExit) as ended:
            main(["dashboard", "slo", str(EXAMPLE), "--prometheus", prometheus, *argv, "-o", str(out)])
        return ended.value.code, capsys.readouterr().err

    assert drawn("--set", "slo=chat-ttft") == (0, "")
    assert "99 %" in out.read_text()
    out.unlink()
    assert drawn() == (0, "--set slo=chat-ttft, the only one\n")
    assert "99 %" in out.read_text()
    assert "chat-ttft" in out.read_text()
    out.unlink()
    wrong = "failsoft: --set slo={}: Prometheus has no such slo; {}\n"
    assert drawn("--set", "slo=chat-tt") == (2, wrong.format("chat-tt", "did you mean chat-ttft?"))
    assert drawn("--set", 'slo=a"b') == (2, wrong.format('a"b', "there are chat-ttft"))
    assert not out.exists()


def test_of_many_one_has_to_be_chosen():
    one, several = Variable("slo", "m", "slo", several=False), Variable("team", "m", "team")
    assert _checked(several, None, ["a", "b"]) == {}
    assert _checked(several, "a", ["a", "b"]) == {"team": "a"}
    with pytest.raises(UsageError, match=re.escape("one slo: choose it with --set slo=NAME; there are a, b")):
        _checked(one, None, ["b", "a"])
    with pytest.raises(UsageError, match=r"there are s0, .* and 990 more"):
        _checked(one, None, [f"s{index}" for index in range(1000)])
    with pytest.raises(UsageError, match="has no m, so there is no slo to draw; are the rules loaded"):
        _checked(one, "a", [])


def test_of_a_prometheus_that_does_not_answer_nothing_is_drawn(tmp_path, capsys):
    """And that is said once, not once a panel, over whatever the file held."""
    out = tmp_path / "gpu.html"
    out.write_text("<!doctype html>yesterday's")
    for board in ("gpu", "overview"):
        with pytest.raises(SystemExit) as ended:
            main(["dashboard", board, str(EXAMPLE), "--prometheus", "http://127.0.0.1:1", "-o", str(out)])
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "refused the connection" in line
    assert out.read_text() == "<!doctype html>yesterday's"


def test_a_drawing_replaces_a_page_and_no_other_file(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = CliRunner().invoke(root, ["dashboard", "gpu", str(EXAMPLE), "-o", str(tmp_path / "notes.txt")])
    assert "it is there, and no page" in str(done.exception)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_mistakes_are_told(tmp_path):
    def said(*argv):
        done = CliRunner().invoke(root, ["dashboard", *argv, "-o", str(tmp_path / "x.html")])
        assert done.exit_code != 0
        return done.output + str(done.exception or "")

    assert "did you mean" in said("overveiw", str(EXAMPLE)) or "overview" in said("overveiw", str(EXAMPLE))
    assert "names slo" in said("slo", str(EXAMPLE), "--set", "team=x")
    assert "such as" in said("slo", str(EXAMPLE), "--since", "soon")


def test_grafana_gets_every_query_and_no_panel_lies_on_another():
    files = dashboard_files()
    assert sorted(files) == sorted(f"dashboards/{board.name}.json" for board in BOARDS)
    for board in BOARDS:
        made = json.loads(files[f"dashboards/{board.name}.json"])
        assert made["uid"] == board.name
        assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
        asked = [target["expr"] for panel in made["panels"] for target in panel.get("targets", ())]
        assert asked == [query.expression for panel in board.panels for query in panel.queries]
        names = {"datasource"} | {variable.name for variable in board.variables}
        assert {one["name"] for one in made["templating"]["list"]} == names
        assert set(re.findall(r"\$([a-z]+)", " ".join(asked))) <= names
        places = [panel["gridPos"] for panel in made["panels"]]
        assert all(place["x"] + place["w"] <= 24 for place in places)
        for one, other in combinations(places, 2):
            apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_a_variable_offers_what_prometheus_has(prometheus):
    client = PrometheusClient(prometheus)
    for board in BOARDS:
        for variable in board.variables:
            found = client.query(f"count by ({variable.label}) ({variable.metric})")
            assert [sample.labels[variable.label] for sample in found] != [""], variable


def test_the_page_escapes_names_breaks_lines_at_gaps_and_says_why_there_is_nothing():
    board = next(board for board in BOARDS if board.name == "failsoft-slo")
    gap = tuple((at, 0.5) for at in (0.0, 60.0, 120.0, 900.0, 960.0))
    answers = [Answer() for _ in board.panels]
    answers[5] = Answer((Line("<script>alert(1)</script>", gap), Line("alone", ((60.0, float("nan")), (120.0, 0.2)))))
    answers[6] = Answer(problem="Prometheus did not answer")
    text = page(board, answers, start=0, end=1000, chosen={"slo": "<b>"})
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "slo: &lt;b&gt;" in text
    assert text.count('<path class="series c0"') == 2
    assert text.count('<circle class="c1"') == 1
    assert "Prometheus did not answer" in text
    assert text.count("no data") == len(board.panels) - 2


def test_of_too_many_lines_the_ones_that_went_farthest_are_drawn():
    def drawn(first):
        lines = [Line(f"gpu {index}", ((0.0, 1.0), (60.0, float(index)))) for index in range(40)]
        made = chart(lines, "celsius", width=500, start=0, end=60, first=first)
        assert made.more == 28
        return [line.name for line in made.lines]

    assert drawn("highest") == [f"gpu {index}" for index in range(28, 40)]
    assert drawn("lowest")[:1] == ["gpu 0"]
    assert "gpu 39" not in drawn("lowest")


def test_windows_are_named_from_the_shortest_to_the_longest():
    lines = [Line(name, ()) for name in ("1d", "1h", "30m", "5m")]
    assert [line.name for line in _ordered(lines)] == ["5m", "30m", "1h", "1d"]
    assert [line.name for line in _ordered([Line("b", ()), Line("5m", ())])] == ["b", "5m"]


@given(
    values=st.lists(st.floats(-1e12, 1e12), min_size=1), unit=st.sampled_from(["share", "count", "seconds", "plain"])
)
def test_ticks_hold_all_values_and_are_few_and_even(values, unit):
    low, high = min(values), max(values)
    marks = steps(low, high, unit, whole=all(value == int(value) for value in values))
    assert 2 <= len(marks) <= 8
    room = (marks[1] - marks[0]) * 1e-6
    assert marks[0] <= low + room
    assert marks[-1] >= high - room
    assert max(b - a for a, b in pairwise(marks)) <= (marks[1] - marks[0]) * 1.001


@given(start=st.floats(1e9, 2e9), span=st.floats(1, 3e7))
def test_ticks_of_time_are_within_it_and_few(start, span):
    marks = moments(start, start + span)
    assert len(marks) <= 8
    assert all(start <= at <= start + span for at, _ in marks)
