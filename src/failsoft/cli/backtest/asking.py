"""Asking a Prometheus for the past of SLOs, with a sign of life meanwhile."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from failsoft.backtest import (
    Filled,
    Replayed,
    Span,
    candidates,
    counted,
    evidence,
    joined,
    judge,
    thresholds_of,
)
from failsoft.backtest.codes import QUERY_REFUSED
from failsoft.clients.prometheus.history import Chunk, Progress, Question, Reader, chunks_of
from failsoft.clients.prometheus.port import Series
from failsoft.findings import Finding
from failsoft.slo.series import GROUP

if TYPE_CHECKING:
    from failsoft.slo.resolve import Objective
    from failsoft.workspace import Workspace

__all__ = ["Heard", "Plan", "ask"]

_LINES = 10
"""Lines of progress where there is no terminal."""

_RANKED_MS = 6 * 3_600_000
"""How far the moments are apart at which the groups with the most traffic are looked for."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of all SLOs.

    Attributes:
        slos: what would have happened to those of which something is known.
        findings: what could not be seen.
        progress: how many chunks were asked.
    """

    slos: tuple[Replayed, ...]
    findings: tuple[Finding, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked about one SLO: the alerts' clock, the evidence step by step, other thresholds, and its groups.

    Attributes:
        objective, span: the SLO and the time.
        own, thresholds: its threshold, as text, and all that it could have.
        evidence, others, ranking: questions; None where there is nothing to ask.
    """

    objective: "Objective"
    span: Span
    own: str
    thresholds: tuple[str, ...]
    evidence: Question
    others: Question | None
    ranking: Question | None

    @classmethod
    def of(cls, workspace: "Workspace", objective: "Objective", span: Span) -> "Plan":
        """The questions."""
        own, thresholds = thresholds_of(workspace, objective)
        # the same for all SLOs of this latency, so that it is asked, and kept, once
        others = _over(span, joined({one.below: one.bad for one in thresholds})) if thresholds else None
        since, until = span.since * span.step, span.last * span.step
        step = objective.step
        seen = Question(joined(evidence(objective)), step, -(-since // step), until // step)
        ranking = None
        if objective.cap:
            ranking = Question(candidates(objective), _RANKED_MS, since // _RANKED_MS, -(-until // _RANKED_MS))
        return cls(objective, span, own, tuple(one.below for one in thresholds), seen, others, ranking)

    @property
    def chunks(self) -> int:
        """How many queries it takes."""
        asked = (_over(self.span, ""), self.evidence, self.others, self.ranking)
        return sum(len(chunks_of(one)) for one in asked if one is not None)

    def answer(
        self, reader: Reader, told: Callable[[Progress], None]
    ) -> tuple[tuple[Replayed, ...], tuple[Finding, ...]]:
        """Ask, and say what would have happened, or why nobody knows."""
        groups, refused = self._groups(reader, told)
        mine = _over(self.span, joined(counted(self.objective, groups)))
        judged = self.evidence
        filled = {mine: Filled(self.span), judged: Filled(_span_of(judged))}
        if self.others is not None:
            filled[self.others] = Filled(self.span)

        def take(question: Question, _: Chunk, series: tuple[Series, ...]) -> None:
            filled[question].take((one.labels, one.points) for one in series)

        refused |= {} if refused else reader.stream(list(filled), take, told)
        if refused:
            place = self.objective.document.at("spec", "indicator")
            said = f"{self.objective.name}: {next(iter(refused.values()))}"
            return (), (Finding(QUERY_REFUSED, said, place),)
        seen = {part: values for part, by_group in filled[judged].parts.items() for values in by_group.values()}
        answered = filled[self.others].parts if self.others is not None else {}
        others = {text: answered[text] for text in self.thresholds if text in answered}
        found = judge(self.objective, self.span, filled[mine].parts, seen, self.own, others)
        return found, tuple(finding for one in found for finding in one.findings)

    def _groups(self, reader: Reader, told: Callable[[Progress], None]) -> tuple[list[str], dict[Question, str]]:
        """The groups with the most traffic, all moments together; as many as the rules count by themselves."""
        if self.ranking is None:
            return [], {}
        traffic: dict[str, float] = defaultdict(float)

        def take(_: Question, __: Chunk, series: tuple[Series, ...]) -> None:
            for one in series:
                traffic[one.labels.get(GROUP, "")] += sum(value for _, value in one.points if value > 0)

        refused = reader.stream([self.ranking], take, told)
        largest = sorted(traffic, key=lambda group: -traffic[group])[: self.objective.cap]
        return sorted(largest), refused


def ask(reader: Reader, plans: Sequence[Plan]) -> Heard:
    """Ask and judge, SLO by SLO, so that no more than one is held in memory.

    Raises:
        FailsoftError: as `Reader.stream`.
    """
    chunks = sum(plan.chunks for plan in plans)
    before = at = Progress(chunks, 0, 0)
    slos: list[Replayed] = []
    findings: list[Finding] = []
    with _shown(chunks) as show:
        show(before)

        def told(progress: Progress) -> None:
            nonlocal before, at
            at = Progress(chunks, before.done + progress.done, before.kept + progress.kept)
            show(at)
            if progress.done == progress.chunks:
                before = at

        for plan in plans:
            found, said = plan.answer(reader, told)
            slos += found
            findings += said
    return Heard(tuple(slos), tuple(findings), at)


def _over(span: Span, expression: str) -> Question:
    return Question(expression, span.step, span.first, span.last)


def _span_of(question: Question) -> Span:
    return Span(question.step, question.first, question.first, question.last)


@contextmanager
def _shown(chunks: int) -> Iterator[Callable[[Progress], None]]:
    """A bar where standard error is a terminal, a few lines where it is not."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    with click.progressbar(length=max(1, chunks), file=sys.stderr, label="asking Prometheus", show_pos=True) as bar:

        def show(progress: Progress) -> None:
            bar.length = max(1, progress.chunks)
            bar.update(progress.done - bar.pos)

        yield show


class _Lines:
    """A line now and then."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, progress: Progress) -> None:
        part = progress.done * _LINES // max(1, progress.chunks)
        if part == self._told:
            return
        self._told = part
        kept = f", {progress.kept} kept from an earlier run" if progress.kept else ""
        click.echo(f"asking Prometheus: {progress.done} of {progress.chunks} queries{kept}", err=True)
