"""Whether each series is recorded by one rule, and by one server."""

from collections import defaultdict
from collections.abc import Iterator

from failsoft.findings import Finding, Place
from failsoft.live import codes
from failsoft.live.model import Answers, Subject

__all__ = ["recorded_twice"]

_OURS = "failsoft:"


def recorded_twice(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Two loaded rules that record one series, or an SLO of which two budgets are there."""
    slos = {objective.name: objective for objective in subject.objectives}
    by_series: defaultdict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = defaultdict(list)
    for group in answers.groups or ():
        for rule in group.rules:
            if rule.record and rule.name.startswith(_OURS):
                by_series[rule.name, tuple(sorted(rule.labels.items()))].append(f"{group.name} of {group.file}")
    told = set()
    for (name, labels), where in by_series.items():
        slo = dict(labels).get("slo", "")
        if len(where) > 1 and slo not in told:
            told.add(slo)
            message = f"{name} of {slo or 'no SLO'} is recorded by {len(where)} rules: {', '.join(where)}"
            hint = "remove the older file, or rename one of the two SLOs"
            yield Finding(codes.RECORDED_TWICE, message, _place(subject, slo), "one rule for each series", hint)
    for slo, count in answers.recorded.items():
        if slo not in told and slo in slos:
            message = f"there are {count} budgets of {slo} on this server"
            hint = (
                "two servers, or two rule files with other labels, evaluate it: keep one, or tell them apart by a label"
            )
            yield Finding(codes.RECORDED_TWICE, message, _place(subject, slo), "one budget for each SLO", hint)


def _place(subject: Subject, slo: str) -> Place:
    found = (one.document.at("metadata", "name") for one in subject.objectives if one.name == slo)
    return next(found, subject.workspace.config_at("spec", "prometheus"))
