"""What a workspace asks of a Prometheus: the series that its SLOs read, and the expressions of its rules."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from failsoft.alerts.compile import Compiled
from failsoft.alerts.packages import packaged
from failsoft.live.model import Read, Subject
from failsoft.slo.indicators import BadOfTotal, Counted, Gauge, GoodOfTotal, Goodput, Rate, Share, Sli
from failsoft.slo.promql import Matcher
from failsoft.slo.series import DRIFT_SCORE
from failsoft.workspace.model import Workspace

__all__ = ["groups_of", "shapes", "subject_of"]

_VARYING = re.compile(r'"(?:[^"\\]|\\.)*"|\b\d+(?:\.\d+)?(?:[smhdwy]|ms)*\b')


def subject_of(workspace: Workspace, compiled: Compiled) -> Subject:
    """The workspace and what it compiles to, as the checks take it: the rules as they are delivered, as plain files."""
    files = packaged(compiled.files, workspace.config.output.model_copy(update={"format": "rules"}))
    rules = {path: text for path, text in files.items() if path.startswith("rules/")}
    reads = {objective.name: tuple(dict.fromkeys(_reads(objective.sli))) for objective in compiled.objectives}
    return Subject(workspace, compiled.objectives, rules, reads)


def groups_of(text: str) -> list[dict[str, Any]]:
    """The groups in the text of a rule file that failsoft wrote."""
    found: list[dict[str, Any]] = yaml.load(text, Loader=yaml.CSafeLoader)["groups"]  # safe, and in C
    return found


def shapes(subject: Subject) -> dict[str, tuple[str, str]]:
    """One expression of each shape: the rule's name and its group, of those that differ in values only the first."""
    found: dict[str, tuple[str, str]] = {}
    seen: set[str] = set()
    for text in subject.rules.values():
        for group in groups_of(text):
            for rule in group["rules"]:
                shape = _VARYING.sub("", rule["expr"])
                if shape not in seen:
                    seen.add(shape)
                    found[rule["expr"]] = (rule.get("record") or rule["alert"], group["name"])
    return found


def _reads(sli: Sli) -> Iterator[Read]:
    if isinstance(sli, GoodOfTotal):
        yield _read(sli.all_events, "all events")
        yield _read(sli.good, "good events")
    elif isinstance(sli, BadOfTotal):
        for one in sli.totals:
            yield _read(one, "all events")
        for one in sli.bads:
            yield _read(one, "bad events")
    elif isinstance(sli, Goodput):
        for part in (sli.requests, *sli.parts):
            yield from _reads(part)
    elif isinstance(sli, Share):
        yield from _reads(sli.events)
    elif isinstance(sli, Gauge | Rate):
        yield Read(sli.metric, sli.matchers, "gauge" if isinstance(sli, Gauge) else "all events")
    else:
        labels = {"model": sli.model, "monitor": sli.monitor, "signal": sli.signal, "statistic": sli.statistic}
        yield Read(DRIFT_SCORE, tuple(Matcher(name, "=", value) for name, value in labels.items()), "score")


def _read(counted: Counted, role: Any) -> Read:
    return Read(counted.metric, counted.matchers, role)
