"""`failsoft catalog`: what is known about serving engines, and whether it is true of a server."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from failsoft.cli.lazy import Group
from failsoft.errors import UsageError
from failsoft.findings import amount

if TYPE_CHECKING:
    from failsoft.slo.stored import Stored
    from failsoft.slo.verify import Verdict
    from failsoft.workspace.kinds import EngineSpec, ModelSpec
    from failsoft.workspace.model import Document, Workspace

__all__ = ["command"]

_LONGEST_NAME = 63
_MARK = "# Written by failsoft catalog lock; commit it. Compiling reads this file, never the server.\n"


@click.group("catalog", cls=Group)
def command() -> None:
    """Show the engines that failsoft knows, and compare them with servers."""


def _workspace_option[F: Any](function: F) -> F:
    made: F = click.option(
        "-w",
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        help="Read its own engines and locks too.",
    )(function)
    return made


def _token_option[F: Any](function: F) -> F:
    made: F = click.option(
        "--token-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A bearer token to send."
    )(function)
    return made


def _form_option[F: Any](function: F) -> F:
    made: F = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)(function)
    return made


@command.command("list")
@_workspace_option
@_form_option
def list_(*, workspace: Path | None, output: str) -> None:
    """List the engines. Those whose facts no server proved are `unverified`."""
    loaded = _loaded(workspace)
    if output == "json":
        rows = [
            {
                "engine": engine.name,
                "version": engine.spec.source.version,
                "verified": engine.spec.source.verified,
                "indicators": list(engine.spec.indicators.named()),
            }
            for engine in loaded.engines.values()
        ]
        click.echo(json.dumps({"engines": rows}, indent=2))
        return
    width = max(map(len, loaded.engines))
    for engine in loaded.engines.values():
        measured = ", ".join(engine.spec.indicators.named()) or "your own counters and gauges"
        click.echo(f"{engine.name:<{width}}  {_state(engine):<10}  {measured}")


@command.command("show")
@click.argument("engine")
@_workspace_option
def show(*, engine: str, workspace: Path | None) -> None:
    """Show what is known about ENGINE: indicators, bounds, what is missing, renames and traps."""
    document = _engine(_loaded(workspace), engine)
    for line in _shown(document):
        click.echo(line)


@command.command("verify")
@click.argument("engine")
@click.argument("scrape")
@_workspace_option
@_token_option
@_form_option
def verify_(*, engine: str, scrape: str, workspace: Path | None, token_file: Path | None, output: str) -> None:
    """Compare what is known about ENGINE with SCRAPE, the address of a server's metrics or a file of them.

    Exit codes: 0 it is true of this server, as far as it has series; 1 something differs; 2 could not start.
    """
    from failsoft.clients.exposition import shown_address
    from failsoft.slo.verify import verify

    document = _engine(_loaded(workspace), engine)
    verdict = verify(document.spec, _scraped(scrape, token_file))
    if output == "json":
        click.echo(json.dumps(_record(document, verdict), indent=2))
    else:
        click.echo(f"{document.name} {document.spec.source.version} ({_state(document)}), {shown_address(scrape)}")
        for line in _compared(verdict):
            click.echo(line)
    raise SystemExit(0 if verdict.same else 1)


@command.command("lock")
@click.argument("engine")
@click.argument("scrape")
@click.option("-w", "--workspace", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True)
@click.option("--model", "models", multiple=True, help="A Model whose servers these are; all of the engine else.")
@click.option("--prometheus", help="Ask this Prometheus too: it may store native histograms.", metavar="URL")
@_token_option
def lock(  # noqa: PLR0913  # as many as the command line has
    *,
    engine: str,
    scrape: str,
    workspace: Path,
    models: tuple[str, ...],
    prometheus: str | None,
    token_file: Path | None,
) -> None:
    """Write the bucket bounds found at SCRAPE into a file of the workspace, slo/locks/NAME.yaml.

    Thresholds are then checked against these bounds, and `failsoft compile` never asks a server. A server's own text
    shows classic buckets whatever becomes of them; with --prometheus the file also says which histograms are stored as
    native ones, with exponential or with custom buckets.
    """
    from failsoft.cli.common import unknown
    from failsoft.clients.exposition import shown_address
    from failsoft.slo.verify import bounds_found

    loaded = _loaded(workspace)
    document = _engine(loaded, engine)
    for model in models:
        if model not in loaded.models:
            raise unknown("model", model, list(loaded.models))
    bounds = bounds_found(document.spec, _scraped(scrape, token_file))
    if not bounds:
        raise UsageError(
            f"{shown_address(scrape)} has no histogram of {engine} with one list of bounds: nothing to lock"
        )
    stored = _stored(prometheus, document, [loaded.models[model] for model in models], bounds) if prometheus else {}
    name = _lock_name(engine, models)
    text = _lock_text(name, engine, models, shown_address(scrape), bounds, stored)
    path = workspace / "slo" / "locks" / f"{name}.yaml"
    native = f", {len(stored)} of them native in Prometheus" if stored else ""
    click.echo(f"{path}: {_written(path, text)}, {amount(len(bounds), 'histogram')}{native}")


def _stored(
    url: str, engine: "Document[EngineSpec]", models: "Sequence[Document[ModelSpec]]", bounds: "Mapping[str, Any]"
) -> "dict[str, Stored]":
    """The histograms that a Prometheus stores as native ones, of the models' series or of all."""
    from urllib.parse import urlencode

    from failsoft.clients.exposition import read_exposition, shown_address
    from failsoft.slo.promql import Matcher, selector
    from failsoft.slo.stored import stored_as

    if "://" not in url:
        raise UsageError(f"{url} is no address: expected one such as http://prometheus:9090")
    found: dict[str, Stored] = {}
    for family in bounds:
        foreign = engine.spec.foreign(family)
        for select in [model.spec.select for model in models] or [{}]:
            matchers = tuple(Matcher(name, "=", value) for name, value in select.items() if name not in foreign)
            query = urlencode({"query": f"sum({selector(family, matchers)})"})
            answer = read_exposition(f"{url.rstrip('/')}/api/v1/query?{query}")
            stored = stored_as(answer, bounds[family], shown_address(url))
            found |= {family: stored} if stored is not None else {}
    return found


