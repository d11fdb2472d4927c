"""Running promtool and amtool over what was compiled, and turning what they say into findings."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

from failsoft.alerts import ALERTMANAGER_FILE, Compiled, Unit, codes
from failsoft.alerts.observed import HISTOGRAM
from failsoft.alerts.proof import groups_named, proven_by, unproven, values_in, without_moments
from failsoft.alerts.rules import Alert, groups_in, yaml_string
from failsoft.cli.progress import EVERY_S
from failsoft.clients.binaries import Completed, run_tool
from failsoft.errors import UnavailableError, UsageError
from failsoft.findings import Finding, Place

__all__ = ["Tools", "check_tools", "coverage", "equal", "prove"]

_FILES_AT_ONCE = 200
_TIMEOUT = 1200.0
"""Seconds for one call of a program: proofs take seconds, and minutes on a machine that does much else."""
_SHOWN = 3
_GO = {"GOGC": "400"}
"""promtool makes much garbage and ends soon: collected a fourth as often, it takes a fifth less of the processors."""

_FAILURE = re.compile(
    r'expr: (?P<expr>"(?:[^"\\]|\\.)*"), time: (?P<time>\S+),\s+exp: ?(?P<exp>.*?)\s+got: ?(?P<got>.*)'
)
_PROBE = """\
rule_files: []
tests:
- interval: 1m
  input_series: [{series: h, values: '{{schema:-53 count:4 sum:4 custom_values:[0.3 1] buckets:[1 2 1]}}'}]
  promql_expr_test:
  - {expr: 'histogram_fraction(-Inf, 0.3, h)', eval_time: 0, exp_samples: [{labels: '{}', value: 0.25}]}
"""
"""What promtool has to know: histograms in stories, and that a share up to a bound is exact."""
_TIER = re.compile(r'alertname=\\"(\w+)\\"(?:.*?burn_tier=\\"([^\\]*)\\")?')


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs that judge."""

    promtool: Path
    amtool: Path


def prove(
    compiled: Compiled, folder: Path, tools: Tools, told: Callable[[int, int], None] = lambda *_: None
) -> tuple[Finding, ...]:
    """Everything that promtool and amtool have to say about the files in `folder`, and what is not proven.

    Args:
        compiled: what was compiled, with tests.
        folder: where its files were written.
        tools: the programs.
        told: hears every few seconds how many proofs are done, and of how many.

    Raises:
        MissingPartError: one of them does not start.
        UnavailableError: one of them does not end where it reads files only; a proof that does not is a finding.
    """
    units = [unit for unit in compiled.units if unit.tests]
    with ThreadPoolExecutor(
        max_workers=os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    ) as pool:
        refused = [*_check_rules(units, folder, tools), *_check_routes(folder, tools)]
        beyond = _beyond(compiled, units, folder, tools)
        within = [unit for unit in units if unit not in beyond]
        refused += [_not_proven(unit) for unit in beyond]
        failed = [pool.submit(_test, alike, folder, tools) for alike in _shapes(within)]
        _watch(failed, told)
        findings = [*refused, *(finding for one in failed if (finding := one.result()) is not None)]
    findings += _unproven(compiled, units)
    return tuple(sorted(findings, key=lambda finding: (finding.place, finding.code.id)))


def coverage(compiled: Compiled, findings: Sequence[Finding] = ()) -> tuple[tuple[str, int, int], ...]:
    """For each SLO: its name, how many alerts it has, and how many of them a fire and a quiet test have proven.

    Args:
        compiled: what was compiled, with tests.
        findings: what `prove` found; a proof that fails, or stands for one that does, proves nothing.
    """
    failed = _failed(compiled.units, findings)
    rows = []
    for unit in compiled.units:
        proven = proven_by(compiled.files[unit.tests]) if unit.tests and unit.subject not in failed else frozenset()
        lacking = {alert for alert, _ in unproven(unit.alerts, proven)} | set(_unseen(compiled, unit))
        rows.append((unit.subject, len(unit.alerts), len(unit.alerts) - len(lacking)))
    return tuple(rows)


