"""Asks a Prometheus everything that the checks judge, a bounded number of questions with bounded answers each."""

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

from failsoft.clients.prometheus.port import Prometheus
from failsoft.errors import FailsoftError, NotFoundError, RefusedError
from failsoft.live.explore import missing
from failsoft.live.model import Answers, LoadedGroup, LoadedRule, Missing, Read, Subject, Target, Version
from failsoft.live.subject import shapes
from failsoft.slo.promql import selector
from failsoft.slo.series import BUDGET_REMAINING
from failsoft.workspace.quantities import Duration

__all__ = ["Api", "gather"]

_AT_ONCE = 4
_MOST_READS = 1000
_MOST_MISSING = 50
_MOST_SHAPES = 500
_GIVE_UP = 3
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


class Api(Prometheus, Protocol):
    """A Prometheus whose other endpoints can be read too."""

    url: str

    def read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """What an endpoint below `/api/v1/` answers under `data`; bounded in size and time."""


class _Asker:
    """Asks, and remembers what could not be asked; after a few in a row without any answer it asks nothing more."""

    def __init__(self) -> None:
        self.unasked: dict[str, None] = {}
        self.gave_up = ""
        self._failed = 0

    def ask[T](self, what: str, question: Callable[[], T], otherwise: T) -> T:
        """The answer, or `otherwise` with a note of what could not be asked."""
        if self.gave_up:
            return otherwise
        try:
            answer = question()
        except (RefusedError, NotFoundError) as error:
            self._failed = 0  # a refusal is an answer too
            self.unasked[f"{what}: {error}"] = None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self._failed = 0
            self.unasked[f"{what}: answered in an unknown form ({error!r})"] = None
        except FailsoftError as error:
            self._failed += 1
            if self._failed < _GIVE_UP:
                self.unasked[f"{what}: {error}"] = None
            else:
                self.gave_up = str(error)
        else:
            self._failed = 0
            return answer
        return otherwise


def gather(prometheus: Api, subject: Subject) -> Answers:
    """What the server says about everything that the workspace needs of it; never raises for what it answers.

    A server with a million series is asked for counts, never for the series; one that is slow gets each question
    once, and nothing more after three in a row that it did not answer.
    """
    try:
        alive = prometheus.query("vector(1)")
    except FailsoftError as error:
        return Answers(prometheus.url, down=str(error))
    if len(alive) != 1:
        return Answers(prometheus.url, down=f"{prometheus.url} answers, but not as Prometheus does")
    asker = _Asker()
    unknown: tuple[Version | None, str] = (None, "")
    version, product = asker.ask("its version", lambda: _version(prometheus.read("status/buildinfo")), unknown)
    answers = Answers(
        prometheus.url,
        version=version,
        product=product,
        retention=asker.ask("its retention", lambda: _retention(prometheus.read("status/runtimeinfo")), None),
        targets=asker.ask("its targets", lambda: _targets(prometheus.read("targets", {"state": "active"})), None),
        groups=asker.ask("its rules", lambda: _groups(prometheus.read("rules")), None),
        recorded=asker.ask("what is recorded", lambda: _recorded(prometheus), {}),
    )
    counts = _counts(prometheus, asker, subject)
    absent = [read for read, count in counts.items() if not count and read.role != "bad events"]
    found: dict[Read, Missing] = {}
    for read in absent[:_MOST_MISSING]:
        why = asker.ask(f"why {read.metric} is missing", lambda read=read: missing(prometheus, read), None)  # type: ignore[misc]
        if why is not None:
            found[read] = why
    refused = _refused(prometheus, asker, subject)
    return replace(
        answers, counts=counts, missing=found, refused=refused, unasked=tuple(asker.unasked), gave_up=asker.gave_up
    )


def _counts(prometheus: Api, asker: _Asker, subject: Subject) -> dict[Read, int]:
    reads = list(dict.fromkeys(read for each in subject.reads.values() for read in each))
    _cut(asker, reads, _MOST_READS, "selectors")

    def count(read: Read) -> int | None:
        question = f"count({selector(read.metric, read.matchers)})"
        return asker.ask(question, lambda: sum(int(one.value) for one in prometheus.query(question)), None)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answered = zip(reads[:_MOST_READS], pool.map(count, reads[:_MOST_READS]), strict=True)
        return {read: found for read, found in answered if found is not None}


def _refused(prometheus: Api, asker: _Asker, subject: Subject) -> dict[str, str]:
    """Asked at the beginning of time, where there are no samples: the server parses, and reads nothing."""
    known = shapes(subject)
    expressions = list(known)
    _cut(asker, expressions, _MOST_SHAPES, "expressions")

    def judge(expression: str) -> str:
        try:
            prometheus.query(expression, at=0)
        except RefusedError as error:
            return str(error)
        return ""

    def ask(expression: str) -> str:
        return asker.ask(f"the expression of {known[expression][0]}", lambda: judge(expression), "")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        said = zip(expressions[:_MOST_SHAPES], pool.map(ask, expressions[:_MOST_SHAPES]), strict=True)
        return {expression: why for expression, why in said if why}


def _cut(asker: _Asker, found: list[Any], most: int, what: str) -> None:
    if len(found) > most:
        asker.unasked[f"{len(found) - most} of {len(found)} {what}: only {most} are asked"] = None


def _recorded(prometheus: Api) -> dict[str, int]:
    samples = prometheus.query(f"topk(20, count by (slo) ({BUDGET_REMAINING}) > 1)")
    return {one.labels["slo"]: int(one.value) for one in samples if "slo" in one.labels}


def _version(said: Any) -> tuple[Version | None, str]:
    text = str(said["version"])
    match = _VERSION.match(text)
    own = match is not None and int(match[1]) >= 2 and not said.get("application")  # noqa: PLR2004  # Thanos is 0.x
    return (Version(int(match[1]), int(match[2])) if match and own else None), text


def _retention(said: Any) -> int | None:
    """Such as `15d`, `15d or 50GiB`, `50GiB`: the time in it; None where only the size counts."""
    first = str(said["storageRetention"]).partition(" ")[0]
    return _milliseconds(first) if re.fullmatch(r"(?:\d+(?:ms|[smhdwy]))+", first) else None


def _targets(said: Any) -> tuple[Target, ...]:
    made = (Target(dict(one["labels"]), _milliseconds(one["scrapeInterval"])) for one in said["activeTargets"])
    return tuple(made)


def _groups(said: Any) -> tuple[LoadedGroup, ...]:
    return tuple(
        LoadedGroup(
            str(group["name"]),
            str(group.get("file", "")),
            round(float(group["interval"]) * 1000),
            _rules(group["rules"]),
        )
        for group in said["groups"]
    )


def _rules(said: Iterable[Any]) -> tuple[LoadedRule, ...]:
    return tuple(
        LoadedRule(
            str(rule["name"]),
            rule["type"] == "recording",
            str(rule["query"]),
            dict(rule.get("labels") or {}),
            dict(rule.get("annotations") or {}),
            _seconds(rule.get("duration") or 0),
            _seconds(rule.get("keepFiringFor") or 0),
            str(rule.get("lastError") or "") if rule.get("health") == "err" else "",
        )
        for rule in said
    )


def _seconds(value: Any) -> int:
    return round(float(value) * 1000)


def _milliseconds(text: str) -> int:
    """A duration as Prometheus writes it, `2w3d` for instance; its years have 365 days."""
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text)) or Duration.parse(text).milliseconds
