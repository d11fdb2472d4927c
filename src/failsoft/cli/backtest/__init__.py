"""`failsoft backtest`: what the alerts of a workspace would have done in the past that a Prometheus holds."""

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import duration, load_clean, report, unknown, workspace_argument
from failsoft.cli.outputs import may_write
from failsoft.errors import TemporaryError, UnavailableError, UsageError
from failsoft.findings import Finding, Severity, render
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.backtest import Replayed
    from failsoft.backtest.data import Asked
    from failsoft.cli.backtest.asking import Heard, Plan
    from failsoft.clients.prometheus.history import Reader, Store
    from failsoft.slo.resolve import Objective
    from failsoft.workspace import Workspace

__all__ = ["command"]


def _moment(text: str | float) -> float:
    """The type of an option that is a moment, in seconds since the epoch."""
    if isinstance(text, float):
        return text
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        expected = "2027-01-30 or 2027-01-30T03:00 (UTC), or with a zone 2027-01-30T03:00+01:00"
        raise click.BadParameter(f"{text!r} is no time; expected one such as {expected}") from None


@click.command("backtest")
@workspace_argument
@click.option("--prometheus", "url", default="", help="Its address; the workspace's when left out.")
@click.option("--since", type=duration, default="30d", show_default=True, metavar="DURATION", help="How far back.")
@click.option("--until", type=_moment, metavar="TIME", help="The end of it; now when left out.")
@click.option("--slo", "names", multiple=True, metavar="NAME", help="Only this one; may be given several times.")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="text and json say all, the others what could not be seen.",
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this file too.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where answers are kept, so that a run can go on; else in the user's cache folder.",
)
@click.option("--fresh", is_flag=True, help="Ask anew for what is kept.")
@click.option("--at-once", type=click.IntRange(1, 16), default=2, show_default=True, help="Queries at the same time.")
@click.option("--timeout", type=duration, default="1m", show_default=True, metavar="DURATION", help="Of one query.")
def command(  # noqa: PLR0913  # one parameter for each option
    *,
    workspace: Path,
    url: str,
    since: Duration,
    until: float | None,
    names: tuple[str, ...],
    output: str,
    html: Path | None,
    cache: Path | None,
    fresh: bool,
    at_once: int,
    timeout: Duration,
) -> None:
    """Replay the alerts of WORKSPACE over the history that a Prometheus holds.

    What would have paged and when, how the budget was spent, and what every other objective and threshold would have
    cost. The rules need not be there yet: the raw series are read, in small queries.

    Exit codes: 0 it ran, whatever would have paged; 1 there is an error among what it found, such as an SLO of which
    nothing was seen; 2 it could not run, for Prometheus did not answer.
    """
    from failsoft.backtest.data import Asked
    from failsoft.clients.prometheus.history import Reader, Store
    from failsoft.server.outside import greet_prometheus, make_prometheus

    loaded, _ = load_clean(workspace, output)
    objectives, findings = _objectives(loaded, names)
    now = time.time()
    end = min(now, until) if until is not None else now
    if end <= since.seconds:
        raise UsageError(f"{since} before --until is before 1970, and no server has samples of then")
    if html is not None and not html.absolute().parent.is_dir():
        raise UsageError(f"{html} cannot be written: there is no folder {html.absolute().parent}")
    may_write(html, "page")
    plans = _plans(loaded, objectives, since, end)
    warned: list[str] = []
    prometheus = make_prometheus(loaded, timeout=timeout.seconds, url=url, warned=warned.append)
    store = Store(cache or _cache(), prometheus.url)
    reader = Reader(
        prometheus,
        store,
        fresh=fresh,
        at_once=at_once,
        now=now,
        warnings=lambda: len(warned),
        greet=partial(greet_prometheus, loaded, url, timeout=timeout.seconds),
    )
    heard = _heard(reader, plans, store)
    asked = Asked(prometheus.address, end - since.seconds, end, heard.progress.chunks, heard.progress.kept)
    for warning in dict.fromkeys(warned):
        click.echo(f"Prometheus warned: {warning}", err=True)
    _tell(asked, heard.slos, (*findings, *heard.findings), output, workspace, html)


def _objectives(workspace: "Workspace", names: tuple[str, ...]) -> "tuple[list[Objective], list[Finding]]":
    """What is to be replayed, and why something of it cannot be."""
    from failsoft.slo.resolve import resolve

    for name in names:
        if name not in workspace.slos:
            raise unknown("SLO", name, list(workspace.slos))
    found = [resolve(workspace, slo) for slo in workspace.slos.values() if not names or slo.name in names]
    if not found:
        raise UsageError("there is no SLO in this workspace")
    errors = [one for _, findings in found for one in findings if one.severity is Severity.ERROR]
    return [objective for objective, _ in found if objective is not None], errors


def _plans(workspace: "Workspace", objectives: "Sequence[Objective]", since: Duration, until: float) -> "list[Plan]":
    from failsoft.backtest import span_of
    from failsoft.cli.backtest.asking import Plan

    plans = []
    for objective in objectives:
        step = Duration(objective.step)
        if since < step:
            raise UsageError(f"--since is shorter than the recording step of {objective.name}, {step}")
        plans.append(Plan.of(workspace, objective, span_of(objective, until - since.seconds, until)))
    return plans


def _heard(reader: "Reader", plans: "Sequence[Plan]", store: "Store") -> "Heard":
    from failsoft.cli.backtest.asking import ask

    def kept() -> str:
        held = f"; what was answered is kept in {store.folder}: the same command goes on from there"
        return held if store.grown else ""

    try:
        return ask(reader, plans)
    except KeyboardInterrupt:
        click.echo(f"\nstopped{kept()}", err=True)
        raise SystemExit(130) from None
    except TemporaryError as error:
        raise UnavailableError(f"{error}{kept()}") from error


def _tell(  # noqa: PLR0913, PLR0917  # all that there is to tell
    asked: "Asked",
    slos: "Sequence[Replayed]",
    findings: Sequence[Finding],
    output: str,
    root: Path,
    html: Path | None,
) -> None:
    from failsoft.backtest.data import as_json
    from failsoft.backtest.words import asked_for, lines_of

    if html is not None:
        from failsoft.backtest.page import page
        from failsoft.cli.artefacts import replace

        replace(html, page(asked, slos, findings))
        click.echo(f"{html}: {len(slos)} SLO{'s' * (len(slos) != 1)} drawn", err=True)
    if output == "json":
        held = as_json(asked, slos) | json.loads(render(findings, "json"))
        click.echo(json.dumps(held, indent=2, ensure_ascii=False))
    else:
        report(findings, output, root)
    if output == "text":
        faint = partial(click.style, dim=True)
        click.echo(asked_for(asked))
        for one in slos:
            click.echo("\n" + "\n".join(lines_of(one, faint)))
    raise SystemExit(1 if any(finding.severity is Severity.ERROR for finding in findings) else 0)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "failsoft" / "history"
