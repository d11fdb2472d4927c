"""`failsoft dashboard`: a shipped board drawn on a page of its own, for whoever has no Grafana at hand."""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import duration, load_clean, unknown, workspace_argument
from failsoft.cli.outputs import may_write
from failsoft.errors import PermanentError, TooSlowError, UsageError
from failsoft.workspace.quantities import Duration

if TYPE_CHECKING:
    from failsoft.alerts.dashboards import Board, Panel
    from failsoft.alerts.dashboards.page import Answer, Line
    from failsoft.alerts.dashboards.panels import Variable
    from failsoft.clients.prometheus import Prometheus

__all__ = ["command"]

_POINTS = 200
_TIMEOUT_S = 30.0
_NAMED = 10
_PREFIX = "failsoft-"


@click.command("dashboard")
@click.argument("board")
@workspace_argument
@click.option("--prometheus", "url", default="", help="Its address; the workspace's when left out.")
@click.option("--since", type=duration, default="24h", show_default=True, metavar="DURATION", help="How much is drawn.")
@click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="A variable of the board, such as slo=chat.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The HTML file.")
def command(  # noqa: PLR0913  # one parameter for each option
    *, board: str, workspace: Path, url: str, since: Duration, chosen: tuple[str, ...], out: Path
) -> None:
    """Draw the board BOARD (overview, slo, drift or gpu) of WORKSPACE into one HTML file.

    `failsoft compile` writes the same boards for Grafana. Nothing is written where Prometheus does not answer.
    Exit codes: 0 drawn, 1 drawn and some panels failed, 2 could not start.
    """
    from failsoft.alerts.dashboards import BOARDS
    from failsoft.alerts.dashboards.page import page
    from failsoft.alerts.dashboards.panels import latest
    from failsoft.cli.artefacts import replace
    from failsoft.server.outside import make_prometheus

    boards = {one.name.removeprefix(_PREFIX): one for one in BOARDS}
    if board.removeprefix(_PREFIX) not in boards:
        raise unknown("board", board, list(boards))
    drawn = boards[board.removeprefix(_PREFIX)]
    values = _values(drawn, chosen)
    may_write(out, "page")
    loaded, _ = load_clean(workspace, "text")
    prometheus = make_prometheus(loaded, timeout=_TIMEOUT_S, url=url)
    end = time.time()
    start = end - since.seconds
    try:
        for variable in drawn.variables:
            every = latest(variable.metric, "", str(since))
            found = prometheus.query(f"count by ({variable.label}) ({every})", at=end)
            there = [one.labels.get(variable.label, "") for one in found]
            values |= _checked(variable, values.get(variable.name), there)
        answers = [_answer(panel, prometheus, values, start, end) for panel in drawn.panels]
    finally:
        prometheus.close()
    replace(out, page(drawn, answers, start=start, end=end, chosen=values))
    empty = sum(not answer.lines and not answer.problem for answer in answers)
    broken = [answer.problem for answer in answers if answer.problem]
    for problem in dict.fromkeys(broken):
        click.echo(problem, err=True)
    click.echo(f"{out}: {len(answers)} panels, {empty} without data, {len(broken)} failed")
    if broken:
        raise SystemExit(1)


def _values(board: "Board", chosen: tuple[str, ...]) -> dict[str, str]:
    names = [variable.name for variable in board.variables]
    values = {}
    for text in chosen:
        name, equals, value = text.partition("=")
        if not equals or name not in names:
            raise UsageError(f"--set {text}: expected NAME=VALUE with one of the names {', '.join(names)}")
        values[name] = value
    return values


def _checked(variable: "Variable", value: str | None, there: Sequence[str]) -> dict[str, str]:
    """The value that is drawn; of a board about one thing, the only one where none was chosen."""
    from failsoft.workspace.decode import nearest

    name, known = variable.name, sorted(filter(None, there))
    if value in known or (value is None and variable.several):
        return {} if value is None else {name: value}
    if value is None and len(known) == 1:
        click.echo(f"--set {name}={known[0]}, the only one", err=True)
        return {name: known[0]}
    if not known:
        raise UsageError(f"Prometheus has no {variable.metric}, so there is no {name} to draw; are the rules loaded?")
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    listed = f"there are {', '.join(known[:_NAMED])}{more}"
    if value is None:
        raise UsageError(f"this board shows one {name}: choose it with --set {name}=NAME; {listed}")
    raise UsageError(f"--set {name}={value}: Prometheus has no such {name}; {nearest(value, known) or listed}")


def _answer(panel: "Panel", prometheus: "Prometheus", values: Mapping[str, str], start: float, end: float) -> "Answer":
    from failsoft.alerts.dashboards.page import Answer, Line
    from failsoft.alerts.dashboards.panels import filled

    lines: list[Line] = []
    try:
        for query in panel.queries:
            expression = filled(query.expression, values)
            if panel.kind == "lines":
                found = prometheus.query_range(expression, start=start, end=end, step=(end - start) / _POINTS)
                lines += _ordered([Line(_name(query.legend, series.labels), series.points) for series in found])
            else:
                samples = prometheus.query(expression, at=end)
                lines += [Line(_name(query.legend, one.labels), ((one.at, one.value),)) for one in samples]
    except (PermanentError, TooSlowError) as error:  # of one that does not answer at all, nothing is drawn
        return Answer(problem=f"{panel.title}: {error}")
    return Answer(tuple(lines))


def _ordered(lines: "Sequence[Line]") -> "Sequence[Line]":
    """Lines that are called by windows in the order of their lengths, and others as they came."""
    try:
        return sorted(lines, key=lambda line: Duration.parse(line.name).milliseconds)
    except ValueError:
        return lines


def _name(legend: str, labels: Mapping[str, str]) -> str:
    return " ".join(re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), legend).split())
