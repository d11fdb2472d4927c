"""Golden prompts on their cadence, and what of them is exported.

What could not be compared is absent, never 0: an endpoint that is down has not changed its answers.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from failsoft.clients.inference import Inference
from failsoft.errors import FailsoftError
from failsoft.findings import Finding
from failsoft.server.probing import Asked, Failure, asked, endpoint_of, golden_of, read_answers
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import ProbeSpec

__all__ = ["ProbeBoard", "ProbeLoop"]

_log = logging.getLogger(__name__)
_STALE_ROUNDS = 3
_LABELS = ("model", "probe", "prompt")

type Clock = Callable[[], float]
type _Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Shown:
    asked: Asked
    at: float


@dataclass(slots=True, eq=False)
class ProbeBoard(Collector):
    """The latest answer to every prompt, as metrics.

    Attributes:
        clock: seconds since the epoch; what is older than three rounds is not shown, but for its time.
    """

    clock: Clock = time.time
    _shown: dict[_Key, _Shown] = field(default_factory=dict)
    _stale_after: dict[str, float] = field(default_factory=dict)
    _failures: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def expect(self, probe: Document[ProbeSpec]) -> None:
        """Begin to show a probe, with no failure so far."""
        self._stale_after[probe.name] = _STALE_ROUNDS * probe.spec.every.seconds
        for failure in Failure:
            self._failures.setdefault((probe.spec.model, probe.name, failure.value), 0)

    def show(self, probe: Document[ProbeSpec], one: Asked) -> None:
        """Show what came of a question."""
        self._shown[probe.spec.model, probe.name, one.prompt] = _Shown(one, self.clock())
        if one.failure is not None:
            self._failures[probe.spec.model, probe.name, one.failure.value] += 1

    def collect(self) -> Iterable[Metric]:
        """The metrics, for the registry."""
        at = _gauge("asked_timestamp_seconds", "When it was asked last.")
        values = {name: _gauge(name, help_) for name, help_ in _GAUGES.items()}
        for key, shown in self._shown.items():
            at.add_metric(key, shown.at)
            if self.clock() - shown.at > self._stale_after[key[1]]:
                continue
            for name, value in _values(shown.asked):
                values[name].add_metric(key, value)
        failures = CounterMetricFamily(
            "failsoft_probe_failures", "Questions without an answer.", labels=("model", "probe", "reason")
        )
        for labels, count in self._failures.items():
            failures.add_metric(labels, count)
        yield from (at, *values.values(), failures)


_GAUGES = {
    "success": "1 where an answer came in time.",
    "duration_seconds": "From the question to the last byte of the answer.",
    "exact": "1 where the answer is a stored one to the letter.",
    "edit_distance_ratio": "Edit distance to the nearest stored answer.",
    "first_token_distance_ratio": "Probability that moved among the first token's alternatives.",
    "changed": "1 where the answer is further from the stored ones than is tolerated.",
}


def _values(one: Asked) -> Iterator[tuple[str, float]]:
    yield "success", float(one.reply is not None)
    if one.reply is not None:
        yield "duration_seconds", one.reply.seconds
    if one.compared is not None:
        yield "exact", float(one.compared.exact)
        yield "edit_distance_ratio", one.compared.edit
        if one.compared.first_token is not None:
            yield "first_token_distance_ratio", one.compared.first_token
        yield "changed", float(one.compared.changed)


def _gauge(name: str, help_: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"failsoft_probe_{name}", help_, labels=_LABELS)


class ProbeLoop:
    """Asks the prompts of every probe at its own pace, in the server's event loop.

    Args:
        workspace: whose probes.
        board: where the answers are shown.
        endpoint: how a probe is asked; another one for tests.
    """

    def __init__(
        self,
        workspace: Workspace,
        board: ProbeBoard,
        endpoint: Callable[[Workspace, Document[ProbeSpec]], Inference] = endpoint_of,
    ) -> None:
        self._workspace = workspace
        self._board = board
        self._endpoint = endpoint
        for probe in workspace.probes.values():
            board.expect(probe)

    async def run(self) -> None:
        """Ask for ever; ends only by cancellation. No error of one round ends it."""
        async with asyncio.TaskGroup() as group:
            for probe in self._workspace.probes.values():
                group.create_task(self._repeat(probe), name=f"probe {probe.name}")

    async def ask(self, probe: Document[ProbeSpec]) -> None:
        """One round of a probe. The stored answers are read again each time: they may have been learned anew."""
        answers = await asyncio.to_thread(read_answers, self._workspace, probe)
        known, findings = ({}, (answers,)) if isinstance(answers, Finding) else golden_of(probe, answers)
        for finding in findings:
            _log.warning("probe %s: %s: %s", probe.name, finding.place, finding.message)
        try:
            endpoint = self._endpoint(self._workspace, probe)
        except FailsoftError as error:
            for prompt in probe.spec.prompts:
                self._show(probe, Asked(prompt.name, failure=Failure.REFUSED, why=str(error)))
            return
        async for one in asked(endpoint, probe.spec, known):
            self._show(probe, one)

    def _show(self, probe: Document[ProbeSpec], one: Asked) -> None:
        self._board.show(probe, one)
        if one.failure is not None:
            _log.warning("probe %s, %s was not answered: %s", probe.name, one.prompt, one.why)
        elif one.compared is not None and one.compared.changed:
            _log.info("probe %s, %s changed: %s", probe.name, one.prompt, one.compared.reason)

    async def _repeat(self, probe: Document[ProbeSpec]) -> None:
        while True:
            started = time.monotonic()
            try:
                await self.ask(probe)
            except Exception:  # noqa: BLE001 - what a library raises must not silence the other probes
                _log.exception("probe %s broke", probe.name)
            await asyncio.sleep(max(0.0, started + probe.spec.every.seconds - time.monotonic()))
