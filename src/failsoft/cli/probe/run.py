"""`failsoft probe run`: ask golden prompts once, and say what changed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from failsoft.cli.common import report, workspace_argument
from failsoft.cli.drift.files import COULD_NOT_JUDGE, Told
from failsoft.cli.probe.asking import named, one_round
from failsoft.findings import Finding

if TYPE_CHECKING:
    from failsoft.drift.probes import GoldenAnswers
    from failsoft.server.probing import Asked

__all__ = ["run"]

_CHANGED = 1
_SHOWN = 100
_HEADER = ("prompt", "verdict", "edit", "first token", "seconds", "")


@click.command("run")
@click.argument("probe")
@workspace_argument
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def run(*, probe: str, workspace: Path, output: str) -> None:
    """Ask every prompt of PROBE of WORKSPACE once, and compare with the stored answers.

    Exits with 0 where all are as they were, 1 where one changed, 2 where one got no answer or has none stored.
    """
    from failsoft.server.probing import golden_of, read_answers

    loaded, document = named(workspace, probe, "text", learn=False)
    answers = read_answers(loaded, document)
    if isinstance(answers, Finding):
        report([answers], "text", workspace)
        sys.exit(COULD_NOT_JUDGE)
    known, problems = golden_of(document, answers)
    report(problems, "text", workspace)
    found = one_round(loaded, document, known, Told("asking"))
    click.echo(json.dumps(_as_json(found, answers), indent=1) if output == "json" else _table(found, answers))
    if any(one.compared is None for one in found):
        sys.exit(COULD_NOT_JUDGE)
    sys.exit(_CHANGED if any(one.compared is not None and one.compared.changed for one in found) else 0)


def _verdict(one: "Asked") -> str:
    if one.reply is None:
        return str(one.failure)
    if one.compared is None:
        return "not compared"
    return "changed" if one.compared.changed else "exact" if one.compared.exact else "close"


def _as_json(found: "list[Asked]", answers: "GoldenAnswers") -> dict[str, Any]:
    each = []
    for one in found:
        compared, reply = one.compared, one.reply
        each.append(
            {
                "prompt": one.prompt,
                "verdict": _verdict(one),
                "seconds": reply.seconds if reply else None,
                "finish_reason": reply.finish_reason if reply else None,
                "edit_distance": compared.edit if compared else None,
                "first_token_distance": compared.first_token if compared else None,
                "reason": compared.reason if compared else one.why,
            }
        )
    return {"learned_at": answers.learned_at.isoformat(), "revision": answers.revision, "prompts": each}


def _table(found: "list[Asked]", answers: "GoldenAnswers") -> str:
    lines = [_HEADER, *(_line(one) for one in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER) - 1)]
    shown = []
    for line, one in zip(lines, [None, *found], strict=True):
        shown.append("  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip())
        if one is not None and one.reply is not None and one.compared is not None and one.compared.changed:
            shown.append(f"  stored: {_short(answers.prompts[one.prompt].answers[0])}")
            shown.append(f"  now:    {_short(one.reply.text)}")
    changed = sum(one.compared is not None and one.compared.changed for one in found)
    blind = sum(one.compared is None for one in found)
    said = f"{changed} of {len(found)} changed" + (f", {blind} could not be judged" if blind else "")
    return "\n".join([*shown, f"{said}; stored {answers.learned_at:%Y-%m-%d %H:%M}"])


def _line(one: "Asked") -> tuple[str, ...]:
    compared, reply = one.compared, one.reply
    first = compared.first_token if compared else None
    return (
        one.prompt,
        _verdict(one),
        f"{100 * compared.edit:.3g} %" if compared else "-",
        "-" if first is None else f"{100 * first:.3g} %",
        f"{reply.seconds:.2f}" if reply else "-",
        compared.reason if compared else one.why,
    )


def _short(text: str) -> str:
    line = repr(text)
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "..."
