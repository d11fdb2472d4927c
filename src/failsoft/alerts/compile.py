"""A workspace compiled: every file that Prometheus and Alertmanager need, as values, and everything wrong with it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched
from types import MappingProxyType
from typing import TYPE_CHECKING

from failsoft.alerts import codes
from failsoft.alerts.alertmanager import alertmanager_file
from failsoft.alerts.burn import alerts_of, groups_of
from failsoft.alerts.dashboards import dashboard_files
from failsoft.alerts.down import down_groups, down_scenarios
from failsoft.alerts.library import Answered, matchers_of, owners, shelf
from failsoft.alerts.messages import links_of
from failsoft.alerts.presence import RULES_FILE as PRESENCE_FILE
from failsoft.alerts.presence import presence_groups
from failsoft.alerts.presence_stories import names_of, presence_scenarios
from failsoft.alerts.proof import proof_file
from failsoft.alerts.rules import MAX_RULES, Alert, Group, rule_file, whole_file
from failsoft.alerts.scenarios import budget_scenario, scenarios_of
from failsoft.alerts.shape import shape_by, shape_of
from failsoft.alerts.snapshots import snapshots_of
from failsoft.alerts.stencils import Stencils
from failsoft.findings import Finding, Place
from failsoft.slo.exclusions import judge_exclusions
from failsoft.slo.presence import presences
from failsoft.slo.records import exclusion_records
from failsoft.slo.resolve import Objective, resolve
from failsoft.slo.series import GROUPS
from failsoft.slo.sloth import taken_ids
from failsoft.workspace.model import Workspace
from failsoft.workspace.spread import Spread

if TYPE_CHECKING:
    from failsoft.drift.alarms.stored import StoredCalibration
    from failsoft.drift.profile import ReferenceProfile

__all__ = ["ALERTMANAGER_FILE", "Compiled", "Unit", "compile_workspace"]

ALERTMANAGER_FILE = "alertmanager.yaml"

_CONFIGURATION = "failsoft.yaml"
_ONCE_A_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Unit:
    """The alerts of an SLO, with their proof.

    Attributes:
        subject: the SLO; `_failsoft` for the watch on failsoft itself.
        rules, tests: the files, relative to the output folder; `tests` is empty where none were asked for.
        place: where it is declared.
        names: the name of each of its alerts.
        make: makes the alerts themselves, which takes time and is often not asked for.
        beside: further test files: of its budget, which is recorded at another pace, and of its windows.
        shape: the same for those whose proofs differ in names only; empty where nothing else is like it.
    """

    subject: str
    rules: str
    tests: str
    place: Place
    names: tuple[str, ...]
    make: Callable[[], tuple[Alert, ...]] = field(compare=False)
    beside: tuple[str, ...] = ()
    shape: str = ""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its alerts."""
        return self.make()


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a workspace compiles to.

    Attributes:
        files: the text of each file by its path, relative to the output folder, in sorted order.
        units: what is proven by itself.
        objectives: the SLOs that were compiled.
    """

    files: Mapping[str, str]
    units: tuple[Unit, ...]
    objectives: tuple[Objective, ...]


def compile_workspace(  # noqa: PLR0913  # what is made, and how
    workspace: Workspace,
    runbooks: Mapping[str, str],
    *,
    answered: Mapping[str, Answered] = MappingProxyType({}),
    rules: bool = True,
    tests: bool = True,
    references: "Mapping[str, Sequence[ReferenceProfile]] | None" = None,
    calibrations: "Mapping[str, Mapping[str, StoredCalibration]]" = MappingProxyType({}),
    unchanged: Collection[str] = (),
    spread: Spread = map,
) -> tuple[Compiled, tuple[Finding, ...]]:
    """Compile every SLO that can be.

    One rule file for each model: its owner finds all of it in one place, and neither Prometheus nor a file system has
    to deal with thousands of files. One test file for each SLO: each is proven by itself, and side by side.

    Args:
        workspace: without dangling references, as `load` finds them.
        runbooks: SLO -> the runbook that answers its alerts.
        answered: who answers alerts that are no SLO's, by failure mode: these go to failsoft alone, and past it while
            it is down.
        rules: whether to write the rules of SLOs; without them, all that is wrong is said all the same.
        tests: whether to write the tests too.
        unchanged: models whose rules are there already, and are not made again; there is no unit of their SLOs.
        spread: how models are compiled with their tests: one after the other, or side by side.
        calibrations: by monitor, and by the digest of a profile: that which was made with it, where there is one.
        references: by the name of a drift monitor whose bins are counted, the profiles that it compares with; a monitor
            without any is left out.
    """
    findings: list[Finding] = []
    files: dict[str, str] = {}
    objectives: list[Objective] = []
    by_model: dict[str, list[Objective]] = {}
    for slo in workspace.slos.values():
        objective, problems = resolve(workspace, slo)
        findings += problems
        if objective is None:
            continue
        objectives.append(objective)
        by_model.setdefault(objective.model, []).append(objective)
        if not runbooks.get(slo.name):
            findings.append(_no_runbook(objective))
    findings += taken_ids(objectives)
    made: dict[str, Unit] = {}
    models = [of for model, of in by_model.items() if rules and model not in unchanged]
    of_model = partial(_of_model, workspace, runbooks)
    alone = partial(_unproven, workspace, runbooks, Stencils(workspace.config))
    for written, units in spread(of_model, models) if tests else map(alone, models):
        files |= written
        made |= {unit.subject: unit for unit in units}
    watch = _watch(workspace, tuple(objectives), answered, files, tests=tests)
    findings += judge_exclusions(workspace)
    files |= _exclusions(workspace)
    there, problems = _models(workspace, objectives, files, tests=tests)
    findings += problems
    others = shelf(workspace, tests=tests)
    files |= others.files
    counted, more = _counted(workspace, references or {}, calibrations, files, tests=tests)
    findings += [*_unwatched(workspace), *others.findings, *more]
    text, problems = alertmanager_file(workspace, objectives, answered, origin=_CONFIGURATION)
    files[ALERTMANAGER_FILE] = text
    files |= dashboard_files()
    findings += problems
    ordered = tuple(sorted(dict.fromkeys(findings), key=lambda finding: (finding.place, finding.code.id)))
    return Compiled(
        dict(sorted(files.items())),
        (
            *(made[objective.name] for objective in objectives if objective.name in made),
            *there,
            *watch,
            *counted,
            *(_unit(*one) for one in others.topics),
        ),
        tuple(objectives),
    ), ordered


def _of_model(
    workspace: Workspace, runbooks: Mapping[str, str], objectives: Sequence[Objective]
) -> tuple[dict[str, str], list[Unit]]:
    """The rule file of a model, and the proof of each of its SLOs."""
    rules = _rules_of(objectives[0])
    files: dict[str, str] = {}
    units: list[Unit] = []
    written: list[Group] = []
    for objective in objectives:
        groups = _groups(workspace, objective, runbooks.get(objective.name, ""))
        unit = _unit(objective.name, rules, "", alerts_of(groups), objective.document.at("metadata", "name"))
        units.append(_proven(workspace, objective, groups, unit, files))
        written += groups
    files[rules] = rule_file(written, origin=_origin(units))
    return files, units


def _unproven(
    workspace: Workspace, runbooks: Mapping[str, str], stencils: Stencils, objectives: Sequence[Objective]
) -> tuple[dict[str, str], list[Unit]]:
    """The rule file of a model alone."""
    rules = _rules_of(objectives[0])
    units: list[Unit] = []
    written: list[str] = []
    for objective in objectives:
        runbook = runbooks.get(objective.name, "")
        text, names = stencils.text(objective, runbook)
        written.append(text)
        make = partial(_alerts, workspace, objective, runbook)
        units.append(Unit(objective.name, rules, "", objective.document.at("metadata", "name"), names, make))
    return {rules: whole_file(written, origin=_origin(units))}, units


def _rules_of(objective: Objective) -> str:
    return f"rules/{objective.model}.yaml"


def _origin(units: Sequence[Unit]) -> str:
    return ", ".join(dict.fromkeys(unit.place.path for unit in units))


def _groups(workspace: Workspace, objective: Objective, runbook: str) -> tuple[Group, ...]:
    return groups_of(objective, links_of(workspace.config, objective, runbook))


def _alerts(workspace: Workspace, objective: Objective, runbook: str) -> tuple[Alert, ...]:
    return alerts_of(_groups(workspace, objective, runbook))


def _unit(subject: str, rules: str, tests: str, alerts: tuple[Alert, ...], place: Place) -> Unit:
    return Unit(subject, rules, tests, place, tuple(alert.name for alert in alerts), partial(tuple, alerts))


def _proven(
    workspace: Workspace, objective: Objective, groups: tuple[Group, ...], unit: Unit, files: dict[str, str]
) -> Unit:
    """The unit with its proofs, which are added to the files.

    Alerts and budget are recorded at their own paces, windows are looked at once, and promtool evaluates all of a test
    file at one pace.
    """
    alerting = [group for group in groups if alerts_of((group,))]
    others = [group for group in groups if group not in alerting]
    if any(tier.long == objective.period for tier in objective.tiers):
        # the error ratio of the period is recorded among the alerts, at their pace
        others = [*alerting, *others]
    else:
        # a budget of groups reads which of them are counted by themselves
        others += [group for group in alerting if any(rule.name == GROUPS for rule in group.rules)]
    stories, budget = scenarios_of(objective, groups), budget_scenario(objective, groups)
    windows = snapshots_of(objective)
    tests, *beside = (f"tests/{objective.name}.{kind}test.yaml" for kind in ("", "budget.", "windows."))
    for path, evaluated, told, once in (
        (tests, alerting, stories, 0),
        (beside[0], others, (budget,), 0),
        (beside[1], groups, windows.scenarios, windows.at),
    ):
        files[path] = proof_file(
            objective.name,
            f"../{unit.rules}",
            evaluated,
            told,
            origin=unit.place.path,
            each=objective.cap + 1,
            once=once,
        )
    select = tuple(workspace.models[objective.model].spec.select.items())
    shape = shape_of(objective, groups, (*stories, budget, *windows.scenarios), select)
    return replace(unit, tests=tests, beside=tuple(beside), shape=shape)


def _watch(
    workspace: Workspace,
    objectives: tuple[Objective, ...],
    answered: Mapping[str, Answered],
    files: dict[str, str],
    *,
    tests: bool,
) -> tuple[Unit, ...]:
    others = matchers_of(answered, workspace.models, "page")
    fleet = owners(workspace) if others else frozenset[str]()
    groups = down_groups(objectives, workspace.config.server.url, others, fleet)
    if not groups:
        return ()
    # no SLO can have a name that begins with _
    rules, proof = "rules/_failsoft.yaml", "tests/_failsoft.test.yaml" if tests else ""
    files[rules] = rule_file(groups, origin=_CONFIGURATION)
    if proof:
        scenarios = down_scenarios(groups)
        files[proof] = proof_file("failsoft", f"../{rules}", groups, scenarios, origin=_CONFIGURATION)
    return (_unit("_failsoft", rules, proof, alerts_of(groups), Place(_CONFIGURATION)),)


def _counted(
    workspace: Workspace,
    references: "Mapping[str, Sequence[ReferenceProfile]]",
    calibrations: "Mapping[str, Mapping[str, StoredCalibration]]",
    files: dict[str, str],
    *,
    tests: bool,
) -> tuple[list[Unit], list[Finding]]:
    """The drift monitors whose bins are counted; their files are added."""
    monitors = [monitor for monitor in workspace.monitors.values() if references.get(monitor.name)]
    if not monitors:
        return [], []
    from failsoft.alerts.drift.compile import monitor_files  # it needs numpy and scipy

    units: list[Unit] = []
    findings: list[Finding] = []
    for monitor in monitors:
        kept = calibrations.get(monitor.name, {})
        made, problems = monitor_files(workspace, monitor, references[monitor.name], kept=kept, tests=tests)
        findings += problems
        if made is not None:
            files |= made.files
            units.append(_unit(made.subject, made.rules, made.tests, (), made.place))
    return units, findings


def _models(
    workspace: Workspace, objectives: list[Objective], files: dict[str, str], *, tests: bool
) -> tuple[tuple[Unit, ...], tuple[Finding, ...]]:
    """What says whether Models are there: one rule file for all of them, and a proof for each."""
    known, findings = presences(workspace, objectives)
    if not known:
        return (), findings
    runbooks: dict[str, str] = {}
    for book in workspace.runbooks.values():
        if not book.spec.answers.slos and not book.spec.answers.models:
            for mode in book.spec.answers.failure_modes:
                runbooks.setdefault(mode, book.name)
    units: list[Unit] = []
    written: list[Group] = []
    for presence in known:
        groups = presence_groups(presence, workspace.config, runbooks)
        written += groups
        place = workspace.models[presence.model].at("metadata", "name")
        subject = f"_models-{presence.model}"
        unit = _unit(subject, PRESENCE_FILE, "", alerts_of(groups), place)
        if tests:
            scenarios = presence_scenarios(presence, groups)
            path = f"tests/{subject}.test.yaml"
            files[path] = proof_file(presence.model, f"../{PRESENCE_FILE}", groups, scenarios, origin=place.path)
            shape = shape_by(names_of(presence), groups[0].name, groups, scenarios)
            unit = replace(unit, tests=path, shape=shape)
        units.append(unit)
    files[PRESENCE_FILE] = rule_file(written, origin="models/")
    return tuple(units), findings


def _exclusions(workspace: Workspace) -> dict[str, str]:
    """The Exclusions themselves as series, with who says so and why, for dashboards."""
    records = exclusion_records(workspace)
    groups = [
        Group(f"_exclusions/{index}", _ONCE_A_MINUTE, tuple(part))
        for index, part in enumerate(batched(records, MAX_RULES))
    ]
    return {"rules/_exclusions.yaml": rule_file(groups, origin="Exclusions")} if groups else {}


def _no_runbook(objective: Objective) -> Finding:
    message = f"no runbook answers the alerts of {objective.name}"
    hint = f"write one with answers: {{failureModes: [{objective.failure_mode}]}}"
    place = objective.document.at("metadata", "name")
    return Finding(codes.NO_RUNBOOK, message, place, "a document of kind Runbook that answers them", hint)


def _unwatched(workspace: Workspace) -> list[Finding]:
    drifts = (slo.spec.indicator.drift for slo in workspace.slos.values())
    watched = {drift.monitor for drift in drifts if drift is not None}
    return [
        Finding(
            codes.MONITOR_WITHOUT_SLO,
            f"no SLO reads the drift monitor {monitor.name}, so neither its scores nor its silence alert anybody",
            monitor.at("metadata", "name"),
            "an SLO with indicator: {drift: {monitor: " + monitor.name + ", ...}}",
        )
        for monitor in workspace.monitors.values()
        if monitor.name not in watched and not monitor.shipped
    ]
