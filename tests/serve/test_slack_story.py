"""Slack at work: an alert becomes a thread with a question, one person's click counts, and it is acted on."""

import asyncio

from failsoft.testing import FakeSlack

from .conftest import ALERT, DEPLOYMENT, SLACK

RUNBOOK = """
kind: Runbook
metadata: {name: more}
spec:
  answers: {slos: [chat-ttft]}
  mode: approve
  steps:
    - approve: {within: 60s}
    - scale: {replicas: 3}
"""


def replicas(kubernetes):
    return kubernetes.cluster().get(DEPLOYMENT)["spec"]["replicas"]


async def test_asked_answered_and_done(workspace, serve, kubernetes, tmp_path):
    kubeconfig = kubernetes.kubeconfig(tmp_path / "kubeconfig")
    async with FakeSlack() as slack:
        folder = workspace(SLACK.replace("URL", slack.api_url), RUNBOOK)
        tokens = {"FS_BOT": slack.bot_token, "FS_APP": slack.app_token, "KUBECONFIG": str(kubeconfig)}
        serving = await (await serve(folder, environment=tokens)).ready()
        await slack.wait_for(lambda: slack.connected, within=60)
        await serving.until("failsoft_slack_connected", 1)
        await serving.takes(ALERT)

        asked = await slack.wait_for(lambda: [one for one in slack.messages() if one.buttons], within=60)
        (question,) = asked
        root = slack.messages()[0]
        assert question.thread_ts == root.ts
        assert "Users of chat wait too long" in root.visible
        assert "<@U0ONCALL>" in question.visible

        await slack.click("stranger", question, "Approve")
        (told,) = await slack.wait_for(lambda: slack.ephemeral("stranger"))
        assert "not one of those who may answer" in told.text
        await slack.click("other", question, "Approve")
        await slack.wait_for(lambda: slack.ephemeral("other"))
        assert await asyncio.to_thread(replicas, kubernetes) == 2

        await slack.click("oncall", question, "Approve")
        (told,) = await slack.wait_for(lambda: slack.ephemeral("oncall"))
        assert told.text.startswith("Recorded: you approved")
        await slack.wait_for(lambda: not any(one.buttons for one in slack.messages()), within=60)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(replicas, kubernetes) != 3:  # noqa: ASYNC110  # another process acts
                await asyncio.sleep(0.05)
        assert await serving.value('failsoft_clicks{verdict="refused"}') == 2
        assert await serving.value('failsoft_clicks{verdict="honoured"}') == 1
        assert await serving.stop() == 0
        assert "xoxb" not in serving.log()


async def test_a_slack_that_refuses_us_stops_no_page(workspace, serve):
    async with FakeSlack() as slack:
        folder = workspace(SLACK.replace("URL", slack.api_url))
        serving = await serve(folder, environment={"FS_BOT": "xoxb-revoked", "FS_APP": "xapp-revoked"})
        await serving.ready()
        await serving.logged("Slack cannot be heard")
        await serving.takes(ALERT)
        assert (await serving.line())["page"] == "trigger"
        assert await serving.value("failsoft_slack_connected") == 0
        assert await serving.stop() == 0