def _loaded(root: Path | None) -> "Workspace":
    """The workspace, or what ships with failsoft; documents that are wrong are left out, `failsoft check` tells."""
    from failsoft.workspace.load import load, shipped

    return shipped() if root is None else load(root)[0]


def _engine(workspace: "Workspace", name: str) -> "Document[EngineSpec]":
    from failsoft.cli.common import unknown

    document = workspace.engines.get(name)
    if document is None:
        raise unknown("engine", name, list(workspace.engines))
    return document


def _scraped(where: str, token_file: Path | None) -> Any:
    from failsoft.clients.exposition import read_exposition, shown_address
    from failsoft.slo.scrape import parse_scrape

    try:
        token = token_file.read_text(encoding="utf-8").strip() if token_file else ""
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{token_file} cannot be read") from None
    return parse_scrape(read_exposition(where, token=token), shown_address(where))


def _state(engine: "Document[EngineSpec]") -> str:
    if not engine.spec.families:
        return "-"
    return "verified" if engine.spec.source.verified else "unverified"


def _shown(engine: "Document[EngineSpec]") -> Iterable[str]:
    from failsoft.workspace.kinds.families import AvailabilitySource

    spec, source = engine.spec, engine.spec.source
    yield f"{engine.name} {source.version}: {_state(engine)}, {source.evidence}: {source.detail or 'no detail'}"
    yield from [f"endpoint: {spec.endpoint}"] if spec.endpoint else []
    yield from [f"{what}: label {label}" for what, label in spec.identity.items()]
    yield "indicators:"
    for name, indicator in spec.indicators.named().items():
        if isinstance(indicator, AvailabilitySource):
            yield f"  {name}: {' + '.join(selection.family for selection in indicator.total)}"
            yield f"      bad can be {_choices(indicator)}; by default {', '.join(indicator.default) or 'all the rest'}"
            yield from (f"      cannot tell {choice}: {why}" for choice, why in indicator.untold.items())
            continue
        family = spec.families[indicator.family]
        unit = f", {family.unit}" if family.unit else ""
        needs = f", needs {family.enabled_by}" if family.enabled_by else ""
        yield f"  {name}: {indicator.family} ({family.type}{unit}{needs})"
        if bounds := spec.bounds(indicator.family):
            yield f"      bounds {', '.join(f'{bound:f}' for bound in bounds)}"
    yield from _section("can drift", [_drifting(name, signal) for name, signal in spec.signals.items()])
    yield from _section("not exported", [f"{name}: {instead}" for name, instead in spec.missing.items()])
    renames = [f"{old} -> {new.now or 'gone'}: {new.history}" for old, new in spec.renames.items()]
    yield from _section("renamed", renames)
    yield from _section("traps", spec.traps)