def equal(compiled: Compiled, findings: Sequence[Finding] = ()) -> dict[str, tuple[int, int]]:
    """For each subject that records and has no alerts: how many values its proof compares, and how many are equal."""
    failed = _failed(compiled.units, findings)
    recorded = [unit for unit in compiled.units if unit.tests and not unit.alerts]
    found = {unit.subject: values_in(compiled.files[unit.tests]) for unit in recorded}
    return {subject: (values, 0 if subject in failed else values) for subject, values in found.items()}


def _failed(units: Sequence[Unit], findings: Sequence[Finding]) -> frozenset[str]:
    """The subjects without a proof: theirs fails or does not end, or that of their shape, or their file is refused."""
    places = {
        code: {one.place for one in findings if one.code is code}
        for code in (codes.PROOF_FAILED, codes.PROOF_UNENDED, codes.RULES_REFUSED, codes.NOT_PROVABLE)
    }
    broken = places[codes.PROOF_FAILED] | places[codes.PROOF_UNENDED]
    shapes = {_shape(unit) for unit in units if unit.place in broken}
    files = {unit.rules for unit in units if unit.place in places[codes.RULES_REFUSED]}
    beyond = places[codes.NOT_PROVABLE]
    return frozenset(
        unit.subject for unit in units if _shape(unit) in shapes or unit.rules in files or unit.place in beyond
    )


def check_tools(tools: Tools) -> None:
    """Ask both programs what they are. Raises `UsageError` where one of them is another program."""
    for name, program in (("promtool", tools.promtool), ("amtool", tools.amtool)):
        done = run_tool([program, "--version"], timeout=_TIMEOUT)
        if not done.ok or not re.match(rf"{name}, version \d", done.stdout + done.stderr):
            raise UsageError(f"{program} is no {name}: asked for its version, it does not say one")


def _check_rules(units: Sequence[Unit], folder: Path, tools: Tools) -> Iterator[Finding]:
    places = {unit.rules: unit.place for unit in reversed(units)}
    for paths in batched(places, _FILES_AT_ONCE):
        if _promtool(tools, folder, "check", "rules", *paths).ok:
            continue
        for path in paths:
            done = _promtool(tools, folder, "check", "rules", path)
            if not done.ok:
                yield Finding(codes.RULES_REFUSED, f"promtool refuses {path}", places[path], hint=_said(done))


def _check_routes(folder: Path, tools: Tools) -> Iterator[Finding]:
    done = run_tool([tools.amtool, "check-config", ALERTMANAGER_FILE], cwd=folder, timeout=_TIMEOUT)
    if not done.ok:
        message = "amtool refuses the Alertmanager configuration"
        yield Finding(codes.ROUTES_REFUSED, message, Place(ALERTMANAGER_FILE), hint=_said(done))


def _watch(proofs: Sequence[Future[Finding | None]], told: Callable[[int, int], None]) -> None:
    """Tell how many are done until all are, every few seconds where none ends."""
    left = set(proofs)
    while left:
        told(len(proofs) - len(left), len(proofs))
        left = wait(left, EVERY_S, FIRST_COMPLETED).not_done
    told(len(proofs), len(proofs))


def _shapes(units: Sequence[Unit]) -> list[list[Unit]]:
    """The units whose proofs differ in names only, together: the proof of the first is that of the others."""
    shapes: dict[str, list[Unit]] = {}
    for unit in units:
        shapes.setdefault(_shape(unit), []).append(unit)
    return list(shapes.values())


def _shape(unit: Unit) -> str:
    return unit.shape or f"only {unit.subject}"


def _test(alike: Sequence[Unit], folder: Path, tools: Tools) -> Finding | None:
    unit = alike[0]
    others = f", and with it that of {len(alike) - 1} more of its shape" if len(alike) > 1 else ""
    try:
        done = _promtool(
            tools, folder, "test", "rules", *(_alone(unit, proof, folder) for proof in (unit.tests, *unit.beside))
        )
    except UnavailableError:
        message = f"the proof of {unit.subject} did not end within {_TIMEOUT / 60:g} minutes{others}"
        hint = "run failsoft test again where less else runs; proofs take seconds to a few minutes of one processor"
        return Finding(codes.PROOF_UNENDED, message, unit.place, hint=hint)
    if done.ok:
        return None
    failures = list(dict.fromkeys(_told(match) for match in _FAILURE.finditer(done.stdout + done.stderr)))
    more = f" and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""
    hint = "; ".join(failures[:_SHOWN]) + more if failures else _said(done)
    message = f"the proof of {unit.subject} fails{others}"
    return Finding(codes.PROOF_FAILED, message, unit.place, "alerts that do what the SLO promises", hint)


