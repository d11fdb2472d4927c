"""`failsoft drift answers`: shares with limits, rows without texts, and lines that are none."""

import json
import random

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from failsoft.cli import root
from failsoft.drift.answers import Answer, Fields, Tally, examine, interval, read_line, watch_limits
from failsoft.drift.answers.log import NoAnswerError
from failsoft.errors import UsageError

REFUSAL = "I'm sorry, but I can't help with that."
SECRET = "patient Jane Roe has a GPU allergy"


def chat(text, at=None, finish="stop"):
    answer = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]}
    return {"response": answer | {"usage": {"prompt_tokens": 9, "completion_tokens": 4}}} | ({"time": at} if at else {})


def log(folder, lines):
    path = folder / "answers.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def refusing(share, answers, seed=1):
    dice = random.Random(seed)
    return [chat(REFUSAL if dice.random() < share else f"Answer {n}.", 1_700_000_000 + 6 * n) for n in range(answers)]


def run(*arguments, **more):
    return CliRunner().invoke(root, ["drift", "answers", *map(str, arguments)], **more)


def test_refusals_within_their_limit_are_quiet_and_beyond_it_alarm(tmp_path):
    calm = run(log(tmp_path, refusing(0.02, 4_000)), "--limit", "refusal=3%")
    assert (calm.exit_code, "within the declared limits" in calm.stdout) == (0, True), calm.output
    more = run(
        log(tmp_path, refusing(0.02, 2_000) + refusing(0.08, 2_000)), "--limit", "refusal=3%", "--output", "json"
    )
    found = {one["check"]: one for one in json.loads(more.stdout)["checks"]}
    assert more.exit_code == 1
    assert found["refusal"]["exceeded_in_windows"][0] in range(10, 15)
    assert found["refusal"]["low"] < found["refusal"]["share"] < found["refusal"]["high"]
    assert found["empty"]["exceeded_in_windows"] is None


def test_the_promise_holds_at_the_limit_itself():
    dice = random.Random(5)
    windows_of_a_month, alarms = 43_200, 0
    windows = []
    for _ in range(3_000):
        tally = Tally()
        tally.answers = tally.checked["refusal"] = 50
        tally.flagged["refusal"] = sum(dice.random() < 0.03 for _ in range(50))
        windows.append(tally)
    (found,) = watch_limits(windows, {"refusal": 0.03}, windows_of_a_month)
    alarms += len(found.alarms)
    assert alarms == 0  # 0.07 of a false alarm is what the promise allows in this time


def test_rows_hold_numbers_for_fit_and_score_and_nothing_of_a_text(tmp_path):
    dice = random.Random(2)
    path = log(tmp_path, [chat(SECRET + "." * dice.randrange(60), n + 1) for n in range(300)])
    ran = run(path, "-o", tmp_path / "rows.parquet")
    assert (ran.exit_code, f"wrote {tmp_path / 'rows.parquet'}: " in ran.stdout) == (0, True)
    assert b"Jane" not in (tmp_path / "rows.parquet").read_bytes()
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.num_rows == 300
    assert len(SECRET) <= table.column("characters").to_pylist()[0] < len(SECRET) + 60
    assert "invalid_json" not in table.column_names
    fitted = CliRunner().invoke(
        root, ["drift", "fit", str(tmp_path / "rows.parquet"), "-o", str(tmp_path / "ref.json")]
    )
    assert fitted.exit_code == 0, fitted.output
    run(log(tmp_path, refusing(0.5, 300)), "-o", tmp_path / "now.parquet")
    scored = CliRunner().invoke(root, ["drift", "score", str(tmp_path / "ref.json"), str(tmp_path / "now.parquet")])
    assert scored.exit_code == 1, scored.output


