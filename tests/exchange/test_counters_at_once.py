"""The plain form of a counter is read at once: as it would be read token by token, or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from failsoft.workspace.counters import CountersError, _any, _one

TEXTS = ["{", "}", "=", "=~", "!=", "!~", '"c"', '"d}e"', '"f\\n"', "'g'", ",", " ", "\n", "\xa0", "[5m]", "#h"]
WORDS = ["a", "b_total", ":", "__name__", "or", "sum", "1", "+", "-", "(", ")"]
PIECES = st.sampled_from([*TEXTS, *WORDS])


@given(st.lists(PIECES, max_size=14).map("".join))
def test_what_is_read_at_once_is_what_is_read_in_tokens(text):
    found = _one(text)
    try:
        expected = _any(text, queries=False)
    except CountersError:
        expected = None
    assert found is None or found == expected


@given(
    st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}", fullmatch=True),
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["=", "!=", "=~", "!~"]), st.text(max_size=5))),
)
def test_a_plain_selector_is_read_at_once(metric, matchers):
    plain = [(label, operator, value) for label, operator, value in matchers if not set(value) & set('"\\\n')]
    text = metric + "{" + ", ".join(f'{label}{operator}"{value}"' for label, operator, value in plain) + "}"
    found = _one(text)
    assert found is not None
    assert found == _any(text, queries=False)
    assert found.terms[0].matchers == tuple(plain)
