"""The past of a new SLO, written as blocks and moved into a real Prometheus: its budget is that of the events."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from failsoft.cli import main
from failsoft.cli.backfill import _lacking
from failsoft.clients.prometheus import PrometheusClient, Sample
from failsoft.lab.parts import prometheus_server
from failsoft.live.blocks import blocks_in, check_target, openmetrics
from failsoft.live.past import Past, Span, phase_of
from failsoft.slo.records import steps_of
from failsoft.slo.series import BUDGET_REMAINING, COVERAGE

WINDOWS = ("period: 30m, tiers", "period: 2h, tiers"), ("objective: 99%, period: 30m", "objective: 99%, period: 2h")
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules/*.yaml]
scrape_configs:
- {job_name: vllm-chat, static_configs: [{targets: ["ADDRESS"]}]}
"""
LABELS = 'job="vllm-chat",model_name="chat-70b",instance="ADDRESS"'
AGO, UNTIL = 2 * 3600 + 900, 720
"""The history, in seconds before now: from a little more than a period to twelve minutes ago."""


def bad_of(second):
    """Two requests a second; in one stretch of ten minutes a third of them is slow."""
    return int(second % 3 == 0) * 2 if 5000 <= second < 5600 else 0


def history(address, now):
    """The counters of the past, a sample a second, and the state in which they end."""
    labels = LABELS.replace("ADDRESS", address)
    counts, buckets = [], []
    total = bad = 0
    for second in range(AGO - UNTIL):
        at = now - AGO + second
        total, bad = total + 2, bad + bad_of(second)
        counts.append(f"vllm:time_to_first_token_seconds_count{{{labels}}} {total} {at}\n")
        buckets.append(f'vllm:time_to_first_token_seconds_bucket{{{labels},le="0.5"}} {total - bad} {at}\n')
    return ["# TYPE x gauge\n", *counts, *buckets, "# EOF\n"], total, bad


def truth(at, now):
    """What was left of the budget of 1 % at a time, over the two hours before it, counted event by event."""
    first = at - 7200 - (now - AGO)
    seconds = range(max(0, round(first)), AGO - UNTIL)
    return 1 - sum(map(bad_of, seconds)) / (2 * len(seconds)) / 0.01


def shown():
    """What the page says that it prints, but for what to do next."""
    page = Path(__file__).parents[2] / "docs" / "backfill.md"
    block = page.read_text(encoding="utf-8").partition("```console\n$ ")[2].partition("```")[0]
    return block.partition("\n")[2].partition("next:")[0]


def shape(printed):
    """What is printed, whatever the numbers."""
    return re.sub(r"-?\d[\d,.]*", "0", printed)


