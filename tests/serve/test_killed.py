"""`failsoft serve` itself, killed while it waits for a person and again as it acts: the next one goes on."""

import asyncio
import signal

import pytest

from failsoft.testing import FakeSlack

from .conftest import ALERT, DEPLOYMENT, SLACK

RUNBOOK = """
kind: Runbook
metadata: {name: more}
spec:
  answers: {slos: [chat-ttft]}
  mode: approve
  steps:
    - inspect: {nodes: false}
    - approve: {within: 5m}
    - scale: {replicas: 3}
    - notify: {text: scaled}
"""


async def killed(serving, slack):
    serving.process.kill()
    assert await serving.ended() == -signal.SIGKILL
    await slack.wait_for(lambda: not slack.connected, within=60)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
async def test_killed_while_it_waits_and_as_it_acts_it_goes_on(workspace, serve, kubernetes, tmp_path, request, kind):
    options = ("--database", request.getfixturevalue("postgres_url")) if kind == "postgres" else ()
    kubeconfig = kubernetes.kubeconfig(tmp_path / "kubeconfig")
    async with FakeSlack() as slack:
        folder = workspace(SLACK.replace("URL", slack.api_url), RUNBOOK)
        tokens = {"FS_BOT": slack.bot_token, "FS_APP": slack.app_token, "KUBECONFIG": str(kubeconfig)}

        async def started():
            serving = await (await serve(folder, *options, environment=tokens)).ready()
            await slack.wait_for(lambda: slack.connected, within=60)
            return serving

        first = await started()
        await first.takes(ALERT)
        (question,) = await slack.wait_for(lambda: [one for one in slack.messages() if one.buttons], within=60)
        await killed(first, slack)

        second = await started()
        await second.takes(ALERT)  # Alertmanager sends again what nobody acknowledged
        await slack.click("oncall", question, "Approve")
        (told,) = await slack.wait_for(lambda: slack.ephemeral("oncall"), within=60)
        assert told.text.startswith("Recorded: you approved")
        async with asyncio.timeout(60):
            while not kubernetes.effects:  # noqa: ASYNC110  # another process acts
                await asyncio.sleep(0.002)
        await killed(second, slack)

        third = await started()
        await third.until('failsoft_runs{state="done"}', 1)
        await third.until('failsoft_outbox{kind="entry",state="pending"}', None)
        assert (await asyncio.to_thread(kubernetes.cluster().get, DEPLOYMENT))["spec"]["replicas"] == 3
        assert [request.method for request in kubernetes.effects] == ["PUT"]
        assert await third.value('failsoft_clicks{verdict="honoured"}') == 1
        assert await third.value('failsoft_incidents{state="open"}') == 1
        assert await third.value('failsoft_questions{state="approved"}') == 1
        said = "\n".join(one.visible for one in slack.messages())
        assert "scaled" in said
        assert await third.stop() == 0
