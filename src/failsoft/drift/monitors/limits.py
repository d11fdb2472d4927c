"""Whether stored critical values are those of the monitor as it is written now, and what they promise."""

from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from failsoft.drift.codes import CALIBRATION_OTHER_REFERENCE, LIMITS_MISSING, LIMITS_OUTDATED, NOT_PROMISED
from failsoft.drift.profile import ReferenceProfile
from failsoft.findings import Finding
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.model import Document

if TYPE_CHECKING:
    from failsoft.drift.alarms.stored import StoredCalibration

__all__ = ["ALARMS", "beside", "calibrate_hint", "limit_findings", "promise_findings"]


ALARMS = ".alarms.json"
"""How the name of a file of critical values ends."""


def beside(reference: str) -> str:
    """The file of the critical values that belong to a reference's file.

    >>> beside("drift/chat.json")
    'drift/chat.alarms.json'
    """
    path = PurePosixPath(reference)
    return str(path.with_name(path.stem + ALARMS))


def limit_findings(
    monitor: Document[DriftMonitorSpec], profile: ReferenceProfile, kept: "StoredCalibration", shown: str
) -> tuple[Finding, ...]:
    """Why critical values are not those of a monitor, and its reference, without hints; empty where they are.

    Args:
        monitor: with a budget; where its bins are counted, one page where none is written.
        profile: its reference.
        kept: the critical values.
        shown: the reference's file.
    """
    spec = monitor.spec
    if kept.reference != profile.counts_digest:
        message = f"{beside(shown)} was made with another reference than {shown}"
        return (Finding(CALIBRATION_OTHER_REFERENCE, message, monitor.at("spec", "reference")),)
    least = kept.window if kept.least_window is None else kept.least_window
    pairs: list[tuple[str, object, object]] = [
        ("window", str(spec.window), _length(least)),
        ("every", str(spec.every), _length(kept.every)),
        ("floor", float(spec.floor), kept.floor),
        ("falsePagesPer30d", float(_pages(spec)), kept.false_pages_per_30d),
        ("falseTicketsPer30d", float(spec.tickets), kept.false_tickets_per_30d),
    ]
    found = [
        Finding(
            LIMITS_OUTDATED,
            f"{key} is {_text(now)}, and the critical values were found for {_text(was)}",
            monitor.at("spec", key),
        )
        for key, now, was in pairs
        if now != was
    ]
    for index, name in enumerate(spec.signals):
        if ("", name) not in kept.by_feature:
            message = f"{beside(shown)} has no critical value for {name}: all its rows were in one bin"
            found.append(Finding(LIMITS_MISSING, message, monitor.at("spec", "signals", index)))
    return tuple(found)


def calibrate_hint(monitor: Document[DriftMonitorSpec], shown: str, again: str = "") -> str:
    """How critical values are found: from Prometheus, or where bins are counted from rows that were held out."""
    spec = monitor.spec
    if spec.counted is None:
        return f"calibrate {again}with `failsoft drift learn {monitor.name}`"
    # a guess at the rows of a window would promise a rate for windows of another length
    how = (
        f"--windows HELD_OUT --rows ROWS --window {spec.window} --every {spec.every} --floor {spec.floor:f} "
        f"--false-pages-per-30d {_pages(spec):f} --false-tickets-per-30d {spec.tickets:f}"
    )
    command = f"failsoft drift calibrate {shown} {how} -o {beside(shown)}"
    return f"calibrate {again}with `{command}`, where ROWS is how many a window of {spec.window} has"


def promise_findings(monitor: Document[DriftMonitorSpec], kept: "StoredCalibration") -> tuple[Finding, ...]:
    """Why pages are tickets, where they are."""
    if kept.promised:
        return ()
    message = "no page can be promised, so what would page is a ticket: " + "; ".join(kept.doubts)
    return (Finding(NOT_PROMISED, message, monitor.at("spec", "falsePagesPer30d")),)


def _pages(spec: DriftMonitorSpec) -> Decimal:
    return Decimal(1) if spec.false_pages_per_30d is None else spec.false_pages_per_30d


def _length(milliseconds: int) -> str:
    from failsoft.workspace.quantities import Duration

    return str(Duration(milliseconds))


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
