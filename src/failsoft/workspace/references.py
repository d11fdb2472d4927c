"""Whether the documents of a workspace fit together: every name exists, and every runbook can be reached."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from failsoft.findings import Finding
from failsoft.workspace import codes
from failsoft.workspace.answering import answers, library_modes, modes_of
from failsoft.workspace.decode import nearest
from failsoft.workspace.kinds import DriftMonitorSpec, ModelSpec
from failsoft.workspace.kinds.runbook import Step
from failsoft.workspace.model import Document, Workspace

__all__ = [
    "Lacking",
    "check_references",
    "lacks",
    "lacks_without",
]

_OWN = frozenset({"gauge", "events", "freshness"})
_OPERATORS = ("=~", "!~", "!=", "=")


def check_references(workspace: Workspace) -> list[Finding]:
    """All findings about names, over all documents."""
    checks = (
        _models,
        _engines,
        _locks,
        _classes,
        _slos,
        _exclusions,
        _alerts,
        _monitors,
        _probes,
        _experiments,
        _runbooks,
    )
    return [finding for check in checks for finding in check(workspace)]


def _known(
    workspace: Workspace, document: Document[Any], name: str | None, kind: str, valid: Collection[str], *path: str | int
) -> Iterator[Finding]:
    if name is not None and name not in valid and not workspace.may_hold(kind, name):
        message = f"there is no {kind} {name!r}"
        few = 12
        known = (
            "known: " + ", ".join(sorted(valid)) if 0 < len(valid) <= few else "there is none yet" if not valid else ""
        )
        hint = nearest(name, list(valid)) or known
        yield Finding(codes.DANGLING, message, document.at("spec", *path), f"the name of a document {kind}", hint)


def _models(workspace: Workspace) -> Iterator[Finding]:
    for model in workspace.models.values():
        spec = model.spec
        yield from _known(workspace, model, spec.engine, "Engine", workspace.engines, "engine")
        yield from _known(workspace, model, spec.owner, "Team", workspace.teams, "owner")
        yield from _known(workspace, model, spec.fallback, "Model", workspace.models, "fallback")
        yield from _selected(model)
        if spec.fallback == model.name:
            yield Finding(
                codes.UNSUPPORTED, "a model cannot be its own fallback", model.at("spec", "fallback"), "another Model"
            )


def _engines(workspace: Workspace) -> Iterator[Finding]:
    """The engines that Models use and no server proved; a lock is evidence that somebody looked at one."""
    locked = {lock.spec.engine for lock in workspace.locks.values()}
    first: dict[str, Document[ModelSpec]] = {}
    for model in workspace.models.values():
        first.setdefault(model.spec.engine, model)
    for name, model in first.items():
        engine = workspace.engines.get(name)
        if engine is None or not engine.spec.mark or name in locked:
            continue
        read = {"code": "its code", "documentation": "its documentation"}[engine.spec.source.evidence]
        message = f"what is known of the engine {name} was read from {read}, and is unverified"
        hint = f"compare it with yours: failsoft catalog verify {name} URL"
        yield Finding(codes.UNVERIFIED, message, model.at("spec", "engine"), hint=hint)


def _selected(model: Document[ModelSpec]) -> Iterator[Finding]:
    """Values of labels that select something else than their author meant."""
    for label, value in model.spec.select.items():
        place = model.at("spec", "select", label)
        operator = next((sign for sign in _OPERATORS if value.startswith(sign)), "")
        if not value:
            message = f"spec.select.{label} is empty, and selects the series without that label"
            yield Finding(codes.WRONG_VALUE, message, place, "the value that the model's series have")
        elif operator:
            message = f"spec.select.{label} begins with {operator}, and is compared as text all the same"
            hint = "write one Model for each value; or a label that all series of the model have in common"
            yield Finding(codes.LITERAL, message, place, "the value as it stands in the series", hint)


def _classes(workspace: Workspace) -> Iterator[Finding]:
    for one in workspace.classes.values():
        yield from _known(workspace, one, one.spec.alerting, "AlertWindows", workspace.windows, "alerting")


def _slos(workspace: Workspace) -> Iterator[Finding]:
    for slo in workspace.slos.values():
        spec = slo.spec
        yield from _known(workspace, slo, spec.model, "Model", workspace.models, "model")
        yield from _known(workspace, slo, spec.class_, "ServiceClass", workspace.classes, "class")
        yield from _known(workspace, slo, spec.alerting, "AlertWindows", workspace.windows, "alerting")
        if spec.indicator.drift is not None:
            yield from _drift(workspace, slo)
            continue
        model = workspace.models.get(spec.model)
        engine = workspace.engines.get(model.spec.engine) if model else None
        if engine is not None and spec.indicator.choice not in _OWN:
            yield from _exported(slo, engine)


def _exported(slo: Document[Any], engine: Document[Any]) -> Iterator[Finding]:
    """What an SLO asks for and its engine does not export."""
    indicator, there = slo.spec.indicator, engine.spec.indicators.named()
    goodput = indicator.goodput
    parts = [part for part in ("ttft", "tpot", "e2e") if goodput and getattr(goodput, part) is not None]
    for name in [indicator.key] if goodput is None else ["availability", *parts]:
        if name not in there:
            path = [indicator.key, name] if name in parts else [indicator.key]
            yield Finding(
                codes.UNSUPPORTED,
                f"the engine {engine.name}{engine.spec.mark} exports nothing for {name}",
                slo.at("spec", "indicator", *path, key=True),
                f"one of {', '.join(there)}" if there else "another engine",
                engine.spec.missing.get(name, ""),
            )


def _locks(workspace: Workspace) -> Iterator[Finding]:
    for lock in workspace.locks.values():
        yield from _known(workspace, lock, lock.spec.engine, "Engine", workspace.engines, "engine")
        for position, name in enumerate(lock.spec.models):
            yield from _known(workspace, lock, name, "Model", workspace.models, "models", position)
        engine = workspace.engines.get(lock.spec.engine)
        parts = (("bounds", lock.spec.bounds), ("native", lock.spec.native))
        named = [(lock.at("spec", part, family, key=True), family) for part, held in parts for family in held]
        named += [(lock.at("spec", "custom", index), family) for index, family in enumerate(lock.spec.custom)]
        for place, family in named if engine else ():
            known = engine.spec.families.get(family) if engine else None
            if known is None or known.type != "histogram":
                message = f"the engine {lock.spec.engine} has no histogram {family}"
                yield Finding(codes.UNSUPPORTED, message, place, "a histogram among the families of its engine")


def _alerts(workspace: Workspace) -> Iterator[Finding]:
    for rule in workspace.alert_rules.values():
        yield from _known(workspace, rule, rule.spec.owner, "Team", workspace.teams, "owner")
    document, named = workspace.document, workspace.config.alerts
    if document is not None:
        yield from _known(workspace, document, named.owner, "Team", workspace.teams, "alerts", "owner")
        for position, name in enumerate(named.off):
            yield from _known(workspace, document, name, "AlertRule", workspace.alert_rules, "alerts", "off", position)


def _exclusions(workspace: Workspace) -> Iterator[Finding]:
    for one in workspace.exclusions.values():
        for position, name in enumerate(one.spec.slos):
            yield from _known(workspace, one, name, "SLO", workspace.slos, "slos", position)
        for position, name in enumerate(one.spec.models):
            yield from _known(workspace, one, name, "Model", workspace.models, "models", position)
        yield from _known(workspace, one, one.spec.experiment, "Experiment", workspace.experiments, "experiment")


def _drift(workspace: Workspace, slo: Document[Any]) -> Iterator[Finding]:
    drift = slo.spec.indicator.drift
    yield from _known(
        workspace, slo, drift.monitor, "DriftMonitor", workspace.monitors, "indicator", "drift", "monitor"
    )
    monitor = workspace.monitors.get(drift.monitor)
    if monitor is None:
        return
    yield from _drifting(workspace, slo, monitor.spec)
    if monitor.spec.model != slo.spec.model:
        message = f"the monitor {monitor.name} watches the model {monitor.spec.model}"
        yield Finding(codes.UNSUPPORTED, message, slo.at("spec", "model"), f"the model {monitor.spec.model}")


_SERVED = ("psi", "tvd", "ks")
_COUNTED = ("psi", "tvd", "js", "missing", "new", "excess")
_SCORED = ("psi", "tvd", "js", "ks", "missing", "new")
_ALL = "all"


def _drifting(workspace: Workspace, slo: Document[Any], monitor: DriftMonitorSpec) -> Iterator[Finding]:
    """Whether what the SLO reads is what the monitor has: a score that nobody records would be a blind SLO."""
    drift, path = slo.spec.indicator.drift, ("indicator", "drift")
    how, there = next(
        (how, there)
        for way, how, there in (
            (monitor.signals, "asks Prometheus", _SERVED),
            (monitor.counted, "counts bins", _COUNTED),
            (monitor.scored, "is a job's", _SCORED),
        )
        if way not in ((), None)
    )
    if drift.statistic not in there:
        message = f"there is no {drift.statistic} of the monitor {drift.monitor}, which {how}"
        yield Finding(codes.UNSUPPORTED, message, slo.at("spec", *path, "statistic"), f"one of {', '.join(there)}")
    if monitor.counted is not None and drift.signal == _ALL:
        if drift.below is not None and drift.statistic in {*there} - {"excess"}:
            message = f"all features have no {drift.statistic} together"
            yield Finding(
                codes.UNSUPPORTED, message, slo.at("spec", *path, "signal"), "a feature, or statistic: excess"
            )
    elif monitor.named:
        kind = "signal" if monitor.signals else "feature"
        yield from _known(workspace, slo, drift.signal, kind, monitor.named, *path, "signal")


def _monitors(workspace: Workspace) -> Iterator[Finding]:
    for monitor in workspace.monitors.values():
        spec = monitor.spec
        yield from _known(workspace, monitor, spec.model, "Model", workspace.models, "model")
        at = workspace.root / spec.reference
        if not (at.is_file() or (at.is_dir() and (not spec.signals or spec.revision is not None))):
            yield Finding(
                codes.DANGLING,
                f"there is no file {spec.reference}",
                monitor.at("spec", "reference"),
                "a reference profile, relative to the workspace",
                "make one with `failsoft drift learn`" if spec.signals else "make one with `failsoft drift fit`",
            )
        model = workspace.models.get(spec.model)
        engine = workspace.engines.get(model.spec.engine) if model else None
        for position, signal in enumerate(spec.signals if engine else ()):
            valid = engine.spec.signals if engine else {}
            yield from _known(workspace, monitor, signal, "signal", valid, "signals", position)


def _probes(workspace: Workspace) -> Iterator[Finding]:
    for probe in workspace.probes.values():
        yield from _known(workspace, probe, probe.spec.model, "Model", workspace.models, "model")
        if not (workspace.root / probe.spec.answers).is_file():
            yield Finding(
                codes.DANGLING,
                f"there is no file {probe.spec.answers}",
                probe.at("spec", "answers"),
                "the stored answers, relative to the workspace",
                f"make it with `failsoft probe learn {probe.name}`",
            )


def _experiments(workspace: Workspace) -> Iterator[Finding]:
    for experiment in workspace.experiments.values():
        spec = experiment.spec
        target = spec.fault.chosen.model
        path = ("fault", "spotReclaim", "model")
        yield from _known(workspace, experiment, target, "Model", workspace.models, *path)
        model = workspace.models.get(target)
        if model is not None and model.spec.workload is None:
            yield Finding(
                codes.UNSUPPORTED,
                f"the model {target} names no workload",
                experiment.at("spec", *path),
                "a model with spec.workload",
                f"add it at {model.at('spec', key=True)}",
            )
        judged = any(slo.spec.model == target for slo in workspace.slos.values()) or workspace.may_hold("SLO")
        if model is not None and not judged:
            yield Finding(
                codes.UNSUPPORTED,
                f"the model {target} has no SLO to judge by",
                experiment.at("spec", *path),
                "a model with an SLO",
            )
        expect = spec.expect
        if expect.alert is not None:
            yield from _known(workspace, experiment, expect.alert.slo, "SLO", workspace.slos, "expect", "alert", "slo")
        yield from _known(workspace, experiment, expect.asked, "Team", workspace.teams, "expect", "asked")
        yield from _known(workspace, experiment, expect.runbook, "Runbook", workspace.runbooks, "expect", "runbook")


def _runbooks(workspace: Workspace) -> Iterator[Finding]:
    for runbook in workspace.runbooks.values():
        match = runbook.spec.answers
        for position, name in enumerate(match.slos):
            yield from _known(workspace, runbook, name, "SLO", workspace.slos, "answers", "slos", position)
        for position, name in enumerate(match.models):
            yield from _known(workspace, runbook, name, "Model", workspace.models, "answers", "models", position)
        reached = [slo for slo in workspace.slos.values() if answers(runbook, slo)]
        heard = {workspace.alert_rules[name].spec.failure_mode for name in library_modes(workspace)}
        others = [] if match.slos else sorted(heard & set(match.failure_modes))
        if others and not reached:
            yield from _without_slo(runbook, others)
        if not reached and not others and not runbook.shipped and not workspace.may_hold("SLO"):
            modes = sorted({mode for slo in workspace.slos.values() for mode in modes_of(slo)})
            yield Finding(
                codes.UNREACHABLE,
                f"no alert can reach the runbook {runbook.name}",
                runbook.at("spec", "answers", key=True),
                "an answer to an SLO of this workspace",
                "failure modes here: " + ", ".join(modes) if modes else "write an SLO",
            )
        for position, step in enumerate(runbook.spec.steps):
            yield from _step(workspace, runbook, reached, position, step)


def _without_slo(runbook: Document[Any], modes: list[str]) -> Iterator[Finding]:
    """Steps that need the SLO of the alert, in a runbook that answers alerts without one only."""
    for position, step in enumerate(runbook.spec.steps):
        if step.verify is not None and step.verify.slo == "this":
            message = f"the alerts of {', '.join(modes)} have no SLO to verify"
            place = runbook.at("spec", "steps", position, "verify", key=True)
            yield Finding(codes.UNSUPPORTED, message, place, "verify: {slo: NAME}")


def _step(
    workspace: Workspace, runbook: Document[Any], reached: list[Document[Any]], position: int, step: Any
) -> Iterator[Finding]:
    if step.verify is not None and step.verify.slo != "this":
        yield from _known(
            workspace, runbook, step.verify.slo, "SLO", workspace.slos, "steps", position, "verify", "slo"
        )
    for slo in reached:
        model = workspace.models.get(slo.spec.model)
        lacking = lacks(workspace, model, step) if model is not None else None
        if model is not None and lacking is not None:
            yield Finding(
                codes.UNSUPPORTED,
                lacking.message,
                runbook.at("spec", "steps", position, lacking.key, key=True),
                lacking.expected,
                f"complete {model.at('spec', key=True)}",
            )


class Lacking(NamedTuple):
    """What a model does not declare and a step needs: the step's key, and two sentences about it."""

    key: str
    message: str
    expected: str