def test_lines_that_hold_no_answer_are_named_without_their_text_and_too_many_of_them_are_no_answer(tmp_path):
    path = log(tmp_path, [*refusing(0, 300), f"{{{SECRET}", ""])
    ran = run(path)
    assert ran.exit_code == 0
    assert "answers.jsonl:301:1: warning[FS671] is no JSON" in ran.stderr
    assert "Jane" not in ran.output
    before = tmp_path / "rows.parquet"
    before.write_text("PAR1 what was there")
    ran = run(log(tmp_path, [*refusing(0, 50), *["{"] * 9, "[1]"]), "-o", before)
    assert ran.exit_code == 2
    assert "error[FS672] 10 of 60 lines hold no answer" in ran.stderr
    assert before.read_text() == "PAR1 what was there"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["answers.jsonl", "rows.parquet"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--limit", "refusl=3%"], "did you mean refusal?"),
        (["--limit", "refusal=0.03"], "expected refusal=3%"),
        (["--limit", "refusal=100%"], "allows nothing or everything"),
        (["--limit", "invalid-json=1%"], "error[FS673] no answer could be checked for invalid-json"),
        (["--language", "xx"], "--language xx is not known"),
        (["--language", "deutsch"], "did you mean de?"),
        (["--script", "klingon"], "'klingon' is no script; known are latin,"),
        (["--script", "latin,cyrilic"], "did you mean cyrillic?"),
        (["--false-alarms-per-30d", "nan"], "is no finite number"),
        (["--text", "response.nowhere"], "has no text at response.nowhere"),
    ],
)
def test_what_makes_no_sense_is_said_and_exits_with_2(tmp_path, arguments, said):
    ran = run(log(tmp_path, refusing(0, 100)), *arguments)
    assert ran.exit_code == 2 or isinstance(ran.exception, UsageError)
    assert said in ran.output + str(ran.exception)


def test_a_limit_needs_time(tmp_path):
    path = log(tmp_path, [chat("Yes.")] * 10)
    ran = run(path, "--limit", "empty=1%")
    assert "has no times: say with --window" in str(ran.exception) + ran.output
    assert run(path, "--limit", "empty=1%", "--window", "5m").exit_code == 0


def test_a_log_that_is_not_there_or_holds_nothing(tmp_path):
    assert run(tmp_path / "none.jsonl").exit_code == 2
    assert "FS670" in run(log(tmp_path, [])).output


def test_standard_input_is_read_too():
    ran = run("-", input=json.dumps(chat("Yes.")) + "\n")
    assert (ran.exit_code, "1 answer;" in ran.stdout) == (0, True)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (chat("one"), "one"),
        (chat("one")["response"], "one"),
        ({"choices": [{"text": "two", "finish_reason": "stop"}]}, "two"),
        ({"output_text": "three"}, "three"),
        ({"response": {"body": chat("four")["response"]}}, "four"),
        (
            {"choices": [{"message": {"content": [{"type": "text", "text": "fi"}, {"type": "text", "text": "ve"}]}}]},
            "five",
        ),
        ({"choices": [{"message": {"content": None, "tool_calls": [{}]}}]}, ""),
    ],
)
def test_answers_are_found_where_apis_put_them(line, text):
    assert read_line(json.dumps(line)).text == text


def test_paths_find_what_stands_elsewhere():
    line = {
        "reply": {"words": "Hi"},
        "why": "length",
        "cost": [7, 3],
        "lp": [-1, -3, None],
        "when": "2026-11-28T00:00:00Z",
    }
    fields = Fields("reply.words", "why", "cost.0", "cost.1", "lp", "when")
    assert read_line(json.dumps(line), fields) == Answer("Hi", "length", 7, 3, -2.0, 1795824000.0)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["choices", "message", "content", "text", "usage", "logprobs", "time", "response"]),
                inner,
            )
        ),
    ).map(json.dumps)
)
def test_any_line_is_an_answer_or_says_that_it_is_none(line):
    try:
        answer = read_line(line)
    except NoAnswerError:
        return
    examine(answer)


@given(st.lists(st.text(max_size=30)), st.integers(0, 30))
def test_counts_of_parts_add_up_to_those_of_the_whole(texts, cut):
    whole, first, second = Tally(), Tally(), Tally()
    for index, text in enumerate(texts):
        found = examine(Answer(text, "stop"))
        whole.add(found)
        (first if index < cut else second).add(found)
    first.merge(second)
    assert first == whole


def test_where_nothing_is_flagged_the_least_share_is_0(tmp_path):
    ran = run(log(tmp_path, [chat("Yes, of course.")] * 7))
    assert "e-1" not in ran.output
    for rows in range(1, 2_000):
        assert interval(0, rows)[0] == 0
        assert interval(rows, rows)[1] == 1
