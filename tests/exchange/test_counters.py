"""Sums of counters are read as PromQL writes them; whatever else a text is, it is told with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.slo.promql import Matcher, selector
from failsoft.slo.samples import samples_of, whole
from failsoft.workspace.counters import CountersError, Term, read_counters, read_ratio

X = 'x{a="b"}'


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("x", [(1, "x", ())]),
        ("x{}", [(1, "x", ())]),
        ("vllm:x_total{a='b',}", [(1, "vllm:x_total", (("a", "=", "b"),))]),
        ('{__name__="x", a!~"b|c"}', [(1, "x", (("a", "!~", "b|c"),))]),
        ("x + y - z", [(1, "x", ()), (1, "y", ()), (-1, "z", ())]),
        ("x - (y - z)", [(1, "x", ()), (-1, "y", ()), (1, "z", ())]),
        ('x{a="q\\"\\n\\\\\\u00e9"}', [(1, "x", (("a", "=", 'q"\n\\é'),))]),
        ("x{a=`\\d`} # a comment", [(1, "x", (("a", "=", "\\d"),))]),
    ],
)
def test_selectors_with_plus_and_minus_are_read(text, terms):
    assert list(read_counters(text).terms) == [Term(*term) for term in terms]


def test_queries_of_other_tools_are_read_where_they_mean_the_same():
    text = '(\n sum(rate(x{a="b"}[5m])) \n-\n sum(increase(y[5m])) ) OR on() vector(0)'
    read = read_counters(text, queries=True)
    assert [term.metric for term in read.terms] == ["x", "y"]
    assert (read.ranges, read.bare, read.zeroed) == (frozenset({"5m"}), False, True)
    with pytest.raises(CountersError):
        read_counters(text)


@pytest.mark.parametrize(
    ("text", "said", "at"),
    [
        ("", "has 'an end' where a metric should be", 0),
        ("x +", "has 'an end' where a metric should be", 3),
        ("x y", "has 'y' where it should end", 2),
        ("x{a=b}", "has 'b' where a text in quotes should be", 4),
        ("x{a}", "has '}' where =, !=, =~ or !~ should be", 3),
        ("x{a='b' c='d'}", "has 'c' where , or } should be", 8),
        ("{a='b'}", "names no metric", 0),
        ("x[5m]", "has '[5m]' where it should end", 1),
        ("sum by (a) (rate(x[5m]))", "groups by labels, so it is many ratios and not one", 4),
        ("sum(rate(x[5m])) by (a)", "groups by labels, so it is many ratios and not one", 17),
        ("max(x)", "has max(), which is no sum of counters", 0),
        ("x * 2", "has '*' where it should end", 2),
        ("x or y", "has an `or` that is not `or vector(0)`", 2),
        ("x > 5", "has '>', which no sum of counters has", 2),
        ("-x", "has '-' where a metric should be", 0),
        ("x{a='\\q'}", "has \\q in a text, which PromQL does not know", 5),
        ("(" * 60, "is nested deeper than 50 levels", 50),
        ("x" * 10_001, "is longer than 10000 characters", 0),
    ],
)
def test_what_is_no_sum_of_counters_is_told_with_its_place(text, said, at):
    with pytest.raises(CountersError) as wrong:
        read_counters(text, queries=True)
    assert (str(wrong.value), wrong.value.at) == (said, at)


@pytest.mark.parametrize(
    ("text", "direct"),
    [
        ("x / y", True),
        ("(sum(rate(x[5m])) / sum(rate(y[5m])))", True),
        ("(x - z) / y", True),
        ("1 - x / y", False),
        ("1 - (x / y)", False),
        ("(1 - (x / y))", False),
        ("1 - (1 - x / y)", True),
    ],
)
def test_a_ratio_is_read_with_its_direction(text, direct):
    above, below, found = read_ratio(text)
    assert (above.terms[0].metric, below.terms[0].metric, found) == ("x", "y", direct)


@pytest.mark.parametrize("text", ["x", "1", "2 - x / y", "x / y / z", "x / y + z", "1.2.3 - x / y", "((x)"])
def test_what_is_no_ratio_is_told(text):
    with pytest.raises(CountersError):
        read_ratio(text)


names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
matchers = st.tuples(names, st.sampled_from(["=", "!=", "=~", "!~"]), st.text(max_size=8))


@given(st.lists(st.tuples(names, st.lists(matchers, max_size=3)), min_size=1, max_size=3))
def test_what_our_own_promql_says_is_read_as_it_was_meant(parts):
    text = " + ".join(selector(name, tuple(Matcher(*one) for one in given)) for name, given in parts)
    surrogates = any("\ud800" <= char <= "\udfff" for _, given in parts for _, _, value in given for char in value)
    if not surrogates:
        assert read_counters(text).terms == tuple(Term(1, name, tuple(given)) for name, given in parts)


@given(st.text(alphabet="x+-()[]{}=~!\"'`\\,1/ \nsumrateorvector0w", max_size=40))
def test_no_text_breaks_the_reader(text):
    for read in (read_counters, read_ratio):
        wrong = None
        try:
            read(text)
        except CountersError as error:
            wrong = error
        assert wrong is None or 0 <= wrong.at <= len(text)


@given(st.sampled_from(["=", "!=", "=~", "!~"]), st.text(alphabet="ab(|)[^]*+?.{}2,\\d$", max_size=12))
def test_every_sample_is_taken_by_its_matcher(operator, value):
    for sample in samples_of(operator, value):
        same = whole(value).fullmatch(sample) is not None if "~" in operator else sample == value
        assert same != operator.startswith("!")
