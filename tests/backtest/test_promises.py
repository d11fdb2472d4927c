"""What may be promised depends on how much of a period was seen."""

import re
from dataclasses import replace

import pytest

from failsoft.backtest import judge, span_of
from failsoft.backtest.data import Asked
from failsoft.backtest.page import page
from failsoft.backtest.questions import BAD, TOTAL
from failsoft.backtest.words import answer, lines_of
from failsoft.slo.resolve import resolve
from failsoft.workspace.load import load

from .conftest import BEGIN, TTFT

DAY = 86_400


@pytest.fixture
def seen(workspace):
    """The last share of a day with ten events a pulse and none of them bad: `seen(0.3)`."""
    loaded, _ = load(workspace(TTFT))
    (slo,) = loaded.slos.values()
    objective, _ = resolve(loaded, slo)

    def replay(share):
        span = span_of(objective, BEGIN, BEGIN + DAY)
        there = round(len(span.judged) * share)
        gone = [None] * (span.steps - there)
        (one,) = judge(objective, span, {TOTAL: {(): gone + [10.0] * there}, BAD: {(): gone + [0.0] * there}}, {})
        return one

    return replay


def test_a_whole_period_is_a_plain_answer(seen):
    assert answer(seen(1)) == "99.99% was kept (0% of its budget at worst): the worst 1d had 0% bad events"


def test_of_most_of_a_period_it_is_said_how_much(seen):
    one = seen(0.75)
    assert one.enough
    assert answer(one).startswith("In the 75% of 1d that was seen, 99.99% was kept")


def test_less_than_half_promises_nothing_and_the_table_is_faint(seen):
    one = seen(0.062)
    assert not one.enough
    assert answer(one).startswith("Not by this: less than half of 1d was seen, and the rest may be worse; in the 6.")
    lines = list(lines_of(one, lambda line: f"faint {line}"))
    table = lines[next(index for index, line in enumerate(lines) if "What can I promise?" in line) + 1 :]
    assert table
    assert all(line.startswith("faint ") for line in table if line)


def test_the_page_names_no_line_that_is_not_drawn_and_covers_no_gap(seen):
    asked = Asked("http://prometheus:9090", BEGIN, BEGIN + DAY, 4, 0)
    sliding = "of the 1d before each moment"
    assert sliding in page(asked, [seen(1)], [])
    text = page(asked, [seen(0.3)], [])
    assert sliding not in text
    kinds = re.findall(r'class="band (\w+)"', text)
    assert kinds[-1] == "unseen", "drawn above everything else"


def test_a_group_with_a_hostile_name_is_only_a_name(seen):
    """Labels come from requests: anybody may have put a script, or a line, into one."""
    one = replace(seen(1), group=(("group", '<script>alert("1")</script>\n{{ x }}'),))
    heading = next(iter(lines_of(one, str)))
    assert heading == 'chat-ttft{group="<script>alert(\\"1\\")</script>\\n{{ x }}"}'
    text = page(Asked("http://prometheus:9090", BEGIN, BEGIN + DAY, 4, 0), [one], [])
    assert "<script" not in text
    assert "&lt;script&gt;" in text
