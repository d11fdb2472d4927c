"""`failsoft probe`: what is stored, what counts as changed, and an endpoint that misbehaves in every way."""

import json

import pytest

from failsoft.server.probing import read_answers

CAPITAL, SUM = "What is the capital of France? One word.", "What is 17 + 25? Only the number."


def test_answers_that_are_as_they_were_exit_with_0_and_others_with_1(probe, folder, endpoint):
    learned = probe("learn")
    assert (learned.exit_code, "2 prompts asked 3 times, 2 answered alike" in learned.stdout) == (0, True), (
        learned.output
    )
    assert probe("run").exit_code == 0
    endpoint.answers[CAPITAL] = ["The capital of the United Kingdom is London."]
    ran = probe("run")
    assert ran.exit_code == 1
    assert "stored: 'Paris.'" in ran.stdout
    assert "1 of 2 changed" in ran.stdout
    told = json.loads(probe("run", "--output", "json").stdout)
    assert [(one["prompt"], one["verdict"]) for one in told["prompts"]] == [("capital", "changed"), ("sum", "exact")]


def test_questions_are_asked_at_temperature_0_and_bounded(probe, endpoint):
    probe("learn", "--times", "1")
    asked = endpoint.asked[0]
    assert (asked["temperature"], asked["max_tokens"], asked["stream"], asked["top_logprobs"]) == (0, 64, False, 5)
    assert asked["messages"] == [{"role": "user", "content": CAPITAL}]


def test_a_server_that_answers_in_several_ways_is_no_change(probe, endpoint):
    endpoint.answers[CAPITAL] = ["It is Paris.", "It is Paris!", "It's Paris."]
    endpoint.first_token = {"It": -0.4, "Paris": -1.2}
    probe("learn")
    endpoint.answers[CAPITAL] = ["It's Paris!"]
    ran = probe("run")
    assert (ran.exit_code, "close" in ran.stdout) == (0, True), ran.output


def test_an_answer_that_stays_while_its_certainty_goes_is_a_change(probe, endpoint):
    endpoint.first_token = {"Paris": -0.01, "Lyon": -5.0}
    probe("learn")
    endpoint.first_token = {"Paris": -0.6, "Lyon": -0.8}
    ran = probe("run")
    assert ran.exit_code == 1
    assert "of the first token's probability moved" in ran.stdout


def test_a_prompt_without_a_stable_answer_is_said_when_it_is_learned(probe, endpoint):
    endpoint.answers[CAPITAL] = ["Paris.", "A question that I would like to answer with a poem", "42"]
    learned = probe("learn")
    assert learned.exit_code == 0
    assert "warning[FS688] answers to capital differ by up to" in learned.stderr


def test_an_edited_prompt_is_not_held_against_the_old_answer(probe, folder):
    probe("learn")
    file = folder / "failsoft.yaml"
    file.write_text(file.read_text().replace("17 + 25", "17 + 26"))
    ran = probe("run")
    assert ran.exit_code == 2
    assert "error[FS687] the prompt sum was edited since its answer was stored" in ran.stderr


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("hang", "did not answer within 0.5 s"),
        ("endless", "sent more than 32 MiB"),
        ("html", "200 with something that is no JSON"),
        ("no-choices", "200 without choices[0].message.content"),
        ("null", "200 without choices[0].message.content"),
    ],
)
def test_an_endpoint_that_hangs_or_streams_for_ever_or_talks_nonsense_is_no_answer_and_no_change(
    probe, folder, endpoint, trouble, said
):
    if trouble == "hang":
        file = folder / "failsoft.yaml"
        file.write_text(file.read_text().replace("timeout: 60s", "timeout: 500ms"))
    probe("learn")
    before = (folder / "golden.json").read_bytes()
    endpoint.trouble_next(trouble)
    ran = probe("run")
    assert (ran.exit_code, "unavailable" in ran.stdout) == (2, True), ran.output
    assert said in ran.stdout
    endpoint.trouble_next(trouble)
    learned = probe("learn")
    assert learned.exit_code == 2
    assert "error[FS689] the prompt capital got no answer" in learned.stderr
    assert (folder / "golden.json").read_bytes() == before


@pytest.mark.parametrize(("status", "verdict"), [(429, "busy"), (503, "unavailable"), (404, "refused")])
def test_what_a_server_says_instead_of_an_answer(probe, endpoint, status, verdict):
    probe("learn")
    endpoint.fail_next(status)
    ran = probe("run")
    assert (ran.exit_code, verdict in ran.stdout) == (2, True), ran.output


def test_a_secret_that_is_missing_or_wrong_is_said_and_never_shown(probe, monkeypatch):
    probe("learn")
    monkeypatch.setenv("CHAT_TOKEN", "wr0ng")
    ran = probe("run")
    assert (ran.exit_code, "refused" in ran.stdout, "wr0ng" in ran.output) == (2, True, False), ran.output
    monkeypatch.delenv("CHAT_TOKEN")
    assert "set the environment variable CHAT_TOKEN" in str(probe("run").exception)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"schema": 1, "mod', "FS680"),
        ('{"schema": 2}', "FS681"),
        ('{"schema": 0}', "FS682"),
        ('{"schema": 1}', "FS683"),
        ("[]", "FS683"),
    ],
)
def test_stored_answers_that_cannot_be_trusted(probe, folder, content, code):
    (folder / "golden.json").write_text(content)
    ran = probe("run")
    assert (ran.exit_code, f"error[{code}]" in ran.stderr) == (2, True), ran.output


def test_a_probe_that_never_learnt_says_how_to(probe, loaded):
    """Also to `failsoft serve`, under which a file may go."""
    ran = probe("run")
    assert (ran.exit_code, "error[FS301]" in ran.stderr) == (2, True), ran.output
    assert "failsoft probe learn golden" in ran.stderr
    found = read_answers(*loaded())
    assert (found.code.id, found.message) == ("FS685", "golden.json cannot be read: No such file or directory")
    assert "failsoft probe learn golden" in found.hint


def test_stored_answers_that_were_edited_or_are_of_another_model(probe, folder):
    probe("learn")
    good = (folder / "golden.json").read_text()
    (folder / "golden.json").write_text(good.replace("Paris.", "Lyon."))
    assert "error[FS684]" in probe("run").stderr
    (folder / "golden.json").write_text(good)
    file = folder / "failsoft.yaml"
    other = file.read_text().replace("name: chat}\n", "name: other}\n").replace("model: chat\n", "model: other\n")
    file.write_text(other)
    assert "error[FS686]" in probe("run").stderr


def test_without_stored_answers_check_says_how_to_make_them(probe):
    ran = probe("run")
    assert "make it with `failsoft probe learn golden`" in ran.output


def test_names_that_nothing_has(folder):
    from click.testing import CliRunner

    from failsoft.cli import root

    ran = CliRunner().invoke(root, ["probe", "learn", "gold", str(folder)])
    assert "did you mean golden?" in str(ran.exception)
