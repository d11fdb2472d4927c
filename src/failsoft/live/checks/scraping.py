"""Whether the targets of each model are scraped as often as the rules expect."""

from collections.abc import Iterator

from failsoft.findings import Finding
from failsoft.live import codes
from failsoft.live.model import Answers, Subject, Target
from failsoft.slo.indicators import Gauge, Score
from failsoft.slo.promql import range_text
from failsoft.slo.resolve import Objective

__all__ = ["interval_differs", "interval_too_long", "targets_of"]


def targets_of(answers: Answers, select: dict[str, str]) -> tuple[Target, ...]:
    """The targets that can hold a model's series: those that agree with its selector wherever they have its labels."""
    found = []
    for target in answers.targets or ():
        shared = [label for label in select if label in target.labels]
        if shared and all(target.labels[label] == select[label] for label in shared):
            found.append(target)
    return tuple(found)


def interval_differs(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Increments are counted over a step and one scrape: with another interval each is lost or counted twice."""
    said = subject.workspace.config.prometheus.scrape_interval
    measured = {objective.model for objective in subject.objectives}
    for model in subject.workspace.models.values():
        others = {target.interval for target in targets_of(answers, model.spec.select)} - {said.milliseconds}
        if model.name in measured and others:
            found = " and ".join(range_text(interval) for interval in sorted(others))
            message = f"targets of {model.name} are scraped every {found}, and the rules are made for {said}"
            hint = "set spec.prometheus.scrapeInterval of the Workspace, or scrape_interval of the job"
            yield Finding(codes.INTERVAL_DIFFERS, message, model.at("spec", "select"), f"every {said}", hint)


def interval_too_long(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """A pulse of the recording that holds fewer than two scrapes sees no increment at all; a gauge needs one."""
    for objective in subject.objectives:
        if isinstance(objective.sli, Score):
            continue  # of failsoft's own making, at another target
        model = subject.workspace.models[objective.model]
        longest = max((target.interval for target in targets_of(answers, model.spec.select)), default=0)
        needed = 1 if isinstance(objective.sli, Gauge) else 2
        if longest * needed > objective.pulse:
            yield _too_long(objective, longest, needed)


def _too_long(objective: Objective, longest: int, needed: int) -> Finding:
    pulse = range_text(objective.pulse)
    message = f"{objective.name} records every {pulse}, and {objective.model} is scraped every {range_text(longest)}"
    expected = f"a scrape every {range_text(objective.pulse // needed)} or less"
    hint = "scrape more often, or say in spec.prometheus how often it is"
    return Finding(codes.INTERVAL_TOO_LONG, message, objective.document.at("spec", "model"), expected, hint)
