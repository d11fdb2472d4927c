"""A reference profile comes back as it was written, and one that cannot be trusted is a finding, never a traceback."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.prometheus.port import Sample, Series
from failsoft.drift import CategoricalReference, HistogramReference, ReferenceProfile, Verdict, evaluate, learn, watches
from failsoft.drift import codes as drift_codes
from failsoft.drift.monitors.history import read_history
from failsoft.drift.monitors.learned import Told
from failsoft.findings import Finding
from failsoft.workspace.load import load
from failsoft.workspace.quantities import Duration

LENGTHS = [Sample({"le": le}, count, 0.0) for le, count in (("10", 100.4), ("100", 400.2), ("+Inf", 500.0))]
REASONS = [Sample({"finished_reason": r}, n, 0.0) for r, n in (("stop", 450.3), ("length", 49.8), ("abort", 0.0))]


def profile(**changes):
    made = ReferenceProfile(
        model="chat",
        revision="sha256:abc",
        learned_at=datetime(2026, 11, 20, tzinfo=UTC),
        learned_from="7d",
        features={
            "output-length": HistogramReference(cuts=(10.0, 100.0), counts=(100, 300, 100), rows=500),
            "finish-reason": CategoricalReference(categories=("stop", "length"), counts=(450, 50), rows=500),
        },
    )
    return made.model_copy(update=changes)


def written(**changes):
    """The profile's JSON with some keys changed and the hash made good again."""
    content = json.loads(profile().render())
    content.pop("sha256")
    content |= changes
    return render(content)


def render(content):
    import hashlib

    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return json.dumps(content | {"sha256": hashlib.sha256(text.encode()).hexdigest()}).encode()


def test_what_is_written_is_read_back():
    text = profile().render()
    assert ReferenceProfile.parse(text.encode(), "r.json") == profile()
    assert text.endswith("}\n")


def test_a_truncated_file_is_said_to_be_truncated():
    whole = profile().render().encode()
    for length in range(len(whole) - 3):
        found = ReferenceProfile.parse(whole[:length], "drift/r.json")
        assert isinstance(found, Finding)
        assert found.code is drift_codes.PROFILE_UNREADABLE, whole[:length]
        assert length == 0 or "truncated" in found.hint, whole[:length]
    found = ReferenceProfile.parse(whole[:-40], "drift/r.json")
    assert "truncated" in found.hint
    assert found.place.line > 1


def test_a_changed_number_breaks_the_hash():
    found = ReferenceProfile.parse(profile().render().replace("450", "451").encode(), "r.json")
    assert isinstance(found, Finding)
    assert found.code is drift_codes.PROFILE_HASH
    assert "drift learn" in found.hint


def test_a_newer_schema_is_named_before_anything_else_is_judged():
    found = ReferenceProfile.parse(b'{"schema": 7, "surprise": {}}', "r.json")
    assert isinstance(found, Finding)
    assert found.code is drift_codes.PROFILE_NEWER
    assert "7" in found.message


@pytest.mark.parametrize(
    "changes",
    [
        {"features": {"a": {"kind": "histogram", "cuts": [1.0], "counts": [1], "rows": 1}}},
        {"features": {"a": {"kind": "histogram", "cuts": [2.0, 1.0], "counts": [1, 1, 1], "rows": 3}}},
        {"features": {"a": {"kind": "histogram", "cuts": [1.0], "counts": [1, 1], "rows": 3}}},
        {"features": {"a": {"kind": "histogram", "cuts": [1.0], "counts": [0, 0], "rows": 0}}},
        {"features": {"a": {"kind": "histogram", "cuts": [1.0], "counts": [-1, 2], "rows": 1}}},
        {"features": {"a": {"kind": "categorical", "categories": ["x", "x"], "counts": [1, 1], "rows": 2}}},
        {"features": {"a": {"kind": "kde"}}},
        {"learnedAt": "yesterday"},
        {"unknown": 1},
        {"model": 7},
    ],
)
def test_an_inconsistent_profile_is_a_finding(changes):
    found = ReferenceProfile.parse(written(**changes), "r.json")
    assert isinstance(found, Finding)
    assert found.code is drift_codes.PROFILE_SHAPE
    assert found.hint


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 100_000, b"NaN", b'{"sha256": 1}'])
def test_garbage_is_a_finding(data):
    assert isinstance(ReferenceProfile.parse(data, "r.json"), Finding)


def flipped(index, replacement):
    data = profile().render().encode()
    at = index % len(data)
    return data[:at] + replacement + data[at + 1 :]


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.builds(flipped, st.integers(0), st.binary(min_size=1, max_size=3))
)
def test_any_bytes_give_the_profile_or_a_finding(data):
    found = ReferenceProfile.parse(data, "r.json")
    assert isinstance(found, Finding) or found == profile()


