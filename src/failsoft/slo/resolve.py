"""From an SLO's document to an `Objective`: what is measured, over which windows, and everything wrong with it."""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.classes import Promised, promised
from failsoft.slo.exclusions import Excluded, exclusions_of
from failsoft.slo.indicators import Sli, Slices
from failsoft.slo.measure import Clock, is_sliced, sli_of
from failsoft.slo.scaled import pasted
from failsoft.slo.windows import BurnTier, Plan, plan
from failsoft.workspace.kinds import AlertWindowsSpec, SLOSpec
from failsoft.workspace.model import Document, Workspace
from failsoft.workspace.quantities import Percent

__all__ = ["Objective", "resolve"]

_MIN_BAD_EVENTS = 5
_MIN_BAD_SLICES = 1
_PART_OF_A_SCRAPE = 5
_HASHED_WINDOW = 3_600_000


@dataclass(frozen=True, slots=True)
class Objective:
    """One SLO, ready to be compiled.

    Attributes:
        name, model, team, failure_mode: the labels of its alerts.
        sli: what is measured.
        definition: eight hexadecimal digits that change with what is counted, and with nothing else.
        target: the share of events that has to be good, as it is written.
        budget: the share of events that may be bad; more than 0, less than 1.
        period, scrape: milliseconds.
        pulse: milliseconds between two evaluations of its alerts, and two records that they read.
        step: milliseconds between two records of its budget; where slices of time are counted, also of its alerts.
        windows: the document of its tiers.
        tiers: those that can fire, fastest first.
        keep_firing_for: milliseconds.
        min_bad: how many bad events a long window must hold.
        document: where it is written.
        exclusions: what is left out of its budget, and not of its alerts.
        sloth: service and name in Sloth, under whose names it is recorded too; None where it is not.
        cap: how many groups are counted by themselves; 0 where events are not grouped.
    """

    name: str
    model: str
    team: str
    failure_mode: str
    sli: Sli
    definition: str
    target: Percent
    budget: Fraction
    period: int
    pulse: int
    step: int
    scrape: int
    windows: Document[AlertWindowsSpec]
    tiers: tuple[BurnTier, ...]
    keep_firing_for: int
    min_bad: int
    document: Document[SLOSpec]
    cap: int = 0
    exclusions: tuple[Excluded, ...] = ()
    sloth: tuple[str, str] | None = None

    @property
    def delay(self) -> int:
        """Milliseconds by which records lie back, so that scrapes that take as long are counted."""
        return 0 if isinstance(self.sli, Slices) else self.scrape // _PART_OF_A_SCRAPE

    @property
    def worst_severity(self) -> Literal["page", "ticket"]:
        """The worst that a tier of it may say, and so what it is worth that nobody looks at it any more."""
        return "page" if any(tier.severity == "page" for tier in self.tiers) else "ticket"