def lacks_without(model: Document[ModelSpec] | None, step: Step) -> Lacking | None:
    """What a step cannot do for an alert without an SLO, and without a Model where there is none."""
    if step.verify is not None and step.verify.slo == "this":
        return Lacking("verify", "the alert has no SLO to verify", "verify: {slo: NAME}")
    if model is not None:
        return None
    query = step.query is not None and ("{selector}" in step.query.promql or "{model}" in step.query.promql)
    if query or step.inspect is not None or step.scale is not None or step.shift_traffic is not None:
        return Lacking(step.choice, "the alert names no model", "an alert about a model")
    return None


def lacks(workspace: Workspace, model: Document[ModelSpec], step: Step) -> Lacking | None:
    """What a step cannot do with a model: a workload to scale, a route to shift; None where nothing is in the way."""
    fallback = workspace.models.get(model.spec.fallback or "")
    if fallback is None and model.spec.fallback and workspace.may_hold("Model", model.spec.fallback):
        return None
    if step.shift_traffic is not None:
        routes = [
            one.spec.route.http_route for one in (model, fallback) if one is not None and one.spec.route is not None
        ]
        if len(routes) != 2 or routes[0] != routes[1]:  # noqa: PLR2004  # the model and its fallback
            expected = "a model with a fallback, both with a route to the same HTTPRoute"
            return Lacking("shiftTraffic", f"the model {model.name} cannot shift traffic", expected)
    if step.scale is not None:
        target = fallback if step.scale.model == "fallback" else model
        if target is None or target.spec.workload is None:
            return Lacking("scale", f"the model {model.name} has nothing to scale", "a model with spec.workload")
    return None
