"""What a stranger may send: it becomes plain, short text, or it is refused; nothing else."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.errors import PermanentError
from failsoft.runbooks.alerts import TEXT_LIMIT, Delivery, parse

ALERT = {
    "status": "firing",
    "labels": {"alertname": "a"},
    "annotations": {},
    "startsAt": "2026-11-21T03:01:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "0123456789abcdef",
}
BODY = {"version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "alerts": [ALERT]}


def parsed(**alert):
    return parse(json.dumps(BODY | {"alerts": [ALERT | alert]}).encode()).alerts[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-21T03:01:00Z", datetime(2026, 11, 21, 3, 1, tzinfo=UTC)),
        ("2026-11-21T03:01:00.999999999Z", datetime(2026, 11, 21, 3, 1, 0, 999_999, tzinfo=UTC)),
        ("2026-11-21T05:01:00.25+02:00", datetime(2026, 11, 21, 3, 1, 0, 250_000, tzinfo=UTC)),
        ("2026-11-20T22:01:00-05:00", datetime(2026, 11, 21, 3, 1, tzinfo=UTC)),
    ],
)
def test_one_moment_is_one_episode_however_it_is_written(written, meant):
    assert parsed(startsAt=written).starts_at == meant
    assert parsed(startsAt=written).starts_at.tzinfo is UTC


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+02:00", "0001-01-01T00:00:00-02:00"])
def test_gos_zero_time_means_no_end_in_any_zone(zero):
    assert parsed(endsAt=zero).ends_at is None


@pytest.mark.parametrize("wrong", ["", "now", "2026-11-21", "2026-11-21T03:01:00", "20261121", 1_795_000_000, None, []])
def test_what_is_no_time_is_refused(wrong):
    with pytest.raises(PermanentError, match="startsAt"):
        parsed(startsAt=wrong)


def test_text_that_no_database_stores_is_made_storable():
    alert = parsed(labels={"a": "x\x00y"}, annotations={"b": "z" * (TEXT_LIMIT + 5)})
    assert alert.labels == {"a": "x\N{REPLACEMENT CHARACTER}y"}
    assert len(alert.annotations["b"]) == TEXT_LIMIT
    assert alert.annotations["b"].endswith("…")


def test_a_refusal_says_where_and_does_not_repeat_what_was_sent():
    alerts = [ALERT | {"labels": {"x": 5}}, *[ALERT | {"status": "secret-looking"}] * 5]
    with pytest.raises(PermanentError) as caught:
        parse(json.dumps(BODY | {"alerts": alerts}).encode())
    assert "alerts.0.labels.x" in str(caught.value)
    assert "3 more" in str(caught.value)
    assert "secret-looking" not in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from([*BODY, "truncatedAlerts", "new"]), anything),
    st.dictionaries(st.sampled_from([*ALERT, "generatorURL", "new"]), anything),
)
def test_any_document_is_a_delivery_or_refused(body, alert):
    try:
        delivery = parse(json.dumps(BODY | {"alerts": [ALERT | alert]} | body).encode())
    except PermanentError:
        return
    check(delivery)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_delivery_or_refused(data):
    with pytest.raises(PermanentError):
        parse(data)


@given(st.dictionaries(st.text(max_size=50), st.text(max_size=50), max_size=8))
def test_any_labels_become_plain_text(labels):
    check(parse(json.dumps(BODY | {"alerts": [ALERT | {"labels": labels}]}).encode()))


def check(delivery):
    assert isinstance(delivery, Delivery)
    for alert in delivery.alerts:
        for text in (*alert.labels.items(), *alert.annotations.items()):
            assert all("\x00" not in part and part.encode() is not None for part in text)
        assert alert.status in {"firing", "resolved"}
        assert alert.starts_at.tzinfo is UTC