def until(found, seconds=60):
    deadline = time.monotonic() + seconds
    while not (got := found()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return got


@pytest.mark.slow
@pytest.mark.parametrize("which", ["oldest", pytest.param("newest", marks=pytest.mark.newest_prometheus)])
def test_the_budget_of_a_new_slo_is_that_of_its_past(
    which, request, tmp_path, target, asked, parts_registry, promtool, capsys
):
    binary = request.getfixturevalue("newest_prometheus") if which == "newest" else None
    subject, now, folder = asked(*WINDOWS), int(time.time()), tmp_path / "server"
    lines, total, bad = history(target.address, now)
    (tmp_path / "past.om").write_text("".join(lines))
    data = folder / "prometheus-data"
    make = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", tmp_path / "past.om", data]
    subprocess.run(make, check=True, capture_output=True)
    for path, text in subject.rules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    name, of = "vllm:time_to_first_token_seconds", 'model_name="chat-70b"'
    target.body = f'{name}_count{{{of}}} {total}\n{name}_bucket{{{of},le="0.5"}} {total - bad}\n'
    config, budget = CONFIG.replace("ADDRESS", target.address), f'{BUDGET_REMAINING}{{slo="chat-ttft"}}'

    def backfill(out):
        with pytest.raises(SystemExit) as ended:
            main(["backfill", str(tmp_path), "--prometheus", server.url, "--slo", "chat-ttft", "-o", str(out)])
        return ended.value.code, *capsys.readouterr()

    with prometheus_server(folder, config, binary=binary, registry=parts_registry) as server:
        client = PrometheusClient(server.url, timeout=20)
        recorded = 'failsoft:slo_events_total:increase{slo="chat-ttft"}'
        until(lambda: client.query(f"count_over_time({recorded}[1m]) >= 2"))
        code, told, warned = backfill(tmp_path / "blocks")
        assert (code, warned) == (0, "")
        assert f"mv {tmp_path}/blocks/* DATA/" in told
        assert shape(told.replace(f"{tmp_path}/", "")).startswith(shape(shown()))
        server.stop()
        for block in blocks_in(tmp_path / "blocks"):
            shutil.move(block, data)
        server.start()
        until(lambda: client.query(f'{COVERAGE}{{slo="chat-ttft"}} > 0.85'))
        (left,) = client.query(budget)
        (stamp,) = client.query(f"timestamp({budget})")
        code, told, warned = backfill(tmp_path / "again")
        assert code == 1, "what is recorded is not written again"
        assert "0 of 1,2" in told
        assert "recorded already" in told
        assert not (tmp_path / "again").exists()
        client.close()
    assert left.value == pytest.approx(truth(stamp.value, now), abs=0.02)
    assert truth(stamp.value, now) < -1.5, "it was a bad day, and a budget without its past would be whole"


def test_a_folder_that_is_there_or_lies_in_live_data_is_refused(tmp_path, asked, capsys):
    asked()
    (tmp_path / "data" / "wal").mkdir(parents=True)
    for out, said in ((tmp_path / "data", "is there already"), (tmp_path / "data" / "new", "lies in the data of")):
        with pytest.raises(SystemExit) as ended:
            main(["backfill", str(tmp_path), "--prometheus", "http://127.0.0.1:1", "-o", str(out)])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err
    check_target(tmp_path / "elsewhere")


def test_a_server_that_hangs_is_given_up_soon(tmp_path, asked, promtool, capsys, monkeypatch):
    asked()
    monkeypatch.setattr("failsoft.server.outside._GREETING_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SystemExit) as ended:
            main(["backfill", str(tmp_path), "--prometheus", url, "-o", str(tmp_path / "blocks")])
    assert (ended.value.code, promtool.is_file()) == (2, True)
    assert "did not answer within 0.3 s" in capsys.readouterr().err
    assert not (tmp_path / "blocks").exists()


def test_nothing_is_left_where_promtool_fails(tmp_path, asked, monkeypatch):
    from failsoft.errors import RefusedError
    from failsoft.live.blocks import write_blocks

    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "promtool").write_text("#!/bin/sh\nmkdir -p $6; echo half > $6/block; echo 'no space left' >&2; exit 1\n")
    (parts / "promtool").chmod(0o755)
    monkeypatch.setenv("FAILSOFT_PARTS", str(parts))
    objective = asked().objectives[0]
    span = Span(objective, steps_of(objective), 0, 0, 1)
    with pytest.raises(RefusedError, match="no space left"):
        write_blocks([Past(span, {5000: 1.0}, {5000: 2.0}, 0)], tmp_path / "out" / "blocks")
    assert os.listdir(tmp_path / "out") == []  # noqa: PTH208  # hidden ones too


@pytest.mark.parametrize(
    ("phase", "known", "held", "refused", "said"),
    [
        (0, range(10), 0, "", []),
        (0, range(4), 6, "", []),
        (0, range(4), 0, "", [("FS485", "6 of 10 steps of chat-ttft are not known")]),
        (None, range(10), 0, "", [("FS485", "the rules of chat-ttft have not recorded yet")]),
        (0, (), 0, "", [("FS486", "Prometheus knows nothing of the past of chat-ttft")]),
        (0, (), 0, "too many samples", [("FS486", "cannot be asked for: too many samples")]),
    ],
)
def test_what_is_lacking_of_a_past_is_told(asked, phase, known, held, refused, said):
    objective = next(one for one in asked().objectives if one.name == "chat-ttft")
    span = Span(objective, steps_of(objective), phase, 1, 10)
    events = {step * 5000: 2.0 for step in known}
    found = _lacking(Past(span, events, events, held, refused))
    assert [one.code.id for one in found] == [code for code, _ in said]
    assert all(words in one.message for one, (_, words) in zip(found, said, strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_time_that_is_no_number_is_none(asked, value):
    class Strange:
        def query(self, _):
            return (Sample({}, value, 0.0),)

    objective = asked().objectives[0]
    assert phase_of(Strange(), objective, steps_of(objective)) is None


def test_samples_are_written_series_by_series_in_order_of_time(asked):
    objective = asked().objectives[0]
    span = Span(objective, steps_of(objective), 0, 0, 1)
    lines = list(openmetrics([Past(span, {10_000: 0.1, 5000: 1.0}, {5000: 2.0}, 0)]))
    assert [line.split("{")[0] for line in lines if not line.startswith("#")] == [
        "failsoft:slo_events_bad:increase",
        "failsoft:slo_events_bad:increase",
        "failsoft:slo_events_total:increase",
    ]
    assert [line.split()[-1] for line in lines if not line.startswith("#")] == ["5.000", "10.000", "5.000"]
    assert lines[-1] == "# EOF\n"
