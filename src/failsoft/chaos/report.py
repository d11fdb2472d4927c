"""The report of a run: JSON for programs, and one self-contained HTML file to be read at a review."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from failsoft.chaos.evidence import Evidence
from failsoft.chaos.plot import HEIGHT, WIDTH, axis_of, bands, markers, panel
from failsoft.chaos.readings import Reading
from failsoft.chaos.recovery import recovery
from failsoft.chaos.timeline import timeline
from failsoft.chaos.verdict import Judgement
from failsoft.workspace.kinds import ExperimentSpec

__all__ = ["Report", "write"]

_STEPS_OF_TABLE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """A number with its name and a note."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is made from."""

    spec: ExperimentSpec
    evidence: Evidence
    judgement: Judgement

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON; times are RFC 3339 in UTC, ratios from 0 to 1, null is "nobody knows"."""
        evidence, judgement, times = self.evidence, self.judgement, self.evidence.times
        expect = self.spec.expect
        by = None if expect.alert is None or times.fault is None else times.fault + expect.alert.within.seconds
        fired = [a for a in evidence.alerts or () if times.fault is not None and a.since >= times.fault]
        first = [a for a in fired if expect.alert is None or a.slo == expect.alert.slo]
        return {
            "kind": "ChaosReport",
            "run": evidence.run,
            "experiment": evidence.plan.experiment,
            "model": evidence.plan.model,
            "requester": evidence.requester,
            "verdict": str(judgement.verdict),
            "exitCode": judgement.verdict.exit_code,
            "reasons": list(judgement.reasons),
            "checks": [asdict(check) for check in judgement.checks],
            "startedAt": _iso(times.started),
            "faultAppliedAt": _iso(times.fault),
            "noticeUntil": _iso(times.notice_until),
            "alertExpectedBy": _iso(by),
            "alertFiredAt": _iso(first[0].since if first else None),
            "recoveredAt": _iso(recovery(evidence.slos, times).at),
            "undoneAt": _iso(times.undone),
            "endedAt": _iso(times.ended),
            "stop": None if evidence.stop is None else {"kind": str(evidence.stop.kind), "why": evidence.stop.why},
            "alerts": None if evidence.alerts is None else [_alert(asdict(alert)) for alert in evidence.alerts],
            "incidents": None if evidence.incidents is None else [_times(asdict(i)) for i in evidence.incidents],
            "budgets": [
                {
                    "slo": slo.slo,
                    "allowed": slo.allowed,
                    "spent": slo.spent.value,
                    "remainingBefore": slo.remaining_before.value,
                    "remainingAfter": slo.remaining_after.value,
                }
                for slo in evidence.slos
            ],
            "restored": {
                **asdict(evidence.restored),
                "undone": list(evidence.undone),
                "complete": evidence.restored.complete,
            },
            "timeline": [{**asdict(m), "at": _iso(m.at)} for m in timeline(expect, evidence)],
            "plan": evidence.plan.as_json(),
            "samples": {slo.slo: [[at, value] for at, value in slo.points] for slo in evidence.slos},
            "prometheusWatched": evidence.watched,
        }

    def as_html(self) -> str:
        """The report as one HTML document that loads nothing."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("failsoft.chaos", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"clock": _time_of_day, "stamp": _stamp, "percent": _percent, "reading": _reading}
        environment.tests |= {"known": lambda reading: reading.value is not None}
        return environment.get_template("report.html.j2").render(self._view())

    def _view(self) -> Mapping[str, Any]:
        evidence, times = self.evidence, self.evidence.times
        moments = timeline(self.spec.expect, evidence)
        axis = axis_of(evidence.slos, times, moments)
        placed = markers(axis, moments)
        return {
            "evidence": evidence,
            "judgement": self.judgement,
            "spec": self.spec,
            "times": times,
            "zero": axis.zero,
            "facts": self._facts(),
            "moments": moments,
            "markers": placed,
            "strip": max((marker.y for marker in placed), default=0) + 30,
            "axis": axis,
            "bands": bands(axis, times),
            "panels": [panel(slo, axis, times.step) for slo in evidence.slos],
            "width": WIDTH,
            "height": HEIGHT,
            "table": _table(evidence),
        }

    def _facts(self) -> list[Fact]:
        """The five numbers that a review asks for first."""
        evidence, expect, times = self.evidence, self.spec.expect, self.evidence.times
        fault = times.fault
        if fault is None:
            return [Fact("Fault", "not applied", "nothing was changed")]
        alerts = [a for a in evidence.alerts or () if a.since >= fault]
        alerts = [a for a in alerts if expect.alert is None or a.slo == expect.alert.slo]
        found = recovery(evidence.slos, times)
        spent = [slo.spent.value for slo in evidence.slos if slo.spent.value is not None]
        unheard = "unknown" if evidence.alerts is None else "none"
        kept = "met throughout" if found.at is not None and not found.broken else ""
        return [
            Fact(
                "Fault applied",
                _time_of_day(fault),
                f"UTC, on {len(evidence.plan.nodes)} node{'s' * (len(evidence.plan.nodes) != 1)}",
            ),
            Fact(
                "Alert fired after",
                f"{alerts[0].since - fault:.0f} s" if alerts else unheard,
                f"expected within {expect.alert.within}" if expect.alert else "none expected",
            ),
            Fact(
                "Recovered after",
                kept
                or (
                    f"{found.at - fault:.0f} s"
                    if found.at is not None
                    else "unknown"
                    if found.unknown
                    else f"not within {times.ended - fault:.0f} s"
                ),
                f"expected within {expect.recovered.within}",
            ),
            Fact(
                "Budget spent",
                _percent(max(spent)) if spent else "unknown",
                f"{expect.budget.spend} was allowed",
            ),
            Fact(
                "Undone after",
                "unknown" if evidence.times.undone is None else f"{evidence.times.undone - fault:.0f} s",
                "all of it" if evidence.restored.complete else "not all of it",
            ),
        ]


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.json` into a folder. Returns both."""
    html, machine = folder / "report.html", folder / "report.json"
    html.write_text(report.as_html(), encoding="utf-8")
    machine.write_text(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return html, machine


def _table(evidence: Evidence) -> list[tuple[float, list[float | None]]]:
    """The samples as rows for those who cannot see the plot: the worst of each stretch of time, for each SLO."""
    points = [point for slo in evidence.slos for point in slo.points]
    if not points:
        return []
    start, end = min(at for at, _ in points), max(at for at, _ in points)
    width = max(1.0, (end - start) / _STEPS_OF_TABLE)
    rows: list[tuple[float, list[float | None]]] = []
    for number in range(int((end - start) // width) + 1):
        left = start + number * width
        cells = [
            max((value for at, value in slo.points if left <= at < left + width), default=None) for slo in evidence.slos
        ]
        rows.append((left, cells))
    return rows


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _times(incident: dict[str, Any]) -> dict[str, Any]:
    """An incident with its times as text."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: _iso(v) if k == "at" or k.endswith("_at") else told(v) for k, v in value.items()}
        return [told(item) for item in value] if isinstance(value, list | tuple) else value

    return dict(told(incident))


def _alert(alert: dict[str, Any]) -> dict[str, Any]:
    return {**alert, "since": _iso(alert["since"]), "until": _iso(alert["until"])}


def _time_of_day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _percent(value: float) -> str:
    return f"{100 * value:.4g}%"


def _reading(reading: Reading) -> str:
    return "unknown" if reading.value is None else f"{100 * reading.value:.3g}%"
