"""Whether the series that the SLOs read are there, and not too many."""

from collections.abc import Iterator
from difflib import get_close_matches

from failsoft.findings import Finding
from failsoft.live import codes
from failsoft.live.model import Answers, Missing, Read, Subject
from failsoft.slo.promql import selector
from failsoft.slo.resolve import Objective

__all__ = ["MANY", "bucket_gone", "series_missing", "too_many"]

MANY = 20_000
"""Series of one selector from which on each evaluation is felt: 300 replicas of 64 series, or 20,000 of one."""

_SHOWN = 8


def series_missing(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """A selector that matches nothing, of each SLO the first; bad events may rightly not be there before the first."""
    told = set()
    for objective, read in _absent(subject, answers):
        why = answers.missing.get(read, Missing(0))
        if read.role != "bad events" and not why.bounds and objective.name not in told:
            told.add(objective.name)
            yield _missing(objective, read, why)


def _missing(objective: Objective, read: Read, why: Missing) -> Finding:
    message = f"{objective.name} reads {selector(read.metric, read.matchers)}, of which there is no series"
    place = objective.document.at("spec", "indicator")
    if why.spelled:
        prefix = read.metric.partition(":")[0]
        hint = (
            f"it is there as {why.spelled}: some prometheus_client replace the colon where Prometheus 2 asks for "
            f"OpenMetrics; name it back when scraping: metric_relabel_configs: [{{source_labels: [__name__], "
            f"regex: '{prefix}_(.+)', target_label: __name__, replacement: '{prefix}:$1'}}]"
        )
        return Finding(codes.SERIES_MISSING, message, place, "series of " + read.role, hint)
    if not why.series:
        hint = f"there is no series of {read.metric} at all: is the target scraped, and is its version the catalogue's?"
        return Finding(codes.SERIES_MISSING, message, place, "series of " + read.role, hint)
    if not why.wrong:
        hint = f"each matcher by itself finds some of the {why.series} series of {read.metric}, together they find none"
        return Finding(codes.SERIES_MISSING, message, place, "series of " + read.role, hint)
    told = []
    for matcher, values in why.wrong:
        close = get_close_matches(matcher.value, values, n=1)
        shown = ", ".join(value or "(none)" for value in values[:_SHOWN])
        guess = f"did you mean {close[0]}?" if close else f"there is {shown}" + (" …" if len(values) > _SHOWN else "")
        told.append(f"{matcher} matches nothing; {guess}")
    return Finding(codes.SERIES_MISSING, message, place, "series of " + read.role, "; ".join(told))


def bucket_gone(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """The histogram is there and the bucket of the threshold is not, whatever the catalogue or a lock says."""
    for objective, read in _absent(subject, answers):
        bounds = answers.missing[read].bounds if read in answers.missing else ()
        if bounds:
            asked = next(matcher.value for matcher in read.matchers if matcher.label == "le")
            message = f"{objective.name} reads the bucket le={asked} of {read.metric}, which the server has not"
            expected = "one of " + ", ".join(bound for bound in bounds if bound)
            engine = subject.workspace.models[objective.model].spec.engine
            hint = f"write down what it has: failsoft catalog lock {engine} URL --model {objective.model}"
            yield Finding(codes.BUCKET_GONE, message, objective.document.at("spec", "indicator"), expected, hint)


def too_many(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """A selector whose series every evaluation has to read."""
    for objective in subject.objectives:
        for read in subject.reads[objective.name]:
            count = answers.counts.get(read, 0)
            if count > MANY:
                message = f"{objective.name} reads {count:,} series of {read.metric} at each evaluation"
                hint = "drop labels when scraping (metric_relabel_configs), or select more narrowly"
                place = objective.document.at("spec", "indicator")
                yield Finding(codes.TOO_MANY_SERIES, message, place, f"at most {MANY:,}", hint)


def _absent(subject: Subject, answers: Answers) -> Iterator[tuple[Objective, Read]]:
    for objective in subject.objectives:
        for read in subject.reads[objective.name]:
            if answers.counts.get(read) == 0:
                yield objective, read
