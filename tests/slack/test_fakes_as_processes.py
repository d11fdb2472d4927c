"""The fakes as processes, as a demo uses them: looked at and clicked over HTTP, ended by one signal."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from failsoft.clients.pager import PageEvent, PagerDuty
from failsoft.clients.secrets import Secret
from failsoft.slack import SlackBot, approval_request
from failsoft.testing.slack import SlackControl


@contextmanager
def running(module, *arguments):
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


async def test_a_demo_sees_the_question_clicks_it_and_reads_the_answer(tmp_path, incident, approval, desk):
    arguments = [
        "--record",
        str(tmp_path / "calls.jsonl"),
        "--page",
        str(tmp_path / "page.html"),
        "--user=U0ONCALL=ana",
    ]
    with running("failsoft.testing.slack", *arguments) as told:
        control = SlackControl(told["url"])
        bot = SlackBot(
            bot_token=Secret("xoxb-fake"),
            app_token=Secret("xapp-fake"),
            decisions=desk,
            base_url=control.api_url,
        )
        async with bot.running():
            waiting = asyncio.create_task(asyncio.to_thread(control.wait, action="Approve", within=30))
            question = approval_request(incident(), approval())
            await bot.poster.post("C0INCIDENTS", text=question.text, blocks=question.blocks)
            shown = await waiting
            assert [button["label"] for button in shown["buttons"]] == ["Approve", "Deny"]
            await asyncio.to_thread(control.wait_connected)
            clicked = await asyncio.to_thread(control.click, "ana", "Approve", ts=shown["ts"])
            assert clicked["ack_seconds"] < 3
            said = await asyncio.to_thread(control.wait_ephemeral, "ana")
            assert said[0]["text"].startswith("Recorded: you approved")
            with pytest.raises(LookupError, match="no message shows"):
                await asyncio.to_thread(control.click, "ana", "Explode")
            with pytest.raises(LookupError, match="nobody here"):
                await asyncio.to_thread(control.click, "eve", "Approve")
            with pytest.raises(TimeoutError, match="1 messages"):
                await asyncio.to_thread(control.wait, text="never said", within=0.1)
            assert "May failsoft do this?" in await asyncio.to_thread(control.page)
            assert len(await asyncio.to_thread(control.messages)) == 1
    assert len(desk.decided) == 1
    assert "chat.postEphemeral" in (tmp_path / "calls.jsonl").read_text()
    assert "only ana sees this" in (tmp_path / "page.html").read_text()


async def test_the_pager_tells_its_alerts():
    with running("failsoft.testing.pager") as told:
        pager = PagerDuty(Secret("k" * 32), url=told["events_url"])
        await pager.send(PageEvent("trigger", "key-1", "critical", "users wait", "chat"))

        def look(path, data=None):
            with urlopen(Request(f"{told['url']}/_fake/{path}", data=data)) as answer:
                return json.load(answer)

        (alert,) = await asyncio.to_thread(look, "alerts")
        assert (alert["summary"], alert["state"]) == ("users wait", "triggered")
        await asyncio.to_thread(look, "fail", b'{"status": 500}')
        with pytest.raises(Exception, match="500"):
            await pager.send(PageEvent("resolve", "key-1", "critical", "users wait", "chat"))
        assert [item["status"] for item in await asyncio.to_thread(look, "deliveries")] == [202, 500]
