"""Who started an experiment does not approve the answer to what it set off: `failsoft chaos` and `failsoft serve`."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import urllib.request

import yaml

from failsoft.chaos.ledger import experimenter
from failsoft.clients.kubernetes import Ref
from failsoft.testing import FakeSlack

from .test_command import finish, start

PEOPLE = "people: [{name: ana, slack: U0ONCALL}, {name: ben, slack: U0OTHER}]"
SLACK = "  slack: {botToken: {env: FS_BOT}, appToken: {env: FS_APP}, baseUrl: URL}\n"
STEPS = "mode: approve, steps: [{approve: {within: 60s}}, {scale: {replicas: 3}}]"
ALERT = {
    "status": "firing",
    "labels": {"alertname": "FailsoftSLOBurn", "slo": "chat-ttft", "model": "chat", "severity": "page"},
    "annotations": {"summary": "Users of chat wait too long"},
    "startsAt": "2026-11-21T03:01:00Z",
    "fingerprint": "aa",
}


def write(stage, slack_url):
    """The stage's workspace with two people, Slack, and a runbook that asks before it scales."""
    stage.write(hold="60s")
    path = stage.root / "workspace.yaml"
    text = path.read_text()
    for old, new in (
        ("people: [{name: ana}]", PEOPLE),
        ("steps: [{inspect: {}}]", STEPS),
        ("  prometheus:", SLACK.replace("URL", slack_url) + "  prometheus:"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


@contextlib.asynccontextmanager
async def serving(root, **environment):
    """`failsoft serve`; its address."""
    argv = [sys.executable, "-m", "failsoft", "serve", str(root), "--port", "0"]
    with (root / "serve.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=log, env={**os.environ, **environment}
        )
    try:
        async with asyncio.timeout(90):
            ready = await child.stdout.readline()
        yield json.loads(ready)["url"]
    finally:
        child.send_signal(signal.SIGTERM)
        await child.wait()


def tell(url):
    body = json.dumps({"version": "4", "status": "firing", "receiver": "failsoft", "alerts": [ALERT]}).encode()
    request = urllib.request.Request(f"{url}/webhook/alertmanager", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


async def test_who_started_the_experiment_may_not_approve_what_answers_its_alert_and_somebody_else_may(stage):
    async with FakeSlack(channels={"C0ASSIST": "assistants"}) as slack:
        write(stage, slack.api_url)
        experiment = start(stage)
        try:
            await asyncio.to_thread(stage.await_loss)
            async with serving(stage.root, FS_BOT=slack.bot_token, FS_APP=slack.app_token) as url:
                await slack.wait_for(lambda: slack.connected, within=60)
                assert await asyncio.to_thread(tell, url) == 200
                (question,) = await slack.wait_for(lambda: [m for m in slack.messages() if m.buttons], within=60)
                assert "ana started this" in question.visible

                await slack.click("oncall", question, "Approve")
                (told,) = await slack.wait_for(lambda: slack.ephemeral("oncall"))
                assert "you started this yourself, so somebody else has to answer. Ask <@U0OTHER>." in told.text
                deployment = Ref("Deployment", "chat", stage.world.where)
                assert stage.world.cluster.get(deployment)["spec"]["replicas"] == 2

                await slack.click("other", question, "Approve")
                (told,) = await slack.wait_for(lambda: slack.ephemeral("other"))
                assert told.text.startswith("Recorded: you approved")
                async with asyncio.timeout(60):
                    while stage.world.cluster.get(deployment)["spec"]["replicas"] != 3:  # noqa: ASYNC110 (a process)
                        await asyncio.sleep(0.05)
        finally:
            experiment.send_signal(signal.SIGINT)
            code, _, err = await asyncio.to_thread(finish, experiment)
        assert code == 15, err


def test_to_know_who_it_is_takes_the_two_permissions_that_are_documented(stage, fake, request):
    fake.forget_requests()
    assert experimenter(stage.world.cluster, [stage.world.where], "chat") is None
    asked = set()
    for seen in fake.requests:
        if found := re.search(rf"/namespaces/{stage.world.where}/(configmaps|leases)(/[\w-]+)?$", seen.path):
            asked.add((found[1], "get" if found[2] else "list"))
    text = (request.config.rootpath / "docs" / "chaos.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text[text.index("## Who may answer") :], re.DOTALL)
    granted = {
        (resource, verb)
        for rule in yaml.safe_load(block[1])
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert asked == granted == {("configmaps", "list"), ("leases", "get")}
