"""`failsoft drift answers`: what is wrong with the answers in a log, without a label and without keeping a text."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from failsoft.cli.common import duration, report
from failsoft.cli.drift.files import stop
from failsoft.cli.drift.options import Number
from failsoft.cli.outputs import may_write
from failsoft.errors import MissingPartError, UsageError
from failsoft.findings import Finding, Place, amount
from failsoft.workspace.quantities import Duration, Percent

__all__ = ["answers"]

_EXCEEDED = 1
_COMMON_SCRIPTS = "latin, cyrillic, greek, arabic, hebrew, devanagari, han, hiragana, katakana, hangul, thai"
_MONTH_S = 30 * 86_400


def _percent(text: str, example: str) -> float:
    from pydantic_core import PydanticCustomError

    try:
        return float(Percent.parse(text).ratio)
    except PydanticCustomError:
        raise click.BadParameter(f"{text!r} is no share; expected {example}") from None


def _share(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    return _percent(text, "a percentage such as 1%")


def _limits(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> Mapping[str, float]:
    from failsoft.drift.answers import CHECKS
    from failsoft.workspace.decode import nearest

    found: dict[str, float] = {}
    for text in texts:
        check, _, share = text.partition("=")
        if check not in CHECKS:
            hint = nearest(check, list(CHECKS)) or "known: " + ", ".join(CHECKS)
            raise click.BadParameter(f"{check!r} is no check; {hint}")
        found[check] = _percent(share, f"{check}=3%")
        if not 0 < found[check] < 1:
            raise click.BadParameter(f"{text} allows nothing or everything; expected above 0% and below 100%")
    return found


def _scripts(_context: click.Context, _parameter: click.Parameter, text: str) -> frozenset[str]:
    from failsoft.drift.answers.scripts import scripts
    from failsoft.workspace.decode import nearest

    named = [part.strip().lower() for part in text.split(",") if part.strip()]
    for name in named:
        if name not in scripts():
            hint = nearest(name, sorted(scripts())) or f"known are {_COMMON_SCRIPTS} and the others of Unicode"
            raise click.BadParameter(f"{name!r} is no script; {hint}")
    return frozenset(named)


@click.command("answers")
@click.argument("log", metavar="LOG", type=click.Path(path_type=Path, allow_dash=True))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a row for each (Parquet).")
@click.option("--json", "structured", is_flag=True, help="Each answer has to be one JSON value.")
@click.option("--script", "scripts", default="", callback=_scripts, help="Expected scripts, such as latin,cyrillic.")
@click.option("--language", default="", help="The expected language, an ISO 639-1 code such as de.")
@click.option("--limit", "limits", multiple=True, callback=_limits, metavar="CHECK=SHARE", help="Such as refusal=3%.")
@click.option("--rows", type=click.IntRange(min=1), default=200, show_default=True, help="Answers in a window.")
@click.option(
    "--window", type=duration, default=None, help="How much time a window is; from the log's times if left out."
)
@click.option("--false-alarms-per-30d", "alarms", type=Number(0.001), default=1.0, show_default=True)
@click.option(
    "--text", default="", metavar="PATH", help="Where the text is, such as response.choices.0.message.content."
)
@click.option("--finish", default="", metavar="PATH", help="Where the finish reason is.")
@click.option("--prompt-tokens", default="", metavar="PATH", help="Where the number of the prompt's tokens is.")
@click.option("--output-tokens", default="", metavar="PATH", help="Where the number of the answer's tokens is.")
@click.option("--logprob", default="", metavar="PATH", help="Where the tokens' log-probabilities are, or their mean.")
@click.option("--time", default="", metavar="PATH", help="Where the time is: a Unix time, or ISO 8601.")
@click.option("--broken", default="1%", show_default=True, callback=_share, help="How many lines may hold no answer.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def answers(  # noqa: PLR0913  # one parameter for each option
    *,
    log: Path,
    out: Path | None,
    structured: bool,
    scripts: frozenset[str],
    language: str,
    limits: Mapping[str, float],
    rows: int,
    window: Duration | None,
    alarms: float,
    text: str,
    finish: str,
    prompt_tokens: str,
    output_tokens: str,
    logprob: str,
    time: str,
    broken: float,
    output: str,
) -> None:
    """Look at the answers of LOG, one JSON object a line (- for standard input): empty, refusal, loop, garbage, ...

    With -o, a row of numbers for each answer, and nothing of its text, for `failsoft drift fit` and `score`. Exits with
    1 where the share of a check went beyond its --limit, 2 where there is no answer.
    """
    from failsoft.cli.drift.answer_log import read_log
    from failsoft.cli.drift.answer_table import as_json, table
    from failsoft.drift.answers import Expected, Fields, codes, watch_limits

    expected = Expected(structured, scripts, _known(language))
    fields = Fields(text, finish, prompt_tokens, output_tokens, logprob, time)
    may_write(out, "Parquet file", [log])
    found = read_log(log, fields, expected, rows=rows, most_broken=broken, out=out)
    length = (window.milliseconds / 1000 if window is not None else found.window_s) if limits else None
    if limits and length is None:
        raise UsageError(f"{log} has no times: say with --window how much time {rows} answers are")
    between = max(1.0, _MONTH_S / (length or _MONTH_S) / alarms)
    watched = watch_limits(found.windows, limits, between)
    report(found.problems, "text")
    click.echo(json.dumps(as_json(found, watched), indent=1) if output == "json" else table(found, watched, alarms))
    if out is not None:
        click.echo(f"wrote {out}: {amount(found.whole.answers, 'row')}", err=output == "json")
    hint = "it needs --json, --script, --language, or a finish reason in the log"
    if unchecked := [
        Finding(codes.ANSWERS_UNCHECKED, f"no answer could be checked for {one.check}", Place(str(log)), hint=hint)
        for one in watched
        if not one.windows
    ]:
        stop(unchecked, "text")
    sys.exit(_EXCEEDED if any(one.alarms for one in watched) else 0)


def _known(language: str) -> str:
    if not language:
        return ""
    from failsoft.drift.answers.language import languages

    try:
        known = languages()
    except ModuleNotFoundError as error:
        raise MissingPartError(f"--language needs {error.name}: pip install 'failsoft[data]'") from None
    if language not in known:
        from failsoft.workspace.decode import nearest

        near = nearest(language[:2], sorted(known)) or "expected an ISO 639-1 code of two letters, such as de"
        raise UsageError(f"--language {language} is not known; {near}")
    return language