def resolve(workspace: Workspace, slo: Document[SLOSpec]) -> tuple[Objective | None, tuple[Finding, ...]]:
    """The objective of an SLO, or None with the errors that stand in its way; warnings come with either.

    The workspace's references are expected to be whole, as `load` finds; where one dangles, there is no objective
    and nothing more is said.
    """
    spec = slo.spec
    model = workspace.models.get(spec.model)
    promise = promised(workspace, slo)
    if model is None or promise is None:
        return None, ()
    findings: list[Finding] = []
    sliced = is_sliced(workspace, slo)
    least = spec.min_bad_events or (_MIN_BAD_SLICES if sliced else _MIN_BAD_EVENTS)
    if not 0 < promise.objective.value < 100:  # noqa: PLR2004  # percent
        findings.append(_no_budget(promise))
    windows, problem = _windows(workspace, promise)
    if problem is not None:
        findings.append(problem)
    planned = None
    scrape = workspace.config.prometheus.scrape_interval.milliseconds
    if not findings and windows is not None:
        slices = least if sliced else 0
        planned = plan(windows.spec, promise.objective, promise.period.milliseconds, scrape, slices)
        findings += [_window_finding(promise, planned, index) for index in range(len(planned.problems))]
    clock = Clock(planned.step if planned else 0, scrape, scrape // _PART_OF_A_SCRAPE)
    sli, problems = sli_of(workspace, slo, model, clock)
    findings += problems
    refused = any(finding.severity == "error" for finding in findings)
    if refused or sli is None or planned is None or windows is None:
        return None, tuple(findings)
    objective = Objective(
        name=slo.name,
        model=model.name,
        team=model.spec.owner,
        failure_mode=spec.stands_for,
        sli=sli,
        definition=_definition(sli),
        target=promise.objective,
        budget=planned.budget,
        period=promise.period.milliseconds,
        pulse=planned.pulse,
        step=planned.step,
        scrape=scrape,
        windows=windows,
        tiers=planned.tiers,
        keep_firing_for=windows.spec.keep_firing_for.milliseconds,
        min_bad=least,
        document=slo,
        exclusions=exclusions_of(workspace, slo) if workspace.exclusions else (),
        sloth=_sloth(workspace, slo),
        cap=spec.group_by.cap if spec.group_by else 0,
    )
    return objective, tuple(findings)


def _sloth(workspace: Workspace, slo: Document[SLOSpec]) -> tuple[str, str] | None:
    if (slo.spec.names or workspace.config.output.names) != "sloth":
        return None
    known = slo.spec.sloth
    return (known.service, known.slo) if known is not None else (slo.spec.model, slo.name)


def _definition(sli: Sli) -> str:
    counted = f"{sli.bad(_HASHED_WINDOW)}\n{sli.total(_HASHED_WINDOW)}"
    return hashlib.sha256(counted.encode()).hexdigest()[:8]


def _no_budget(promise: Promised) -> Finding:
    message = f"an objective of {promise.objective} leaves no error budget to burn"
    if not promise.objective.value:
        message = "an objective of 0% allows everything to fail"
    return Finding(codes.NO_BUDGET, message, promise.at("objective"), "above 0% and below 100%, such as 99.9%")


_OWN_WINDOWS = "write an AlertWindows with this period; its tiers have to suit the recording step"


def _windows(workspace: Workspace, promise: Promised) -> tuple[Document[AlertWindowsSpec] | None, Finding | None]:
    period = promise.period
    if promise.alerting is not None:
        return workspace.windows.get(promise.alerting), None
    fitting = [windows for windows in workspace.windows.values() if windows.spec.period == period]
    own = [windows for windows in fitting if not windows.shipped] or fitting
    if len(own) == 1:
        return own[0], None
    place = promise.at("period")
    if not own:
        known = sorted({w.spec.period for w in workspace.windows.values() if w.spec.period is not None}, reverse=True)
        scrape = workspace.config.prometheus.scrape_interval.milliseconds
        document = pasted((one.spec for one in workspace.windows.values()), period.milliseconds, scrape)
        hint = f"paste these, and they are the default of {period}: {document}" if document else _OWN_WINDOWS
        expected = "a period with windows of its own: " + ", ".join(map(str, known))
        return None, Finding(codes.NO_WINDOWS, f"no alert windows are for a period of {period}", place, expected, hint)
    names = ", ".join(windows.name for windows in own)
    message = f"several alert windows are for a period of {period}: {names}"
    return None, Finding(codes.AMBIGUOUS_WINDOWS, message, place, "one of them, named by spec.alerting")


_PROBLEM_CODES = {
    "below-step": codes.WINDOW_BELOW_STEP,
    "beyond-period": codes.WINDOW_BEYOND_PERIOD,
    "rounded": codes.WINDOWS_ROUNDED,
    "cannot-fire": codes.TIER_CANNOT_FIRE,
    "none-left": codes.NO_TIER_LEFT,
}


def _window_finding(promise: Promised, planned: Plan, index: int) -> Finding:
    problem = planned.problems[index]
    key = "objective" if problem.kind in {"cannot-fire", "none-left"} else "alerting" if promise.alerting else "period"
    message = f"{promise.slo.name}: {problem.message}"
    return Finding(_PROBLEM_CODES[problem.kind], message, promise.at(key), problem.expected, problem.hint)