WORKSPACE = """
kind: Team
metadata: {name: team}
spec: {slack: "#t", pager: {stdout: {}}, people: [{name: ann}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {model_name: chat}, owner: team}
---
kind: DriftMonitor
metadata: {name: output}
spec: {model: chat, reference: r.json, signals: [output-length, finish-reason], window: WINDOW, minRows: 200}
"""


@pytest.fixture
def loaded(tmp_path: Path):
    def load_with(window="1h"):
        (tmp_path / "failsoft.yaml").write_text(WORKSPACE.replace("WINDOW", window))
        (tmp_path / "r.json").write_text(profile().render())
        workspace, findings = load(tmp_path)
        assert not findings
        return workspace.monitors["output"], workspace.models["chat"], workspace.engines["vllm"]

    return load_with


def learned(monitor, engine, **samples):
    given_samples = {"output-length": LENGTHS, "finish-reason": REASONS} | samples
    histories = {
        name: read_history(engine.spec.signals[name], [Series(one.labels, ((0.0, one.value),)) for one in found])
        for name, found in given_samples.items()
    }
    told = Told(datetime(2026, 11, 20, tzinfo=UTC), Duration.parse("7d"), "sha256:abc")
    found = learn(monitor, histories, told)
    return found if isinstance(found, tuple) else found.profile


def test_learning_rounds_what_prometheus_extrapolated(loaded):
    monitor, _, engine = loaded()
    assert learned(monitor, engine) == profile()


def test_learning_from_nothing_or_too_little_is_refused(loaded):
    monitor, _, engine = loaded()
    few = [Sample({"finished_reason": "stop"}, 12.0, 0.0)]
    found = learned(monitor, engine, **{"output-length": [], "finish-reason": few})
    assert [finding.code for finding in found] == [drift_codes.REFERENCE_TOO_SMALL] * 2
    assert "no buckets" in found[0].message
    assert "12 rows" in found[1].message
    assert found[1].place.text.strip().startswith("spec: {model: chat")


def test_a_learned_profile_judges_the_same_traffic_as_unchanged_and_another_as_changed(loaded):
    monitor, model, engine = loaded()
    made, findings = watches(monitor, model, engine, learned(monitor, engine), scrape_interval=Duration.parse("15s"))
    assert not findings
    lengths, reasons = made
    assert 'request_generation_tokens_bucket{model_name="chat"}[1h]' in lengths.query
    assert evaluate(lengths, LENGTHS).psi == pytest.approx(0, abs=1e-3)
    shorter = [Sample({"le": le}, n, 0.0) for le, n in (("10", 400.0), ("100", 450.0), ("+Inf", 500.0))]
    assert evaluate(lengths, shorter).psi > 0.25
    aborted = [*REASONS[:2], Sample({"finished_reason": "abort"}, 500.0, 0.0)]
    changed = evaluate(reasons, aborted)
    assert (changed.verdict, round(changed.tvd, 2)) == (Verdict.JUDGED, 0.5)


def test_what_cannot_be_watched_is_told_with_its_place(loaded):
    monitor, model, engine = loaded()
    interval = Duration.parse("15s")
    _, other = watches(monitor, model, engine, profile(model="other"), scrape_interval=interval)
    assert [finding.code for finding in other] == [drift_codes.OTHER_MODEL]
    mute = replace(engine, spec=engine.spec.model_copy(update={"signals": {}}))
    nothing, found = watches(monitor, model, mute, profile(), scrape_interval=interval)
    assert not nothing
    assert {finding.code for finding in found} == {drift_codes.ENGINE_HAS_NO_SIGNAL}
    assert found[0].place == monitor.at("spec", "signals", 0)
    swapped = profile().features
    reversed_kinds = {"output-length": swapped["finish-reason"]}
    made, found = watches(monitor, model, engine, profile(features=reversed_kinds), scrape_interval=interval)
    assert not made
    assert [finding.code for finding in found] == [drift_codes.OTHER_SHAPE, drift_codes.SIGNAL_WITHOUT_REFERENCE]
    assert all(finding.place.line for finding in found)


def test_a_window_of_three_scrapes_is_too_short(loaded):
    monitor, model, engine = loaded("45s")
    made, found = watches(monitor, model, engine, profile(), scrape_interval=Duration.parse("15s"))
    assert not made
    assert [finding.code for finding in found] == [drift_codes.WINDOW_TOO_SHORT]
    assert "1m" in found[0].expected
