"""What the drift commands share: reading references and data, writing whole files, and telling how far they are."""

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, NoReturn

import click

from failsoft.cli.common import report
from failsoft.cli.outputs import kind_of
from failsoft.errors import MissingPartError, UsageError
from failsoft.findings import Finding, Place, Severity
from failsoft.workspace import Workspace
from failsoft.workspace.load import load

if TYPE_CHECKING:
    from failsoft.drift import ReferenceProfile
    from failsoft.drift.alarms.stored import StoredCalibration
    from failsoft.drift.columns import Type
    from failsoft.drift.data.rows import ArrowRows
    from failsoft.drift.memory import Memory

__all__ = [
    "COULD_NOT_JUDGE",
    "Told",
    "loaded",
    "names",
    "opened",
    "read_calibration",
    "read_memory",
    "read_reference",
    "stop",
    "write_whole",
]

COULD_NOT_JUDGE = 2
"""The exit code where there is no answer."""

_MOST = 5_000_001
_DATA = {".csv", ".tsv", ".txt", ".parquet", ".pq", ".arrow", ".feather", ".ipc"}
_EVERY_S = 2.0


def stop(findings: Iterable[Finding], form: str, root: Path = Path()) -> NoReturn:
    """Print why there is no answer, and end; places are within the workspace `root`."""
    report(list(findings), form, root)
    sys.exit(COULD_NOT_JUDGE)


def loaded(root: Path, form: str, *, to_learn: bool = False) -> Workspace:
    """The workspace; ends the command where it has errors.

    `to_learn`: that a reference or an answer is not stored yet, of whatever document, is no reason not to learn.
    """
    workspace, findings = load(root)
    if to_learn:
        learnt = {monitor.at("spec", "reference") for monitor in workspace.monitors.values()}
        learnt |= {probe.at("spec", "answers") for probe in workspace.probes.values()}
        findings = tuple(finding for finding in findings if finding.place not in learnt)
    if any(finding.severity is Severity.ERROR for finding in findings):
        stop(findings, form, root)
    return workspace


def read_reference(path: Path, form: str, revision: str = "") -> "ReferenceProfile":
    """The reference profile of a file; ends the command where it cannot be trusted.

    Of a folder, the one that was made of this revision of the model: a rollout takes its own reference.
    """
    from failsoft.drift import codes

    if not path.is_dir():
        profile = _read(path, form)
        if revision and profile.revision != revision:
            found = f"is of the revision {profile.revision!r}, not {revision!r}"
            stop([Finding(codes.REVISION_UNKNOWN, found, Place(path.name), hint=_ANOTHER)], form)
        return profile
    from failsoft.server.references import profiles_in

    each = [_read(file, form) for file in profiles_in(path)]
    fitting = [profile for profile in each if profile.revision == revision]
    if len(fitting) != 1:
        found = f"has {len(fitting) or 'no'} references of the revision {revision!r}"
        known = names(sorted(profile.revision for profile in each)) or "none"
        stop([Finding(codes.REVISION_UNKNOWN, found, Place(path.name), f"one; it has {known}", hint=_ANOTHER)], form)
    return fitting[0]


_ANOTHER = "make it with `failsoft drift fit --revision`, or say another --revision"


def _read(path: Path, form: str) -> "ReferenceProfile":
    from failsoft.drift import ReferenceProfile, codes

    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        stop(
            [Finding(codes.PROFILE_MISSING, message, Place(path.name), hint="make it with `failsoft drift fit`")], form
        )
    if (kind := kind_of(data)) != "reference profile" and kind is not None:
        hint = "REF comes before DATA" if kind == "Parquet file" else "make a profile with `failsoft drift fit`"
        stop([Finding(codes.PROFILE_SHAPE, f"is a {kind}, not a profile", Place(path.name), hint=hint)], form)
    if path.suffix.lower() in _DATA:
        message = "is rows, not a profile"
        stop([Finding(codes.PROFILE_SHAPE, message, Place(path.name), hint="REF comes before DATA")], form)
    profile = ReferenceProfile.parse(data, path.name)
    if isinstance(profile, Finding):
        stop([profile], form)
    return profile


def read_calibration(path: Path, profile: "ReferenceProfile", form: str) -> "StoredCalibration":
    """The calibration of a file; ends the command where it cannot be trusted or is of another reference."""
    from failsoft.drift import codes
    from failsoft.drift.alarms.stored import StoredCalibration

    hint = "make it with `failsoft drift calibrate -o`"
    try:
        data = path.read_bytes()
    except OSError as error:
        stop(
            [Finding(codes.CALIBRATION_UNREADABLE, f"cannot be read: {error.strerror}", Place(path.name), hint=hint)],
            form,
        )
    if (kind := kind_of(data)) != "calibration" and kind is not None:
        message = f"is a {kind}, not a calibration"
        stop([Finding(codes.CALIBRATION_UNREADABLE, message, Place(path.name), hint=hint)], form)
    found = StoredCalibration.parse(data, path.name)
    if isinstance(found, Finding):
        stop([found], form)
    if found.reference != profile.counts_digest:
        message = f"was made with the counts {found.reference[:12]}, this reference has {profile.counts_digest[:12]}"
        stop([Finding(codes.CALIBRATION_OTHER_REFERENCE, message, Place(path.name), hint=hint)], form)
    return found


def read_memory(path: Path, form: str) -> "Memory | None":
    """What was remembered of earlier windows, None before the first; ends the command where it cannot be trusted."""
    from failsoft.drift import codes
    from failsoft.drift.memory import Memory

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        stop([Finding(codes.MEMORY_UNREADABLE, f"cannot be read: {error.strerror}", Place(path.name))], form)
    found = Memory.parse(data, path.name)
    if isinstance(found, Finding):
        stop([found], form)
    return found


def opened(path: Path, form: str, *, delimiter: str = "", types: "Mapping[str, Type] | None" = None) -> "ArrowRows":
    """The rows of a file; ends the command where they cannot be read."""
    try:
        from failsoft.drift.data import DataError, open_data
    except ModuleNotFoundError as error:
        raise MissingPartError(f"{error.name} is not installed: pip install 'failsoft[data]'") from None
    try:
        return open_data(path, delimiter=delimiter, types=types)
    except DataError as error:
        stop([error.finding], form)


def write_whole(target: Path, text: str) -> None:
    """Write beside the target and put it in its place at once, so that a reader never sees half of it."""
    beside = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", suffix=".new", delete=False
        ) as stream:
            beside = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.chmod(0o644)
        beside.replace(target)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise UsageError(f"cannot write {target}: {error.strerror}") from None


class Told:
    """Says every two seconds how far long work is, to who sits at a terminal; short work stays silent.

    Args:
        what: the work.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + _EVERY_S

    def __call__(self, done: int, of: int, unit: str) -> None:
        """So much is done; `of` is 0 where nobody knows of how much."""
        if time.monotonic() >= self._next and sys.stderr.isatty():
            self._next = time.monotonic() + _EVERY_S
            whole = f" of {of:,}" if of else ""
            click.echo(f"{self._what}: {done:,}{whole} {unit}", err=True)


def names(values: Sequence[str]) -> str:
    """Some names, the first few of many."""
    shown = ", ".join(repr(value) for value in values[:5])
    return shown + (f" and {len(values) - 5} more" if len(values) > 5 else "")  # noqa: PLR2004