def _beyond(compiled: Compiled, units: Sequence[Unit], folder: Path, tools: Tools) -> list[Unit]:
    """The units whose stories hold native histograms, where promtool cannot read them: 2.42 cannot, 3 can."""
    told = [unit for unit in units if HISTOGRAM in compiled.files[unit.tests]]
    if not told:
        return []
    probe = folder / "histograms.probe.yaml"
    probe.write_text(_PROBE, encoding="utf-8")
    able = _promtool(tools, folder, "test", "rules", probe.name).ok
    probe.unlink()
    return [] if able else told


def _not_proven(unit: Unit) -> Finding:
    message = f"{unit.subject} is not proven: this promtool cannot evaluate the native histograms of its stories"
    hint = "give a newer one with --promtool; the rules are written, and nothing is said about when they fire"
    return Finding(codes.NOT_PROVABLE, message, unit.place, "promtool of Prometheus 3", hint)


def _alone(unit: Unit, proof: str, folder: Path) -> str:
    """A test file beside a rule file with the groups that it names only: promtool evaluates all of a rule file.

    They stand there as in the file that others share.
    """
    text = (folder / proof).read_text(encoding="utf-8")
    named = groups_named(text)
    head, groups = groups_in((folder / unit.rules).read_text(encoding="utf-8"))
    wanted = {f"- name: {yaml_string(name)}" for name in named}
    mine = [group for group in groups if group.partition("\n")[0] in wanted]
    if len(mine) < len(wanted) or len(mine) == len(groups):
        return proof
    rules, alone = f"{proof}.alone.rules.yaml", f"{proof}.alone.yaml"
    (folder / rules).write_text("".join([head, *mine]), encoding="utf-8")
    beside = text.replace(yaml_string(f"../{unit.rules}"), yaml_string(Path(rules).name), 1)
    (folder / alone).write_text(beside, encoding="utf-8")
    return alone


def _told(match: re.Match[str]) -> str:
    tier = _TIER.search(match["expr"])
    if tier is None:
        return f"{match['expr']} at {match['time']} gives {match['got']}, not {match['exp']}"
    who = tier[2] or tier[1]
    # where only the end is evaluated, its time says nothing
    when = f"at {match['time']}" if "alertstate" in match["expr"] else "in the proof of its windows"
    return f"{who} is quiet {when}" if match["got"] == "nil" else f"{who} fires {when}"


def _unproven(compiled: Compiled, units: Sequence[Unit]) -> Iterator[Finding]:
    for unit in units:
        for alert, state in unproven(unit.alerts, proven_by(compiled.files[unit.tests])):
            tier = dict(alert.labels).get("burn_tier", alert.name)
            lacking = "fires" if state == "fires" else "is quiet when it should be"
            yield Finding(codes.UNPROVEN, f"nothing proves that {tier} of {unit.subject} {lacking}", unit.place)
        for alert in _unseen(compiled, unit):
            message = f"nothing proves the windows of {dict(alert.labels)['burn_tier']} of {unit.subject} to the pulse"
            yield Finding(codes.UNPROVEN, message, unit.place, "a tier that needs at most 99.99% of errors")


def _unseen(compiled: Compiled, unit: Unit) -> tuple[Alert, ...]:
    windows = [path for path in unit.beside if path.endswith(".windows.test.yaml")]
    return without_moments(unit.alerts, compiled.files[windows[0]]) if windows else ()


def _promtool(tools: Tools, folder: Path, *arguments: str) -> Completed:
    return run_tool([tools.promtool, *arguments], cwd=folder, timeout=_TIMEOUT, defaults=_GO)


def _said(done: Completed) -> str:
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines()]
    told = [line for line in lines if line and not line.startswith("Checking ")]
    return "; ".join(told[:_SHOWN]) or str(done)
