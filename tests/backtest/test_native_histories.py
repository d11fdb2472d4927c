"""A past of native histograms, replayed: what is said of it is what is said of the same events in classic buckets."""

import json
import struct
import urllib.request
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from click.testing import CliRunner
from tests.protobuf import field, varint, zigzag

from failsoft.cli import root

from .conftest import BEGIN, BOUNDS, SCRAPE, Replica

HOURS = 6
UNTIL = datetime.fromtimestamp(BEGIN + HOURS * 3600, UTC).strftime("%Y-%m-%dT%H:%M")
FAMILY = "vllm:time_to_first_token_seconds"
MODEL = """
kind: Model
metadata: {name: FORM}
spec: {engine: vllm, select: {job: vllm, model_name: FORM}, owner: assistants, histograms: FORM}
---
kind: SLO
metadata: {name: FORM-ttft}
spec: {model: FORM, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 1d}
"""
FEATURES = {"web.enable-remote-write-receiver": "", "enable-feature": "native-histograms"}


def histogram(counts, at, form):
    """A histogram of Prometheus' remote write, from cumulative counts: of schema 0, or with the bounds as buckets."""
    each = [counts["0.25"], counts["0.5"] - counts["0.25"], counts["1.0"] - counts["0.5"]]
    first = -2  # the bucket up to 0.25, where each is twice as wide as the one before
    if form == "custom":
        cumulative = [0, *(counts[bound] for bound in BOUNDS)]
        each, first = [after - before for before, after in pairwise(cumulative)], 0
    deltas = [after - before for before, after in pairwise([0, *each])]
    message = field(1, counts["+Inf"]) + field(3, 1.0) + field(4, zigzag(0 if form == "native" else -53))
    message += field(5, 1e-9) if form == "native" else b""
    message += field(11, field(1, zigzag(first)) + field(2, len(each)))
    message += field(12, b"".join(varint(zigzag(delta)) for delta in deltas)) + field(15, at)
    if form == "custom":
        message += field(16, b"".join(struct.pack("<d", float(bound)) for bound in BOUNDS))
    return field(4, message)


def series(name, samples, **labels):
    named = sorted({"__name__": name, "job": "vllm", **labels}.items())
    return field(1, b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in named) + samples)


def written(replica, form, since, until):
    """Its series as they are stored, of some of its scrapes."""
    there = [
        (replica.scrapes[index], (BEGIN + index * SCRAPE) * 1000)
        for index in range(since, until)
        if replica.scrapes[index]["+Inf"] is not None
    ]
    labels = {"instance": replica.name, "model_name": form}
    if form != "classic":
        return series(FAMILY, b"".join(histogram(counts, at, form) for counts, at in there), **labels)

    def floats(bound):
        return b"".join(field(2, field(1, float(counts[bound])) + field(2, at)) for counts, at in there)

    buckets = (series(f"{FAMILY}_bucket", floats(bound), **labels, le=bound) for bound in (*BOUNDS, "+Inf"))
    return b"".join(buckets) + series(f"{FAMILY}_count", floats("+Inf"), **labels)


def snappy(text):
    """Snappy's framing, with nothing compressed."""
    pieces = [text[start : start + 65536] for start in range(0, len(text), 65536)]
    return varint(len(text)) + b"".join(bytes([61 << 2]) + struct.pack("<H", len(one) - 1) + one for one in pieces)


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.newest_prometheus)])
def server(request, prometheus_server):
    """A Prometheus that takes native histograms, and the forms that it knows."""
    newest = request.param == "newest"
    binary = request.getfixturevalue("newest_prometheus") if newest else None
    url = prometheus_server("global: {}", flags=FEATURES, binary=binary).url
    return url, ("classic", "native", "custom") if newest else ("classic", "native")


def test_what_native_histograms_tell_is_what_classic_ones_tell(server, workspace, tmp_path):
    """An outage, missed scrapes and a restart; on the oldest Prometheus and on the newest."""
    url, forms = server
    replica = Replica("a", seed=8).runs(300, rate=12).runs(40, rate=12, bad=0.5).runs(260, rate=12, bad=0.002)
    replica.runs(80, rate=12, missed=True).runs(100, rate=12)
    replica.restarts().runs(HOURS * 240 + 1 - 780, rate=12, bad=0.002)
    for start in range(0, len(replica.scrapes), 240):  # in the order of time, as a server writes them
        body = b"".join(written(replica, form, start, min(start + 240, len(replica.scrapes))) for form in forms)
        heads = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        asked = urllib.request.Request(f"{url}/api/v1/write", data=snappy(body), headers=heads)
        urllib.request.urlopen(asked, timeout=30).close()
    folder = workspace(*(MODEL.replace("FORM", form) for form in forms))
    words = ["backtest", str(folder), "--prometheus", url, "--cache", str(tmp_path / "kept"), "--output", "json"]
    ran = CliRunner().invoke(root, [*words, "--since", f"{HOURS}h", "--until", UNTIL])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    said = {slo["slo"].removesuffix("-ttft"): slo for slo in found["slos"]}
    classic = said["classic"]
    assert (classic["pages"], classic["tickets"]) == (1, 1)
    assert classic["budget"]["spent"] > 1
    for form in forms:
        mine = said[form]
        assert mine["alerts"] == [
            one | {key: pytest.approx(one[key], rel=0.01) for key in ("errorRatio", "budgetGone")}
            for one in classic["alerts"]
        ]
        assert mine["budget"]["spent"] == pytest.approx(classic["budget"]["spent"], rel=0.01)
        assert mine["seen"] == classic["seen"] | {
            key: pytest.approx(classic["seen"][key], rel=0.005) for key in ("events", "badEvents")
        }
        assert mine["seen"]["resets"] == 1
        by = {(one["threshold"], one["objective"]): one for one in mine["promises"]}
        assert by["1s", 0.99]["spent"] == 0
        assert by["250ms", 0.99]["spent"] > 40
    codes = {(one["code"], one["message"].partition("-")[0]) for one in found["findings"]}
    assert codes == {(code, form) for form in forms for code in ("FS455", "FS459")}