def _drifting(name: str, signal: Any) -> str:
    source = signal.histogram or signal.categories
    counted = f"{source.family} (histogram)" if signal.histogram else f"{source.counter} by {source.by}"
    return f"{name} ({signal.role}): {counted}"


def _choices(source: Any) -> str:
    named = [*source.bad, *(["any status code or class of them"] if source.codes else [])]
    return ", ".join(named) or "nothing else than what is not good"


def _section(title: str, lines: Sequence[str]) -> Iterable[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)


def _compared(verdict: "Verdict") -> Iterable[str]:
    for name, state in verdict.indicators.items():
        yield f"  {name:<12}  {state}"
    yield from _section(
        "families that differ", [f"{one.family} {detail}" for one in verdict.families for detail in one.details]
    )


def _record(engine: "Document[EngineSpec]", verdict: "Verdict") -> dict[str, Any]:
    return {
        "engine": engine.name,
        "verified": engine.spec.source.verified,
        "same": verdict.same,
        "indicators": dict(verdict.indicators),
        "families": [{"family": one.family, "state": one.state, "details": one.details} for one in verdict.families],
    }


def _lock_name(engine: str, models: Sequence[str]) -> str:
    """The engine and the models; cut, with a hash, where a name may not be as long."""
    import hashlib

    name = "-".join((engine, *models))
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _lock_text(  # noqa: PLR0913, PLR0917  # as many as the file has parts
    name: str,
    engine: str,
    models: Sequence[str],
    source: str,
    bounds: "Mapping[str, Any]",
    stored: "Mapping[str, Stored]",
) -> str:
    native = {family: one.schema for family, one in stored.items() if one.form == "native" and one.schema is not None}
    custom = [family for family, one in sorted(stored.items()) if one.form == "custom"]
    lines = [
        _MARK + "apiVersion: failsoft.dev/v1alpha1",
        "kind: EngineLock",
        f"metadata: {{name: {name}}}",
        "spec:",
        f"  engine: {engine}",
        *([f"  models: [{', '.join(models)}]"] if models else []),
        f"  source: {json.dumps(source)}",
        "  bounds:",
        *(f"    {family}: [{', '.join(f'{bound:f}' for bound in found)}]" for family, found in sorted(bounds.items())),
        *([f"  custom: [{', '.join(custom)}]"] if custom else []),
        *(["  native:", *(f"    {family}: {schema}" for family, schema in sorted(native.items()))] if native else []),
    ]
    return "\n".join(lines) + "\n"


def _written(path: Path, text: str) -> str:
    """Write a file whole or not at all; what somebody else wrote stays."""
    import tempfile

    try:
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if there == text:
            return "is up to date"
        if there and not there.startswith(_MARK):
            raise UsageError(f"{path} was not written by failsoft and is not overwritten: move it away")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as stream:
            stream.write(text)
        staged = Path(stream.name)
        staged.chmod(0o644)
        staged.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return "changed" if there else "written"
