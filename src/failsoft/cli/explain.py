"""`failsoft explain`: what a kind of finding means, and what to do about it."""

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from failsoft.errors import UsageError
from failsoft.findings.pages import Page, pages

__all__ = ["command"]

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_SPAN = re.compile(r"\*\*([^*]+)\*\*")
_ITEM = re.compile(r"(- |\d+\. )")


@click.command("explain")
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The form of the pages."
)
def command(codes: tuple[str, ...], output: str) -> None:
    """Explain findings by their CODE, such as FS401 or off-bound; without one, list them all."""
    known = tuple(pages())
    chosen = tuple(dict.fromkeys(_page(code, known) for code in codes))
    if output == "json":
        records = [_record(one, whole=bool(codes)) for one in chosen or known]
        click.echo(json.dumps({"codes": records}, indent=2, ensure_ascii=False))
    elif codes:
        width = min(shutil.get_terminal_size().columns, 100)
        click.echo("\n\n".join(_shown(one, width, colour=sys.stdout.isatty()) for one in chosen))
    else:
        widest = max(len(one.name) for one in known)
        for one in known:
            click.echo(f"{one.id}  {one.severity:<7}  {one.name:<{widest}}  {one.summary}")


def _page(code: str, known: Sequence[Page]) -> Page:
    from failsoft.workspace.decode import nearest

    wanted = code.lower()
    by_key = {key: one for one in known for key in (one.id.lower(), one.id.lower().removeprefix("fs"), one.name)}
    if wanted in by_key:
        return by_key[wanted]
    names = [one.name for one in known]
    # a number is not like another number: only its neighbours in words are worth a guess
    numbered = re.fullmatch(r"(fs)?\d+", wanted) is not None
    hint = "" if numbered else nearest(code, names) or _within(wanted, names)
    raise UsageError(f"there is no finding {code!r}; {hint or '`failsoft explain` lists them all'}")


def _within(wanted: str, names: Sequence[str]) -> str:
    found = [name for name in names if wanted and wanted in name]
    return f"did you mean {' or '.join(found[:5])}?" if found else ""


def _record(page: Page, *, whole: bool) -> dict[str, str]:
    short = {"code": page.id, "name": page.name, "severity": str(page.severity), "summary": page.summary}
    return short | ({"page": page.text} if whole else {})


def _shown(page: Page, width: int, *, colour: bool) -> str:
    """A page for a terminal: headings stand out, examples are indented, and text is as wide as the terminal."""

    def bold(text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if colour else text

    lines = [f"{bold(f'{page.id} {page.name}')}  ({page.severity})", *_filled(page.summary, width)]
    for block in _blocks(page.body):
        lines.append("")
        if block.startswith("```"):
            lines += [f"    {line}".rstrip() for line in block.splitlines()[1:-1]]
        elif block.startswith("#"):
            lines.append(bold(block.lstrip("# ")))
        elif block.startswith("|"):
            lines += block.splitlines()
        else:
            lines += _filled(block, width)
    return "\n".join(lines)


def _blocks(body: str) -> Iterator[str]:
    """Paragraphs, headings, list items and fenced examples, each whole."""
    held: list[str] = []
    fenced = False
    for line in [*body.splitlines(), ""]:
        begins = not fenced and (line.startswith(("```", "#")) or _ITEM.match(line) is not None)
        if held and not fenced and (begins or not line.strip()):
            yield "\n".join(held)
            held = []
        if line.startswith("```"):
            fenced = not fenced
            held.append(line)
            if not fenced:
                yield "\n".join(held)
                held = []
        elif fenced or line.strip():
            held.append(line)


def _filled(text: str, width: int) -> list[str]:
    plain = _SPAN.sub(r"\1", _LINK.sub(_target, " ".join(text.split())))
    item = _ITEM.match(plain)
    indent = " " * len(item[1]) if item else ""
    return textwrap.wrap(plain, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _target(link: re.Match[str]) -> str:
    """A link in words: to another page by its code, to other documents by their path."""
    shown, target = link[1], link[2]
    code = re.fullmatch(r"(FS\d{3})\.md", target)
    if code:
        return shown if code[1] in shown else f"{shown} ({code[1]})"
    where = target if "://" in target else re.sub(r"^(\.\./)+", "docs/", target)
    return f"{shown} ({where})" if where.rpartition("/")[2] != shown.rpartition("/")[2] else where
