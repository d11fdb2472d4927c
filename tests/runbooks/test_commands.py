"""The commands for when Slack is down: they read and write our own rows, and need neither server nor engine."""

import asyncio
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from failsoft.cli.approve import approve, deny
from failsoft.cli.incidents import command as incidents
from failsoft.cli.run import command as run
from failsoft.errors import NotFoundError, RefusedError, UsageError


@pytest.fixture
def world(quick, runbook):
    return quick(
        runbook("- inspect: {nodes: false}\n- approve: {within: 30s}\n- scale: {replicas: 3}"),
        runbook("- page: {summary: hello}", name="wake", answers="slos: [chat-ttft, chat-availability]"),
    )


@pytest.fixture
def call(world):
    def called(command, *arguments):
        options = ["--database", world.how.database]
        return CliRunner().invoke(command, [*map(str, arguments), *options], catch_exceptions=True)

    async def in_thread(command, *arguments):
        return await asyncio.to_thread(called, command, *arguments)

    return in_thread


async def test_an_approval_by_command_is_honoured_and_the_run_goes_on(world, call, alert, delivery):
    root = world.workspace.root
    async with world.open() as service:
        await service.receive(delivery(alert()))
        question = await world.question()
        stranger = await call(approve, 1, root, "--as", "cem", "--yes")
        assert (stranger.exit_code, "not one of those who may answer" in stranger.output) == (1, True)
        wrong = await call(approve, 1, root, "--as", "ana", "--plan", "abc")
        assert isinstance(wrong.exception, RefusedError)
        good = await call(approve, 1, root, "--as", "ana", "--plan", question.plan_hash[:8])
        assert (good.exit_code, "Recorded: you approved" in good.output) == (0, True)
        assert "scale Deployment prod/chat-70b from 2 to 3 replicas" in good.output
        assert await world.outcome() == "done"
        again = await call(deny, 1, root, "--as", "ben", "--yes")
        assert isinstance(again.exception, UsageError)
    assert world.replicas == 3
    assert [row.via for row in world.rows("SELECT via FROM clicks ORDER BY id")] == ["cli", "cli"]


async def test_a_denial_by_command_asks_first(world, call, alert, delivery):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await world.question()
        run_id = (await service.incident(1)).run.id
        unsure = await call(deny, run_id, world.workspace.root, "--as", "ana")
        assert unsure.exit_code == 1
        assert not world.rows("SELECT 1 FROM clicks")
        assert (await call(deny, run_id, world.workspace.root, "--as", "ana", "--yes")).exit_code == 0
        assert await world.outcome() == "denied"


async def test_an_answer_given_while_nobody_serves_counts_later(world, call, alert, delivery):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await world.question()
    assert (await call(approve, 1, world.workspace.root, "--as", "ana", "--yes")).exit_code == 0
    async with world.open():
        assert await world.outcome() == "done"
    assert world.replicas == 3


async def test_a_run_started_by_command_is_found_by_the_server(world, call):
    root = world.workspace.root
    async with world.open():
        started = await call(run, "shift", root, "--as", "ana")
        assert (started.exit_code, "begins for incident 1" in started.output) == (0, True)
        question = await world.question()
        own = await call(approve, 1, root, "--as", "ana", "--yes")
        assert "you started this yourself" in own.output
        busy = await call(run, "shift", root, "--as", "ben")
        assert "is at work on incident 1 already" in str(busy.exception)
        assert (await call(approve, 1, root, "--as", "ben", "--yes")).exit_code == 0
        assert await world.outcome() == "done"
        assert question.runbook == "shift"


async def test_what_cannot_be_started_is_said(world, call):
    root = world.workspace.root
    async with world.open():
        pass
    for arguments, error, text in (
        (("nothing", root, "--as", "ana"), NotFoundError, "there is no runbook 'nothing'"),
        (("shift", root, "--as", "zoe"), NotFoundError, "no team has a person named 'zoe'"),
        (("wake", root, "--as", "ana"), RefusedError, "say for which SLO"),
        (("shift", root, "--as", "ana", "--slo", "small-ttft"), RefusedError, None),
    ):
        result = await call(run, *arguments)
        if text is None:
            assert result.exit_code == 0
            assert "No worker is alive" in result.output
        else:
            assert isinstance(result.exception, error)
            assert text in str(result.exception)


async def test_incidents_are_listed_and_shown(world, call, alert, delivery):
    root = world.workspace.root
    async with world.open() as service:
        await service.receive(delivery(alert(), alert(slo="", alertname="Odd")))
        question = await world.question()
        listed = (await call(incidents, "list", root)).output
        assert "1  waiting    page    chat-ttft (chat)  shift waiting" in listed
        assert "Odd: it has no label slo" in listed
        shown = (await call(incidents, "show", 1, root)).output
        for text in (
            "Incident 1: Users wait too long",
            ": runbook shift (approve), waiting\n",
            " 1. done      inspect",
            " 2. running   approve",
            " 3. waiting   scale",
            "1. scale Deployment prod/chat-70b from 2 to 3 replicas",
            "ana, ben may answer. Nobody started this by hand",
            "--as NAME",
            "Asked assistants (on call) about the plan",
        ):
            assert text in shown, shown
        document = json.loads((await call(incidents, "show", 1, root, "--output", "json")).output)
        assert document["run"]["steps"][2]["state"] == "waiting"
        assert document["question"]["approvers"] == ["ana", "ben"]
        assert question.token not in json.dumps(document)
        everything = json.loads((await call(incidents, "list", root, "--output", "json")).output)
        assert (len(everything["incidents"]), len(everything["unclaimed"])) == (1, 1)
        await service.receive(delivery(alert("resolved")))
        await world.outcome()
        assert "no open incidents" not in (await call(incidents, "list", root)).output
        assert "resolved" in (await call(incidents, "list", root, "--all")).output


async def test_the_kill_switch_by_command(world, call, alert, delivery):
    root = world.workspace.root
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await world.question()
        assert (await call(incidents, "stop", root, "--as", "ana")).exit_code == 0
        assert await world.outcome() == "stopped"
        assert "ana turned the kill switch of all runbooks on" in (await call(incidents, "list", root)).output
        document = json.loads((await call(incidents, "list", root, "--output", "json")).output)
        assert [(one["by"], one["runbook"]) for one in document["killSwitches"]] == [("ana", "")]
        assert (await call(incidents, "stop", root, "--as", "ana", "--off")).exit_code == 0
        assert "kill switch" not in (await call(incidents, "list", root)).output
    wrong = await call(incidents, "stop", root, "--as", "ana", "--runbook", "shft")
    assert "did you mean shift?" in str(wrong.exception)
    nobody = await call(incidents, "stop", root, "--as", "nobody")
    assert "there is no person 'nobody' in this workspace" in str(nobody.exception)
    assert "kill switch" not in (await call(incidents, "list", root)).output


async def test_without_a_database_they_say_who_makes_it(world, call):
    result = await call(incidents, "list", world.workspace.root)
    assert isinstance(result.exception, UsageError)
    assert "`failsoft serve` makes it" in str(result.exception)


async def test_no_command_imports_an_engine(world, alert, delivery):
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await world.question()
    program = """
import sys
from failsoft.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
assert not {"dbos", "slack_bolt", "aiohttp", "kubernetes", "uvicorn"} & set(sys.modules), sorted(sys.modules)
"""
    arguments = ["approve", "1", str(world.workspace.root), "--as", "ana", "--yes", "--database", world.how.database]
    told = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "Recorded: you approved" in told.stdout
