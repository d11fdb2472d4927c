"""Learnt from and judged on a real Prometheus: replicas, a restart in the middle, and traffic that changes."""

import random
import time
from bisect import bisect_left
from pathlib import Path

import pytest
from click.testing import CliRunner

from failsoft.cli import root
from failsoft.clients.binaries import run_tool
from failsoft.clients.prometheus import PrometheusClient
from failsoft.drift import ReferenceProfile, Verdict, evaluate, watches
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

HOURS, STEP = 6, 15
BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
PER_STEP = 4
WORKSPACE = """
kind: Team
metadata: {name: team}
spec: {slack: "#t", pager: {stdout: {}}, people: [{name: ann}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: "JOB", model_name: chat}, owner: team}
---
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: drift/output.json, signals: [output-length, finish-reason], window: 1h}
"""


def replica(job, engine, *, restart_at, changed, seed):
    """The series of one replica: (metric, labels) -> its value at each step; lengths double in the last hour."""
    draw = random.Random(seed)
    steps = HOURS * 3600 // STEP
    buckets, reasons = [0] * (len(BOUNDS) + 1), {"stop": 0, "length": 0, "abort": 0}
    for step in range(steps + 1):
        if step == restart_at:
            buckets, reasons = [0] * len(buckets), dict.fromkeys(reasons, 0)
        late = changed and step > steps - 3600 // STEP
        for _ in range(PER_STEP):
            buckets[bisect_left(BOUNDS, draw.lognormvariate(4.5, 0.8) * (3 if late else 1))] += 1
            reasons["length" if draw.random() < (0.4 if late else 0.1) else "stop"] += 1
        labels = f'job="{job}",model_name="chat",engine="{engine}",instance="{job}-{engine}"'
        total = 0
        for bound, count in zip((*BOUNDS, "+Inf"), buckets, strict=True):
            total += count
            yield f'vllm:request_generation_tokens_bucket{{{labels},le="{bound}"}}', step, total
        for reason, count in reasons.items():
            yield f'vllm:request_success_total{{{labels},finished_reason="{reason}"}}', step, count


@pytest.fixture
def prometheus(prometheus_server, promtool, tmp_path):
    start = int(time.time()) - HOURS * 3600
    half = HOURS * 1800 // STEP
    series: dict[str, list[str]] = {}
    for job, changed in (("same", False), ("changed", True)):
        for engine in (0, 1):
            made = replica(job, engine, restart_at=half + 7 * engine, changed=changed, seed=f"{job}{engine}")
            for name, step, value in made:
                series.setdefault(name, []).append(f"{name} {value} {start + step * STEP}")
    for step in range(2 * half + 1):
        name = f'deploy_info{{job="same",revision="registry/chat@sha256:{"old" if step < half else "new"}"}}'
        series.setdefault(name, []).append(f"{name} 1 {start + step * STEP}")
    lines = [line for name in sorted(series) for line in series[name]]
    text = tmp_path / "history.om"
    text.write_text(
        "# TYPE deploy_info unknown\n# TYPE vllm:request_generation_tokens_bucket unknown\n"
        "# TYPE vllm:request_success counter\n" + "\n".join(lines) + "\n# EOF\n"
    )
    data = tmp_path / "data"
    made = run_tool([str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)])
    assert made.ok, made.stderr
    return prometheus_server("global: {}", flags={"storage.tsdb.path": str(data)}).url


def workspace(folder: Path, job: str) -> Path:
    folder.mkdir()
    (folder / "failsoft.yaml").write_text(WORKSPACE.replace("JOB", job))
    return folder


def judged(folder, profile, url):
    loaded, _ = load(folder)
    ready, findings = watches(
        loaded.monitors["output"],
        loaded.models["chat"],
        loaded.engines["vllm"],
        profile,
        scrape_interval=Duration.parse("15s"),
    )
    assert not findings
    client = PrometheusClient(url, timeout=20)
    try:
        return {watch.name: evaluate(watch, client.query(watch.query)) for watch in ready}
    finally:
        client.close()


def test_a_reference_is_learned_and_tells_changed_traffic_from_the_same(prometheus, tmp_path):
    same, changed = (workspace(tmp_path / job, job) for job in ("same", "changed"))
    ran = CliRunner().invoke(
        root, ["drift", "learn", "output", str(same), "--prometheus", prometheus, "--since", "5h", "--revision", "r1"]
    )
    assert ran.exit_code == 0, ran.output
    profile = ReferenceProfile.parse((same / "drift" / "output.json").read_bytes(), "output.json")
    assert isinstance(profile, ReferenceProfile)
    expected = 2 * PER_STEP * 5 * 3600 / STEP
    assert profile.features["output-length"].rows == pytest.approx(expected, rel=0.02), "the restart cost no rows"
    assert profile.features["output-length"].cuts == BOUNDS
    assert profile.revision == "r1"

    quiet = judged(same, profile, prometheus)
    assert {score.verdict for score in quiet.values()} == {Verdict.JUDGED}
    assert all(score.psi < 0.02 for score in quiet.values()), quiet
    assert quiet["output-length"].rows == pytest.approx(expected / 5, rel=0.05)
    loud = judged(changed, profile, prometheus)
    assert loud["output-length"].psi > 0.5
    assert loud["finish-reason"].tvd == pytest.approx(0.3, abs=0.05)


def test_what_cannot_be_learned_is_said_with_its_place_and_writes_nothing(prometheus, tmp_path):
    folder = workspace(tmp_path / "gone", "gone")
    ran = CliRunner().invoke(root, ["drift", "learn", "output", str(folder), "--prometheus", prometheus])
    assert ran.exit_code == 2
    assert "FS511" in ran.output
    assert "failsoft.yaml:12" in ran.output
    assert not (folder / "drift").exists()


def test_only_windows_in_which_the_revision_was_served_alone_are_learnt_and_named_by_it(prometheus, tmp_path):
    folder = workspace(tmp_path / "rolled", "same")
    series = "{series: {metric: deploy_info, select: {job: same}, label: revision}}"
    text = (folder / "failsoft.yaml").read_text()
    (folder / "failsoft.yaml").write_text(text.replace("drift/output.json,", f"drift/refs, revision: {series},"))
    ran = CliRunner().invoke(
        root, ["drift", "learn", "output", str(folder), "--prometheus", prometheus, "--since", "5h"]
    )
    assert ran.exit_code == 0, ran.output
    (file,) = (folder / "drift" / "refs").iterdir()
    assert file.name == "registry-chat-sha256-new.json"
    profile = ReferenceProfile.parse(file.read_bytes(), file.name)
    assert profile.revision == "registry/chat@sha256:new"
    an_hour = 2 * PER_STEP * 3600 / STEP
    # three hours hold two windows on the grid, and three where now is on it
    assert 1.9 < profile.features["output-length"].rows / an_hour < 3.1, "not the hours before"


def test_a_folder_of_references_has_to_be_told_which_one_to_learn(prometheus, tmp_path):
    folder = workspace(tmp_path / "unsaid", "same")
    gone = "{series: {metric: deploy_info, select: {job: gone}, label: revision}}"
    text = (folder / "failsoft.yaml").read_text()
    (folder / "failsoft.yaml").write_text(text.replace("drift/output.json,", f"drift/refs, revision: {gone},"))
    ran = CliRunner().invoke(
        root, ["drift", "learn", "output", str(folder), "--prometheus", prometheus, "--since", "5h"]
    )
    assert ran.exit_code != 0
    assert "no series that names the revision" in str(ran.exception or ran.output)
    assert not (folder / "drift").exists()
