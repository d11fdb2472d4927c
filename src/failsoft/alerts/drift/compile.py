"""From a drift monitor and its reference profiles to a rule file, and to what stands in the way."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from failsoft.alerts.drift import codes
from failsoft.alerts.drift.monitored import Matters, Monitored, Reference
from failsoft.alerts.drift.proof import proof_text
from failsoft.alerts.drift.records import evaluation_records, window_records
from failsoft.alerts.rules import Group, rule_file
from failsoft.drift.alarms.analytic import Critical, Severities, calibrated_values, critical_values
from failsoft.drift.alarms.rules import Budget, Cadence
from failsoft.drift.alarms.stored import StoredCalibration
from failsoft.drift.codes import OTHER_MODEL
from failsoft.drift.counting.bins import bins_of
from failsoft.drift.counting.series import MISSING_BIN, OTHER_BIN, reference_label
from failsoft.drift.features import CategoricalReference
from failsoft.drift.profile import ReferenceProfile
from failsoft.findings import Finding, Place
from failsoft.slo.series import ALL_SIGNALS
from failsoft.workspace.kinds import DriftMonitorSpec
from failsoft.workspace.model import Document, Workspace
from failsoft.workspace.quantities import Duration

__all__ = ["MonitorFiles", "monitor_files", "monitored_of"]

_PART_OF_A_SCRAPE = 5
_SHARE_GROWN = 0.01


class MonitorFiles(NamedTuple):
    """What a counted monitor compiles to.

    Attributes:
        subject: no SLO can have such a name, which begins with _.
        rules, tests: the files, relative to the output folder; `tests` is empty where none were asked for.
        files: their text.
        place: where the monitor is declared.
    """

    subject: str
    rules: str
    tests: str
    files: Mapping[str, str]
    place: Place


def monitor_files(
    workspace: Workspace,
    monitor: Document[DriftMonitorSpec],
    profiles: Sequence[ReferenceProfile],
    *,
    kept: Mapping[str, StoredCalibration] = MappingProxyType({}),
    tests: bool = True,
) -> tuple[MonitorFiles | None, tuple[Finding, ...]]:
    """Compile a monitor whose bins are counted.

    Args:
        workspace: for its scrape interval.
        monitor: the monitor.
        profiles: what it compares with, one for each revision of the model.
        kept: by the digest of a profile, the calibration that was made with it, where there is one.
        tests: whether to write the proof too.
    """
    found = tuple(_wrong(workspace, monitor, profiles))
    if found:
        return None, found
    monitored, warnings = monitored_of(workspace, monitor, profiles, kept)
    name = f"_drift-{monitor.name}"
    groups = (
        Group(f"{name}/window", monitored.every, tuple(window_records(monitored))),
        Group(f"{name}/evaluation", monitored.every, tuple(evaluation_records(monitored))),
    )
    rules, proof = f"rules/{name}.yaml", f"tests/{name}.test.yaml" if tests else ""
    place = monitor.at("metadata", "name")
    files = {rules: rule_file(groups, origin=place.path)}
    if tests:
        files[proof] = proof_text(f"../{rules}", groups, monitored, profiles, origin=place.path)
    return MonitorFiles(name, rules, proof, files, place), warnings


def monitored_of(
    workspace: Workspace,
    monitor: Document[DriftMonitorSpec],
    profiles: Sequence[ReferenceProfile],
    kept: Mapping[str, StoredCalibration] = MappingProxyType({}),
) -> tuple[Monitored, tuple[Finding, ...]]:
    """A monitor as a value, and which of its features cannot be judged."""
    spec = monitor.spec
    scrape = workspace.config.prometheus.scrape_interval.milliseconds
    references = tuple(_reference(profile, spec, kept.get(profile.digest)) for profile in profiles)
    monitored = Monitored(
        model=spec.model,
        monitor=monitor.name,
        references=references,
        features=spec.counted_features,
        window=spec.window.milliseconds,
        every=spec.every.milliseconds,
        scrape=scrape,
        delay=scrape // _PART_OF_A_SCRAPE,
        rows=spec.min_rows,
        matters=Matters(Severities(float(spec.floor), float(spec.floor)), _SHARE_GROWN),
    )
    return monitored, tuple(
        _not_calibrated(monitor, profile, one) if profile.digest in kept else _too_small(monitor, profile, one)
        for profile, one in _unjudged(profiles, references)
    )


def _budget(spec: DriftMonitorSpec) -> Budget:
    if spec.false_pages_per_30d is None:
        return Budget()
    return Budget(float(spec.false_pages_per_30d), float(spec.tickets))


def _reference(profile: ReferenceProfile, spec: DriftMonitorSpec, kept: StoredCalibration | None) -> Reference:
    features = spec.counted_features or tuple(profile.features)
    if kept is None:
        cadence = Cadence(spec.window.milliseconds, spec.every.milliseconds)
        critical = critical_values(profile, features, _budget(spec), cadence, spec.min_rows)
    else:
        critical = calibrated_values(profile, features, kept, spec.min_rows)
    bins, rows = {}, {}
    for name in features:
        feature = profile.features[name]
        names = [bin_ for bin_ in bins_of(feature).names if bin_ != MISSING_BIN]
        if isinstance(feature, CategoricalReference) and OTHER_BIN not in names:
            names.insert(-1, OTHER_BIN)  # the pools know it always, the counter only where it can hold rows
        bins[name] = tuple(names)
        rows[name] = feature.rows + feature.missing, feature.missing
    promised = kept is not None and kept.promised
    return Reference(reference_label(profile.digest), len(features), critical, rows, bins, promised)


def _unjudged(
    profiles: Sequence[ReferenceProfile], references: Sequence[Reference]
) -> Iterator[tuple[ReferenceProfile, Critical]]:
    for profile, reference in zip(profiles, references, strict=True):
        for one in reference.critical:
            if one.z is None and profile.features[one.feature].kind != "uncompared":
                yield profile, one


def _too_small(monitor: Document[DriftMonitorSpec], profile: ReferenceProfile, one: Critical) -> Finding:
    rows = monitor.spec.min_rows
    of = f" of the revision {profile.revision}" if profile.revision else ""
    message = f"{one.feature!r}{of} has too few rows in all bins but one, so only its missing rows can alarm"
    hint = f"raise minRows above {rows}, or make a larger reference"
    return Finding(codes.FEATURE_UNJUDGED, message, monitor.at("spec", "minRows"), "5 rows in at least two bins", hint)


def _not_calibrated(monitor: Document[DriftMonitorSpec], profile: ReferenceProfile, one: Critical) -> Finding:
    of = f" of the revision {profile.revision}" if profile.revision else ""
    message = f"{one.feature!r}{of} has no critical value in the calibration, so only its missing rows can alarm"
    hint = "all its rows are in one bin, or the windows that were held out have none of it"
    return Finding(codes.FEATURE_UNJUDGED, message, monitor.at("spec", "counted"), hint=hint)


def _wrong(
    workspace: Workspace, monitor: Document[DriftMonitorSpec], profiles: Sequence[ReferenceProfile]
) -> Iterator[Finding]:
    yield from _cadence(monitor.spec, monitor, workspace.config.prometheus.scrape_interval)
    yield from chain.from_iterable(_unfit(monitor, profile) for profile in profiles)


def _cadence(spec: DriftMonitorSpec, monitor: Document[DriftMonitorSpec], scrape: Duration) -> Iterator[Finding]:
    if spec.every.milliseconds % scrape.milliseconds:
        message = f"{spec.every} is no whole number of scrapes, so rows would be counted twice or not at all"
        expected = f"a multiple of the scrape interval, {scrape}"
        yield Finding(codes.CADENCE, message, monitor.at("spec", "every"), expected)
    elif spec.window.milliseconds % spec.every.milliseconds:
        message = f"a window of {spec.window} holds no whole number of evaluations"
        yield Finding(codes.CADENCE, message, monitor.at("spec", "window"), f"a multiple of every, {spec.every}")


def _unfit(monitor: Document[DriftMonitorSpec], profile: ReferenceProfile) -> Iterator[Finding]:
    spec = monitor.spec
    if profile.model and profile.model != spec.model:
        message = f"compares {spec.model} with a reference of {profile.model}"
        yield Finding(OTHER_MODEL, message, monitor.at("spec", "reference"))
    for index, name in enumerate(spec.counted_features):
        if name not in profile.features:
            of = f" of the revision {profile.revision}" if profile.revision else ""
            message = f"the reference{of} has no feature {name!r}"
            few = ", ".join(list(profile.features)[:12])
            place = monitor.at("spec", "counted", "features", index)
            yield Finding(codes.FEATURE_UNKNOWN, message, place, f"one of {few}")
    if ALL_SIGNALS in (spec.counted_features or profile.features):
        message = f"a feature is called {ALL_SIGNALS!r}, which stands for all of them together"
        yield Finding(codes.FEATURE_UNKNOWN, message, monitor.at("spec", "counted"), "another name")
