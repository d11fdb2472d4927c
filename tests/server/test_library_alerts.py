"""A real Alertmanager with the compiled routes: an alert of the library becomes an incident, or goes to the pager."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from failsoft.cli.compile import compiled
from failsoft.clients.alertmanager import Alert, Alertmanager
from failsoft.runbooks.intake import take_in
from failsoft.runbooks.store.engine import open_engine, transaction
from failsoft.runbooks.store.migrations import migrate
from failsoft.runbooks.store.schema import incidents, runs
from failsoft.testing import FakePager
from failsoft.workspace.load import load

WORKSPACE = """
kind: Workspace
metadata: {name: fleet}
spec:
  alertmanager: {groupWait: 1ms, groupInterval: 1s}
  server: {url: "SITE", webhookSecret: {file: FOLDER/webhook}}
  alerts: {owner: platform}
---
kind: Team
metadata: {name: platform}
spec:
  slack: "#platform"
  pager: {pagerduty: {routingKey: {file: FOLDER/pagerduty}, url: "PAGER"}}
  people: [{name: ana, slack: U0ANA}]
---
kind: Model
metadata: {name: chat}
spec:
  engine: vllm
  select: {job: vllm-chat, model_name: chat-70b}
  workload: {deployment: prod/chat}
  owner: platform
---
kind: Runbook
metadata: {name: hung}
spec:
  answers: {failureModes: [engine-hung]}
  steps: [{inspect: {}}, {page: {}}]
"""


@pytest.fixture
async def pager():
    async with FakePager() as fake:
        yield fake


@pytest.fixture
def workspace(tmp_path, site, pager):
    (tmp_path / "webhook").write_text("s3cret")
    (tmp_path / "pagerduty").write_text("key")
    text = WORKSPACE.replace("SITE", site.url).replace("FOLDER", str(tmp_path)).replace("PAGER", pager.events_url)
    (tmp_path / "failsoft.yaml").write_text(text)
    loaded, findings = load(tmp_path)
    assert findings == ()
    return loaded


def alert(name, rule, mode, **more):
    labels = {"alertname": name, "alert_rule": rule, "failure_mode": mode, "severity": "page", "team": "platform"}
    return Alert(labels | {"model": "chat"}, {"summary": "it hangs"}, starts_at=datetime.now(UTC), **more)


async def until(condition, *, within=60):
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # another process acts
            await asyncio.sleep(0.05)


async def test_it_opens_an_incident_with_its_runbook_and_ends_with_the_alert(
    workspace, site, pager, alertmanager_server, tmp_path
):
    made, findings = compiled(workspace, tests=False)
    assert [finding for finding in findings if finding.severity == "error"] == []
    server = await asyncio.to_thread(alertmanager_server, made.files["alertmanager.yaml"])
    alertmanager, database = Alertmanager(server.url), open_engine(f"sqlite:///{tmp_path / 'failsoft.sqlite'}")
    migrate(database)
    hangs, dies = alert("EngineHangs", "engine-hangs", "engine-hung"), alert("EngineDies", "engine-dies", "engine-dies")
    await alertmanager.post(hangs, dies)
    await until(lambda: {one.labels["alertname"] for told in site.intake.committed for one in told.alerts} >= BOTH)
    await until(pager.deliveries)
    ended = datetime.now(UTC) - timedelta(milliseconds=1)
    await alertmanager.post(Alert(hangs.labels, hangs.annotations, starts_at=hangs.starts_at, ends_at=ended))
    await until(lambda: any(one.status == "resolved" for told in site.intake.committed for one in told.alerts))
    receipts = []
    for delivery in site.intake.committed:
        with transaction(database) as connection:
            receipts.append(take_in(connection, workspace, delivery))
    with transaction(database) as connection:
        columns = sa.select(incidents.c.slo, incidents.c.model, incidents.c.team, incidents.c.state)
        (incident,) = connection.execute(columns).all()
        assert list(connection.scalars(sa.select(runs.c.runbook))) == ["hung"]
    database.dispose()
    assert tuple(incident) == ("mode:engine-hung", "chat", "platform", "resolved")
    assert sum(receipt.unclaimed for receipt in receipts) == 1, "no runbook answers engine-dies"
    paged = str([delivery.body for delivery in pager.deliveries()])
    assert "EngineDies" in paged
    assert "EngineHangs" not in paged, "failsoft answers it, and calls the pager itself where that is needed"


BOTH = {"EngineHangs", "EngineDies"}
