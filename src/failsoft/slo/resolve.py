"""From an SLO's document to an `Objective`: what is measured, over which windows, and everything wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.indicators import EventRatio, Score, Sli, Threshold
from failsoft.slo.promql import Matcher, le_matcher
from failsoft.slo.windows import BurnTier, Plan, plan
from failsoft.workspace.kinds import AlertWindowsSpec, ModelSpec, SLOSpec
from failsoft.workspace.kinds import engine as catalogue
from failsoft.workspace.model import Document, Workspace
from failsoft.workspace.quantities import Duration

__all__ = ["Objective", "resolve"]

_MIN_BAD_EVENTS = 5
_MIN_BAD_SLICES = 1
_STALE_EVALUATIONS = 3
_PART_OF_A_SCRAPE = 5
_RESERVED = {"le", "quantile", "__name__"}
_BELOW = {"s": Decimal(1000), "ms": Decimal(1)}

type Found = tuple[Sli | None, tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Objective:
    """One SLO, ready to be compiled.

    Attributes:
        name, model, team, failure_mode: the labels of its alerts.
        sli: what is measured.
        budget: the share of events that may be bad; more than 0, less than 1.
        period, step, scrape: milliseconds.
        windows: the document of its tiers.
        tiers: those that can fire, fastest first.
        keep_firing_for: milliseconds.
        min_bad: how many bad events a long window must hold.
        document: where it is written.
    """

    name: str
    model: str
    team: str
    failure_mode: str
    sli: Sli
    budget: Fraction
    period: int
    step: int
    scrape: int
    windows: Document[AlertWindowsSpec]
    tiers: tuple[BurnTier, ...]
    keep_firing_for: int
    min_bad: int
    document: Document[SLOSpec]

    @property
    def delay(self) -> int:
        """Milliseconds by which records lie back, so that scrapes that take as long are counted."""
        return 0 if isinstance(self.sli, Score) else self.scrape // _PART_OF_A_SCRAPE


def resolve(workspace: Workspace, slo: Document[SLOSpec]) -> tuple[Objective | None, tuple[Finding, ...]]:
    """The objective of an SLO, or None with the errors that stand in its way; warnings come with either.

    The workspace's references are expected to be whole, as `load` finds; where one dangles, there is no objective
    and nothing more is said.
    """
    spec = slo.spec
    model = workspace.models.get(spec.model)
    if model is None:
        return None, ()
    findings: list[Finding] = []
    if not 0 < spec.objective.value < 100:  # noqa: PLR2004  # percent
        findings.append(_no_budget(slo))
    windows, problem = _windows(workspace, slo)
    if problem is not None:
        findings.append(problem)
    planned = None
    if not findings and windows is not None:
        scrape = workspace.config.prometheus.scrape_interval.milliseconds
        slices = _least(spec) if spec.indicator.drift is not None else 0
        planned = plan(windows.spec, spec.objective, spec.period.milliseconds, scrape, slices)
        findings += [_window_finding(slo, planned, index) for index in range(len(planned.problems))]
    sli, problems = _sli(workspace, slo, model, planned.step if planned else 0)
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
        budget=1 - Fraction(spec.objective.ratio),
        period=spec.period.milliseconds,
        step=planned.step,
        scrape=workspace.config.prometheus.scrape_interval.milliseconds,
        windows=windows,
        tiers=planned.tiers,
        keep_firing_for=windows.spec.keep_firing_for.milliseconds,
        min_bad=_least(spec),
        document=slo,
    )
    return objective, tuple(findings)


def _least(spec: SLOSpec) -> int:
    return spec.min_bad_events or (_MIN_BAD_EVENTS if spec.indicator.drift is None else _MIN_BAD_SLICES)


def _no_budget(slo: Document[SLOSpec]) -> Finding:
    message = f"an objective of {slo.spec.objective} leaves no error budget to burn"
    if not slo.spec.objective.value:
        message = "an objective of 0% allows everything to fail"
    return Finding(codes.NO_BUDGET, message, slo.at("spec", "objective"), "above 0% and below 100%, such as 99.9%")


def _windows(workspace: Workspace, slo: Document[SLOSpec]) -> tuple[Document[AlertWindowsSpec] | None, Finding | None]:
    spec = slo.spec
    if spec.alerting is not None:
        return workspace.windows.get(spec.alerting), None
    fitting = [windows for windows in workspace.windows.values() if windows.spec.period == spec.period]
    own = [windows for windows in fitting if not windows.shipped] or fitting
    if len(own) == 1:
        return own[0], None
    place = slo.at("spec", "period")
    if not own:
        known = sorted({w.spec.period for w in workspace.windows.values() if w.spec.period is not None}, reverse=True)
        hint = "or name a document of kind AlertWindows with spec.alerting; it works for any period"
        expected = "a period with windows of its own: " + ", ".join(map(str, known))
        return None, Finding(
            codes.NO_WINDOWS, f"no alert windows are for a period of {spec.period}", place, expected, hint
        )
    names = ", ".join(windows.name for windows in own)
    message = f"several alert windows are for a period of {spec.period}: {names}"
    return None, Finding(codes.AMBIGUOUS_WINDOWS, message, place, "one of them, named by spec.alerting")


_PROBLEM_CODES = {
    "below-step": codes.WINDOW_BELOW_STEP,
    "beyond-period": codes.WINDOW_BEYOND_PERIOD,
    "rounded": codes.WINDOWS_ROUNDED,
    "cannot-fire": codes.TIER_CANNOT_FIRE,
    "none-left": codes.NO_TIER_LEFT,
}


def _window_finding(slo: Document[SLOSpec], planned: Plan, index: int) -> Finding:
    problem = planned.problems[index]
    key = "objective" if problem.kind in {"cannot-fire", "none-left"} else "alerting" if slo.spec.alerting else "period"
    message = f"{slo.name}: {problem.message}"
    return Finding(_PROBLEM_CODES[problem.kind], message, slo.at("spec", key), problem.expected, problem.hint)


def _sli(workspace: Workspace, slo: Document[SLOSpec], model: Document[ModelSpec], step: int) -> Found:
    indicator = slo.spec.indicator
    if indicator.drift is not None:
        return _score(workspace, slo, step), ()
    engine = workspace.engines.get(model.spec.engine)
    source = engine.spec.indicators.get(indicator.choice) if engine is not None else None
    wrong = _wrong_labels(model)
    if source is None or wrong:
        return None, wrong
    without = source.chosen.without
    select = {label: value for label, value in model.spec.select.items() if label not in without}
    if not select:
        return None, (_too_wide(slo, model, without),)
    if indicator.ttft is not None and source.threshold is not None:
        return _threshold(slo, source.threshold, select, indicator.ttft.below)
    if indicator.availability is not None and source.ratio is not None:
        return _ratio(slo, source.ratio, select), ()
    return None, (_wrong_source(slo, model),)


def _wrong_labels(model: Document[ModelSpec]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            codes.SELECTOR_NAME,
            f"{label!r} cannot select series",
            model.at("spec", "select", label, key=True),
            "a label that series have: letters, digits and _, no digit first",
        )
        for label in model.spec.select
        if label in _RESERVED or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label)
    )


def _too_wide(slo: Document[SLOSpec], model: Document[ModelSpec], without: tuple[str, ...]) -> Finding:
    lost = ", ".join(label for label in model.spec.select if label in without)
    message = f"{slo.name} would count every model: the metrics of {slo.spec.indicator.choice} have no label {lost}"
    return Finding(
        codes.SELECTOR_TOO_WIDE, message, model.at("spec", "select"), "another label too, such as job or namespace"
    )


def _wrong_source(slo: Document[SLOSpec], model: Document[ModelSpec]) -> Finding:
    choice = slo.spec.indicator.choice
    message = f"the engine {model.spec.engine} measures {choice} in a way that this SLO cannot use"
    return Finding(codes.NO_INDICATOR, message, slo.at("spec", "indicator", choice, key=True))


def _threshold(
    slo: Document[SLOSpec], source: catalogue.HistogramThreshold, select: Mapping[str, str], below: Duration
) -> Found:
    scale = _BELOW[source.unit]
    wanted = Decimal(below.milliseconds)
    bound = next((bound for bound in source.bounds if bound * scale == wanted), None)
    if bound is None:
        return None, (_off_bound(slo, source, below),)
    sentence = f"requests to {slo.spec.model} waited longer than {below} for their first token"
    return Threshold(source.family, _equal(select), le_matcher(bound), bound, sentence), ()


def _off_bound(slo: Document[SLOSpec], source: catalogue.HistogramThreshold, below: Duration) -> Finding:
    scale = _BELOW[source.unit]
    lower = max((bound for bound in source.bounds if bound * scale < below.milliseconds), default=None)
    upper = min((bound for bound in source.bounds if bound * scale > below.milliseconds), default=None)
    named, means = [], []
    if lower is not None:
        text = _time(lower * scale)
        named.append(text)
        means.append(f"{text} is stricter: requests between {text} and {below} would be bad too")
    if upper is not None:
        text = _time(upper * scale)
        named.append(text)
        means.append(f"{text} is looser: requests between {below} and {text} would be good too")
    message = f"{below} is no bucket bound of {source.family}"
    place = slo.at("spec", "indicator", "ttft", "below")
    return Finding(codes.OFF_BOUND, message, place, " or ".join(named), "; ".join(means))


def _time(milliseconds: Decimal) -> str:
    whole = milliseconds == milliseconds.to_integral_value()
    return str(Duration(int(milliseconds))) if whole else f"{milliseconds.normalize():f}ms"


def _ratio(slo: Document[SLOSpec], source: catalogue.EventRatio, select: Mapping[str, str]) -> EventRatio:
    chosen = _equal(select)
    total = tuple(Matcher.parse(label, text) for label, text in source.total_matchers.items())
    bad = tuple(Matcher.parse(label, text) for label, text in source.bad_matchers.items())
    return EventRatio(
        total_metric=source.total,
        total_matchers=(*chosen, *total),
        bad_metric=source.bad or source.total,
        bad_matchers=(*chosen, *total, *bad) if source.bad is None else (*chosen, *bad),
        total_example=tuple((dict(source.example) | dict(select)).items()),
        bad_example=tuple((source.bad_labels | dict(select)).items()),
        sentence=f"requests to {slo.spec.model} were answered with a server error",
    )


def _score(workspace: Workspace, slo: Document[SLOSpec], step: int) -> Score | None:
    drift = slo.spec.indicator.drift
    monitor = workspace.monitors.get(drift.monitor) if drift is not None else None
    if drift is None or monitor is None:
        return None
    stale = monitor.spec.stale_after or monitor.spec.every * _STALE_EVALUATIONS
    tolerance = f"{drift.below.normalize():f}"
    sentence = f"the time the {drift.signal} of {slo.spec.model} had a {drift.statistic.upper()} above {tolerance}"
    return Score(
        model=slo.spec.model,
        monitor=monitor.name,
        signal=drift.signal,
        statistic=drift.statistic,
        above=drift.below,
        stale_after=stale.milliseconds,
        slice=step,
        sentence=sentence,
    )


def _equal(select: Mapping[str, str]) -> tuple[Matcher, ...]:
    return tuple(Matcher(label, "=", value) for label, value in select.items())
