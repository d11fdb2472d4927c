"""Numbers about the runbooks: what is open, for whom, and whether the worker that tells is still at work."""

import pytest
import sqlalchemy as sa

from failsoft.runbooks.stats import stats
from failsoft.runbooks.store import leases
from failsoft.runbooks.store.engine import transaction
from failsoft.runbooks.store.schema import leases as lease_table


async def test_open_incidents_are_counted_by_model(quick, runbook, alert, delivery):
    world = quick(runbook("- notify: {text: hello}"))
    async with world.open() as service:
        await service.receive(
            delivery(alert(), alert(slo="chat-availability"), alert(slo="small-ttft", model="chat-small"))
        )
        assert (await service.stats()).open_incidents == {"chat": 2, "chat-small": 1}
        await service.receive(delivery(alert("resolved", slo="small-ttft", model="chat-small")))
        told = await service.stats()
    assert told.open_incidents == {"chat": 2}
    assert told.incidents == {"open": 2, "resolved": 1}
    assert told.lease_age is not None
    assert 0 <= told.lease_age < world.how.lease


def test_the_age_of_a_lease_grows_until_it_is_renewed_and_there_is_none_without_a_lease(database):
    with transaction(database) as connection:
        leases.heartbeat(connection, "mine", 10.0)
        assert stats(connection, "mine", 10.0).lease_age == pytest.approx(0, abs=1)
        connection.execute(sa.update(lease_table).values(expires_at=lease_table.c.expires_at - 14))
        assert stats(connection, "mine", 10.0).lease_age == pytest.approx(14, abs=1)
        leases.heartbeat(connection, "mine", 10.0)
        assert stats(connection, "mine", 10.0).lease_age == pytest.approx(0, abs=1)
        assert stats(connection, "another", 10.0).lease_age is None
