"""The checks of a workspace against a server: each takes values and gives findings, and never prints or raises."""

from collections.abc import Callable, Iterator

from failsoft.findings import Finding
from failsoft.live.checks.expressions import refused, version_lacks
from failsoft.live.checks.loaded import failing, not_loaded, outdated
from failsoft.live.checks.reachable import down, not_asked
from failsoft.live.checks.records import recorded_twice
from failsoft.live.checks.retention import retention
from failsoft.live.checks.scraping import interval_differs, interval_too_long
from failsoft.live.checks.series import bucket_gone, series_missing, too_many
from failsoft.live.model import Answers, Subject

__all__ = ["CHECKS", "judge"]

CHECKS: tuple[Callable[[Subject, Answers], Iterator[Finding]], ...] = (
    down,
    retention,
    interval_differs,
    interval_too_long,
    refused,
    version_lacks,
    series_missing,
    bucket_gone,
    too_many,
    recorded_twice,
    not_loaded,
    outdated,
    failing,
    not_asked,
)
"""All of them, in the order in which people read them."""


def judge(subject: Subject, answers: Answers) -> tuple[Finding, ...]:
    """What all checks say; of a server that is down, only that."""
    if answers.down:
        return tuple(down(subject, answers))
    return tuple(finding for check in CHECKS for finding in check(subject, answers))
