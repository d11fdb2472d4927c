"""Sloth for the benches: where it is, its specs, and the rules that it and failsoft make of the same file."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

__all__ = ["EVALUATION_MS", "MissingSlothError", "Rules", "binary", "both", "rules_in", "spec"]

EVALUATION_MS = 60_000
"""Sloth's groups have no interval: the default of Prometheus."""

_ROOT = Path(__file__).resolve().parent.parent


class MissingSlothError(Exception):
    """There is no Sloth to compare with; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one maker.

    Attributes:
        rules: each as Prometheus reads it.
        every: milliseconds between two evaluations of each.
    """

    rules: tuple[dict[str, str], ...]
    every: tuple[int, ...]


def binary() -> Path:
    """Sloth v0.16.0. Raises MissingSlothError."""
    for candidate in (_ROOT / ".cache" / "sloth" / "sloth", Path(shutil.which("sloth") or "/nowhere")):
        if os.access(candidate, os.X_OK):
            return candidate
    raise MissingSlothError("there is no Sloth here: python3 tools/parts.py sloth builds it (Go, 2 minutes)")


def spec(service: str, objective: str, queries: Sequence[tuple[str, str, str]]) -> str:
    """A file of Sloth: the name of each SLO, its query of errors and that of all events."""
    lines = ["version: prometheus/v1", f"service: {service}", "labels: {owner: sre}", "slos:"]
    for name, errors, total in queries:
        lines += [
            f"- name: {name}",
            f"  objective: {objective}",
            f"  sli: {{events: {{error_query: '{errors}', total_query: '{total}'}}}}",
            f"  alerting: {{name: {service}-{name}, page_alert: {{}}, ticket_alert: {{}}}}",
        ]
    return "\n".join(lines) + "\n"


def both(text: str, folder: Path) -> tuple[Rules, Rules]:
    """What failsoft and Sloth make of a file of Sloth: ours is converted, then compiled."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "sloth.yaml"
    source.write_text(text, encoding="utf-8")
    theirs = _run(binary(), "generate", "-i", source)
    failsoft = (sys.executable, "-m", "failsoft")
    _run(*failsoft, "convert", source, "-o", folder / "workspace")
    _run(*failsoft, "compile", folder / "workspace", "-o", folder / "out", "--no-tests", "--output", "json")
    # the watch on failsoft itself is no SLO's; whether the model is there is asked for its SLOs
    files = sorted(path for path in (folder / "out" / "rules").iterdir() if path.name != "_failsoft.yaml")
    ours = [rules_in(path.read_text(encoding="utf-8")) for path in files]
    rules = (rule for made in ours for rule in made.rules)
    return Rules(tuple(rules), tuple(every for made in ours for every in made.every)), rules_in(theirs)


def rules_in(text: str) -> Rules:
    """The rules of a rule file."""
    pairs = [
        (rule, _milliseconds(group.get("interval")))
        for group in yaml.load(text, Loader=yaml.CSafeLoader)["groups"]
        for rule in group["rules"]
    ]
    return Rules(tuple(rule for rule, _ in pairs), tuple(every for _, every in pairs))


def _milliseconds(interval: str | None) -> int:
    from failsoft.workspace.quantities import Duration

    return Duration.parse(interval).milliseconds if interval else EVALUATION_MS


def _run(*argv: str | Path) -> str:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))} failed:\n{done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done.stdout
