"""Outside text in Slack's mark-up: shown as it is, mentioning nobody, and cut without breaking."""

import html
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.clients.slack.mrkdwn import clean, code, cut, escaped, link, mention, moment, plain, preformatted

ATTACKS = [
    "<!channel>",
    "<!here|x>",
    "<@U0ONCALL>",
    "<#C1>",
    "<https://evil|click>",
    "&lt;",
    "`",
    "```",
    "*",
    "\u202e",
    "\0",
]
outside = st.lists(st.one_of(st.text(max_size=12), st.sampled_from(ATTACKS)), max_size=12).map("".join)
markup = st.lists(
    st.one_of(
        outside.map(escaped),
        outside.map(code),
        outside.map(preformatted),
        st.builds(link, st.just("https://x/?a=1&b=2"), outside),
        st.just(mention("U0ONCALL")),
        st.just(moment(datetime(2026, 11, 21, 3, 14, tzinfo=UTC))),
    ),
    max_size=10,
).map("".join)


@given(outside)
def test_outside_text_holds_no_special_letter_and_reads_back_as_it_was(text):
    shown = escaped(text, lines=True)
    assert not re.search(r"[<>`]", shown)
    assert re.sub(r"&(amp|lt|gt);", "", shown).count("&") == 0
    assert html.unescape(shown) == clean(text, lines=True).replace("`", "'")


@given(outside)
def test_plain_text_and_code_hold_nothing_that_slack_could_take_for_markup(text):
    assert not re.search(r"[<>&]", plain(text))
    assert not re.search(r"[<>`]", code(text)[1:-1])
    assert preformatted(text).count("```") == 2


@given(markup, st.integers(min_value=12, max_value=200))
def test_a_cut_keeps_every_entity_link_and_code_block_whole(text, limit):
    shown = cut(text, limit)
    assert len(shown) <= limit
    assert shown.count("<") == shown.count(">")
    assert shown.count("```") % 2 == 0
    assert "&" not in re.sub(r"&(amp|lt|gt);", "", shown)
    assert shown == text or "…" in shown


@given(st.text(), st.integers(min_value=12, max_value=50))
def test_what_fits_is_left_alone(text, limit):
    assert cut(text[:limit], limit) == text[:limit]


def test_what_is_approved_is_what_is_shown():
    assert clean("scale to \u202e01\u202c replicas\u200b\u00ad") == "scale to 01 replicas"
    assert clean("a\x1b[31mred\x00b") == "a [31mred b"
    assert clean("one\r\n\ttwo  ", lines=True) == "one\n    two"


@pytest.mark.parametrize(
    "who", ["!channel", "!here", "U0 ONCALL", "u0oncall", "U0ONCALL>", "<@U0ONCALL>", "", "oncall"]
)
def test_only_ids_become_mentions(who):
    assert "<" not in mention(who)


@given(outside, outside)
def test_a_link_leads_to_its_address_or_nowhere(url, label):
    for shown in (link(url, label), link("https://x/" + url, label)):
        inner = re.fullmatch(r"<(https?://[^\s<>|]+)\|([^<>|]*)>", shown)
        assert inner or not re.search(r"[<>]", shown)
