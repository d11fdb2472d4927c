"""What is told of an answer: each check flags its own failure, and leaves what only looks like it alone."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.drift.answers import CHECKS, Answer, Expected, examine

ANYTHING = Expected()
PROSE = (
    "Your pod is waiting because no node has a free GPU. The autoscaler has asked the cloud for one; until it comes, "
    "requests are served by the smaller model. You can see the reason in the events of the pod, and the age of the "
    "request on the dashboard of the fleet. If it lasts longer than ten minutes, page the owner of the node pool. "
)
CODE = "\n".join(
    f"def step_{name}(value: int) -> int:\n    return value + {ord(name)}\n" for name in string.ascii_lowercase
)
RECORDS = json.dumps([{"id": number, "name": f"node-{number}", "gpu": 1, "ready": True} for number in range(60)])


def flagged(text, expected=ANYTHING, **said):
    found = examine(Answer(text, **said), expected)
    return {name for name, flag in found.flags.items() if flag}


def unknown(text, expected=ANYTHING, **said):
    found = examine(Answer(text, **said), expected)
    return {name for name, flag in found.flags.items() if flag is None}


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I\u2019m sorry, I can\u2019t help with that.",
        "As an AI language model, I cannot share personal opinions.",
        "Unfortunately, I am not able to answer questions about this.",
        "I must decline to provide that.",
        "Es tut mir leid, aber das kann ich leider nicht beantworten.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Desculpe, mas não posso ajudar com isso.",
        "Mi dispiace, ma non posso aiutarti.",
        "К сожалению, я не могу ответить на этот вопрос.",  # noqa: RUF001  # Cyrillic it is
        "很抱歉,我无法回答这个问题。",
        "申し訳ありませんが、その質問にはお答えできません。",
    ],
)
def test_refusals_are_known_in_nine_languages(text):
    assert flagged(text) == {"refusal"}


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "You can't divide by zero: the function raises an error.",
        "The server answered that it cannot help, so the client tries the next one.",
        "Sorry to hear that your node is gone. Drain it first.",
        "Die Datei kann nicht gelesen werden, weil sie fehlt.",
        PROSE + "I'm sorry, but I can't help with that.",
    ],
)
def test_an_answer_that_only_speaks_of_refusing_is_none(text):
    assert flagged(text) == set()


def test_an_end_that_loops_is_found_whatever_stood_before_it():
    for loop in ("the ", "As you can see, ", "请注意。", "Reboot the node and try again. "):
        text = PROSE + loop * (1_000 // len(loop))
        assert "repetition" in flagged(text), loop


def test_prose_code_and_tables_do_not_loop():
    table = "\n".join(f"| node-{n} | {n * 37 % 101} GiB | {'ready' if n % 3 else 'gone'} |" for n in range(60))
    for text in (PROSE * 2, CODE, table):
        assert flagged(text) == set()


def test_records_are_alike_and_no_loop_where_json_was_asked_for():
    assert unknown(RECORDS, Expected(json=True)) >= {"repetition"}
    assert flagged(RECORDS, Expected(json=True)) == set()


def test_too_short_an_end_is_not_judged_rather_than_good():
    assert "repetition" in unknown("the the the the")


@pytest.mark.parametrize(
    "text", ["!" * 64, "\ufffd" * 5 + " caf\ufffd", "ok\x00\x01 and so on", "\ue000\ue001 is private"]
)
def test_garbage_is_found(text):
    assert "garbled" in flagged(text)


def test_a_ruler_and_an_emoji_are_no_garbage():
    assert flagged("Result\n======\nAll 3 pods are ready \U0001f600\tnow.\r\n") == set()


def test_nothing_is_empty_unless_a_tool_was_called_and_then_nothing_else_is_judged():
    assert flagged(" \n\t") == {"empty"}
    assert unknown("", finish_reason="stop") == set(CHECKS) - {"empty", "truncated"}
    assert flagged("", tools=True) == set()


def test_cut_off_is_what_the_server_says():
    assert flagged(PROSE, finish_reason="length") == {"truncated"}
    assert "truncated" in unknown(PROSE)


@pytest.mark.parametrize(
    "text", ["```json\n{}\n```", "Here you are: {}", "{'a': 1}", '{"a": NaN}', '{"a": 1', "[" * 99_999]
)
def test_what_a_strict_reader_would_refuse_is_no_json(text):
    assert "invalid-json" in flagged(text, Expected(json=True))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_every_json_value_is_json(value):
    assert "invalid-json" not in flagged(json.dumps(value), Expected(json=True))


def test_another_script_and_another_language():
    german = "Dein Pod wartet, weil kein Knoten eine freie GPU hat. Bitte versuche es in zehn Minuten noch einmal."
    assert flagged(german, Expected(scripts=frozenset({"latin"}), language="de")) == set()
    assert flagged(german, Expected(language="en")) == {"wrong-language"}
    assert flagged(german, Expected(scripts=frozenset({"cyrillic"}))) == {"wrong-script"}
    assert flagged(PROSE + " 東京", Expected(scripts=frozenset({"latin"}), language="en")) == set()


def test_a_short_answer_is_of_no_language():
    assert unknown("Ja.", Expected(language="en", scripts=frozenset({"latin"}))) >= {"wrong-language", "wrong-script"}


@given(st.text(max_size=3_000), st.sampled_from(["", "stop", "length", "\x00"]))
def test_any_text_can_be_looked_at_and_nothing_of_it_is_kept(text, reason):
    found = examine(Answer(text, reason), Expected(json=True, scripts=frozenset({"latin"}), language="en"))
    assert set(found.flags) == set(CHECKS)
    assert found.answer.text == ""
    assert found.characters == len(text)
    assert found.flags["empty"] == (not text.strip())
