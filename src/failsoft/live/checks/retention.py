"""Whether the server keeps samples for as long as the periods of the SLOs."""

from collections.abc import Iterator

from failsoft.findings import Finding
from failsoft.live import codes
from failsoft.live.model import Answers, Subject
from failsoft.slo.promql import range_text

__all__ = ["retention"]


def retention(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """An SLO whose period is longer than the retention: its budget never sees the whole period."""
    if answers.retention is None:
        return
    for objective in subject.objectives:
        if objective.period > answers.retention:
            kept, period = range_text(answers.retention), range_text(objective.period)
            message = f"Prometheus keeps {kept}, so {objective.name} never sees its whole period of {period}"
            hint = "set --storage.tsdb.retention.time; or evaluate the rules where history is kept, in Thanos or Mimir"
            place = objective.document.at("spec", "period")
            yield Finding(codes.RETENTION_SHORT, message, place, f"a retention of {period} or more", hint)
