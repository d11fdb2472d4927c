"""`failsoft probe learn`: store how a model answers its golden prompts now."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failsoft.cli.common import finish, output_option, report, workspace_argument
from failsoft.cli.drift.files import COULD_NOT_JUDGE, Told, write_whole
from failsoft.cli.outputs import may_write
from failsoft.cli.probe.asking import named, one_round
from failsoft.findings import Finding, amount
from failsoft.workspace import Document
from failsoft.workspace.kinds import ProbeSpec

if TYPE_CHECKING:
    from failsoft.drift.probes import Golden
    from failsoft.server.probing import Asked

__all__ = ["learn"]

_UNSTABLE = 0.5


@click.command("learn")
@click.argument("probe")
@workspace_argument
@click.option("--times", type=click.IntRange(1, 20), default=3, show_default=True, help="How often each is asked.")
@click.option("--revision", default="", help="What the model serves, such as an image's digest.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: the probe's answers.")
@output_option
def learn(  # noqa: PLR0913  # one parameter for each option
    *, probe: str, workspace: Path, times: int, revision: str, out: Path | None, output: str
) -> None:
    """Ask the prompts of PROBE of WORKSPACE now, while the model is well, and store its answers.

    Each is asked several times: at temperature 0 servers still answer in more than one way, and how far these are from
    each other is tolerated from then on. Where a prompt gets no answer nothing is written.
    """
    from datetime import UTC, datetime

    from failsoft.drift.probes import GoldenAnswers

    loaded, document = named(workspace, probe, output, learn=True)
    target = out or loaded.root / document.spec.answers
    may_write(target, "file of stored answers")
    told = Told("asking")
    rounds = [one_round(loaded, document, None, told) for _ in range(times)]
    problems = _unanswered(document, rounds)
    if problems:
        report(problems, output, workspace)
        sys.exit(COULD_NOT_JUDGE)
    stored = _stored(document, rounds)
    at = datetime.now(UTC).replace(microsecond=0)
    answers = GoldenAnswers(model=document.spec.model, revision=revision, learned_at=at, prompts=stored)
    write_whole(target, answers.render())
    exact = sum(len(golden.answers) == 1 for golden in stored.values())
    asked = f"{amount(len(stored), 'prompt')} asked {amount(times, 'time')}"
    good = f"wrote {target}: {asked}, {exact} answered alike each time"
    finish(_unstable(document, stored), output, good, workspace)


def _unanswered(probe: Document[ProbeSpec], rounds: "list[list[Asked]]") -> list[Finding]:
    from failsoft.drift.probes import codes

    failed = {one.prompt: one.why for found in rounds for one in found if one.reply is None}
    return [
        Finding(
            codes.UNANSWERED,
            f"the prompt {prompt.name} got no answer: {failed[prompt.name]}",
            probe.at("spec", "prompts", index, "name"),
            hint="nothing was written",
        )
        for index, prompt in enumerate(probe.spec.prompts)
        if prompt.name in failed
    ]


def _stored(probe: Document[ProbeSpec], rounds: "list[list[Asked]]") -> "dict[str, Golden]":
    from failsoft.drift.probes import Golden
    from failsoft.server.probing import hash_of

    stored = {}
    for index, prompt in enumerate(probe.spec.prompts):
        replies = [reply for found in rounds if (reply := found[index].reply) is not None]
        texts, first = [reply.text for reply in replies], [reply.first_token for reply in replies]
        stored[prompt.name] = Golden.of(hash_of(prompt), texts, first)
    return stored


def _unstable(probe: Document[ProbeSpec], stored: "dict[str, Golden]") -> list[Finding]:
    from failsoft.drift.probes import codes

    return [
        Finding(
            codes.PROMPT_UNSTABLE,
            f"answers to {prompt.name} differ by up to {100 * stored[prompt.name].spread:.0f} % from each other",
            probe.at("spec", "prompts", index, "name"),
            f"at most {100 * _UNSTABLE:.0f} %",
            "a change would go unseen: ask for less, with a lower maxTokens or a narrower question",
        )
        for index, prompt in enumerate(probe.spec.prompts)
        if stored[prompt.name].spread > _UNSTABLE
    ]
