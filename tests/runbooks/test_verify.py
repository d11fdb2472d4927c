"""Whether an SLO recovered is never guessed: down, empty, NaN, double or too early is "not recovered"."""

import math

import pytest

from failsoft.errors import PermanentError, UnavailableError


@pytest.mark.parametrize(
    ("ratio", "why"),
    [
        (UnavailableError("Prometheus did not answer"), "Prometheus did not answer"),
        (PermanentError("bad_data: parse error"), "parse error"),
        (None, "no data"),
        (math.nan, "is no ratio: nan"),
        (math.inf, "is no ratio: inf"),
        (-0.1, "is no ratio"),
        (1.5, "is no ratio"),
        ([0.0, 0.0], "2 answers instead of one"),
        (0.0101, "is 0.0101, the objective allows 0.01"),
    ],
)
async def test_what_is_not_good_is_never_recovered(quick, runbook, alert, delivery, ratio, why):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 200ms, within: 800ms}", mode="auto"))
    world.prometheus.ratio = ratio
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "failed"
        page = await world.page()
    assert why in page.summary
    assert len(world.prometheus.asked) > 1


async def test_it_waits_until_prometheus_is_back_and_the_ratio_is_in_budget(quick, runbook, alert, delivery, until):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 200ms, within: 60s}", mode="auto"))
    world.prometheus.ratio = UnavailableError("away")
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await until(lambda: len(world.prometheus.asked) > 1)
        world.prometheus.ratio = 0.3
        seen = len(world.prometheus.asked)
        await until(lambda: len(world.prometheus.asked) > seen + 1)
        world.prometheus.ratio = 0.01
        assert await world.outcome() == "recovered"
        await world.hears("Verified: the error ratio of chat-ttft over 200ms is 0.01, the objective allows 0.01")


async def test_a_good_ratio_counts_only_when_its_window_lies_after_the_change(quick, runbook, alert, delivery):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 1s, within: 60s}", mode="auto"))
    world.prometheus.ratio = 0.0
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "recovered"
    (step,) = world.rows("SELECT started_at, ended_at FROM steps WHERE kind = 'verify'")
    (acted,) = world.rows("SELECT ended_at FROM steps WHERE kind = 'scale'")
    assert step.ended_at - acted.ended_at >= 1.0


async def test_it_asks_for_the_slo_that_the_runbook_names(quick, runbook, alert, delivery):
    world = quick(runbook("- verify: {slo: chat-availability, for: 200ms, within: 60s}", mode="auto"))
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "recovered"
        await world.hears("the error ratio of chat-availability over 200ms is 0.001")


async def test_without_page_a_failure_only_ends_the_run(quick, runbook, alert, delivery):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 200ms, within: 300ms, otherwise: []}", mode="auto"))
    world.prometheus.ratio = 0.5
    async with world.open() as service:
        await service.receive(delivery(alert()))
        assert await world.outcome() == "failed"
    assert (world.replicas, world.pager.events) == (3, [])


async def test_an_alert_that_resolves_after_the_change_does_not_stop_the_check(quick, runbook, alert, delivery, until):
    world = quick(runbook("- scale: {replicas: 3}\n- verify: {for: 200ms, within: 60s}", mode="auto"))
    world.prometheus.ratio = 0.5
    async with world.open() as service:
        await service.receive(delivery(alert()))
        await until(lambda: world.prometheus.asked)
        await service.receive(delivery(alert("resolved")))
        world.prometheus.ratio = 0.0
        assert await world.outcome() == "recovered"
