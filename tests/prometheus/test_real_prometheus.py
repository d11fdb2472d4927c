"""The client and a real Prometheus agree on every form of answer."""

import math
import time

import pytest

from failsoft.clients.prometheus import PrometheusClient, Sample
from failsoft.errors import PermanentError
from failsoft.lab.parts.prometheus import prometheus_server

CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
"""
RULES = """
groups:
- name: made
  rules:
  - {record: made:one, expr: vector(1), labels: {model: chat}}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(RULES)
    with prometheus_server(folder, CONFIG) as server:
        client = PrometheusClient(server.url + "/", timeout=20)
        deadline = time.monotonic() + 60
        while not client.query("count_over_time(made:one[1m]) >= 2"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield client
        client.close()


def test_an_instant_query_gives_samples_with_their_labels(client):
    (sample,) = client.query("made:one * 1.5")
    assert sample == Sample({"model": "chat"}, 1.5, sample.at)
    assert abs(sample.at - time.time()) < 10


def test_an_instant_query_in_the_past_is_about_that_time(client):
    (sample,) = client.query("time()", at=1_700_000_000.125)
    assert sample == Sample({}, 1_700_000_000.125, 1_700_000_000.125)


def test_a_scalar_is_one_sample_without_labels(client):
    (sample,) = client.query("scalar(vector(7))")
    assert (sample.labels, sample.value) == ({}, 7.0)


def test_no_data_is_an_empty_answer(client):
    assert client.query("no_such_series") == ()
    assert client.query_range("no_such_series", start=0, end=60, step=15) == ()


@pytest.mark.parametrize(("expression", "value"), [("0/0", math.nan), ("1/0", math.inf), ("-1/0", -math.inf)])
def test_nan_and_infinities_arrive_as_such(client, expression, value):
    (sample,) = client.query(f"vector({expression})")
    assert repr(sample.value) == repr(value)


def test_a_range_query_keeps_fractions_of_seconds(client):
    (series,) = client.query_range("time()", start=1_700_000_000.25, end=1_700_000_001.25, step=0.5)
    assert series.points == tuple((at, at) for at in (1_700_000_000.25, 1_700_000_000.75, 1_700_000_001.25))


def test_a_label_value_may_hold_anything(client):
    odd = 'a "quoted" \\ ümläut\n<b>&'
    escaped = odd.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    (sample,) = client.query(f'label_replace(vector(1), "odd", "{escaped}", "", "")')
    assert sample.labels == {"odd": odd}


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("sum(", "parse error"),
        ("made:one[5m]", "range vector"),
        (
            "vector(1) * on() group_left() (vector(1) or label_replace(vector(2), 'a', 'b', '', ''))",
            "many-to-many|group",
        ),
    ],
)
def test_a_refused_query_is_permanent_and_told_in_prometheus_words(client, expression, says):
    with pytest.raises(PermanentError, match=says):
        client.query(expression)


def test_too_many_points_are_refused_in_prometheus_words(client):
    with pytest.raises(PermanentError, match="11,000"):
        client.query_range("time()", start=0, end=1_000_000, step=1)


def test_a_time_that_is_no_number_is_never_sent(client):
    with pytest.raises(PermanentError, match="no time"):
        client.query("1", at=math.nan)
