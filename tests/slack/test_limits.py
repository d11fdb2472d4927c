"""Whatever is said, Slack takes it: texts are cut, blocks left out, buttons kept whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from failsoft.clients.slack import fitted
from failsoft.clients.slack.limits import MOST_BLOCKS, MOST_CHARACTERS
from failsoft.errors import PermanentError
from failsoft.testing.slack.blocks import block_characters, block_errors

sizes = st.one_of(st.integers(0, 200), st.integers(0, 6000))
texts = st.builds(
    lambda letter, size: letter * size, st.sampled_from(["a", "&amp;", "ü ", "<https://x|y>", "```"]), sizes
)
mrkdwn = texts.map(lambda text: {"type": "mrkdwn", "text": text})


def button(value="id-1", label="Approve"):
    text = {"type": "plain_text", "text": label}
    return {"type": "actions", "elements": [{"type": "button", "text": text, "action_id": "a", "value": value}]}


blocks = st.one_of(
    mrkdwn.map(lambda text: {"type": "section", "text": text}),
    st.lists(mrkdwn, min_size=1, max_size=10).map(lambda fields: {"type": "section", "fields": fields}),
    st.lists(mrkdwn, min_size=1, max_size=10).map(lambda elements: {"type": "context", "elements": elements}),
    texts.map(lambda text: {"type": "header", "text": {"type": "plain_text", "text": text}}),
    texts.map(lambda text: button(label=text)),
    st.just({"type": "divider"}),
)


@settings(max_examples=60)
@given(st.lists(blocks, max_size=40), st.integers(0, 20))
def test_slack_takes_whatever_was_made_to_fit(made, dividers):
    try:
        shown = fitted([*made, *[{"type": "divider"}] * dividers])
    except PermanentError as error:
        assert "too many small texts" in str(error)  # noqa: PT017 - hundreds of short texts cannot be cut further
        return
    assert block_errors(shown) == ()
    assert block_characters(shown) <= MOST_CHARACTERS
    for parsed in Block.parse_all(shown):
        parsed.validate_json()
    assert [b for b in shown if b["type"] == "actions"] or not [b for b in made if b["type"] == "actions"]


def test_what_fits_is_sent_as_it_is():
    made = [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}, button(), {"type": "divider"}]
    assert fitted(made) == made


def test_of_too_many_blocks_the_buttons_stay_and_the_loss_is_told():
    made = [{"type": "section", "text": {"type": "mrkdwn", "text": str(n)}} for n in range(80)]
    shown = fitted([*made, button()])
    assert len(shown) == MOST_BLOCKS
    assert shown[-2] == button()
    assert shown[-1]["elements"][0]["text"] == "32 more parts of this message are left out here."


def test_the_message_that_was_given_is_not_changed():
    made = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 4000}}]
    fitted(made)
    assert len(made[0]["text"]["text"]) == 4000


def test_a_buttons_value_is_never_cut_for_it_names_something():
    with pytest.raises(PermanentError, match="value"):
        fitted([button("x" * 2001)])
