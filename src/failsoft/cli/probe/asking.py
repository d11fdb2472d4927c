"""What the probe commands share: the probe that was named, and a round of questions with its progress."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from failsoft.cli.common import unknown
from failsoft.cli.drift.files import Told, loaded
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import ProbeSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from failsoft.drift.probes import Golden
    from failsoft.server.probing import Asked

__all__ = ["named", "one_round"]


def named(root: Path, name: str, output: str, *, learn: bool) -> tuple[Workspace, Document[ProbeSpec]]:
    """The workspace and its probe; ends the command where there is none.

    That stored answers are missing is no reason not to `learn` them.
    """
    workspace = loaded(root, output, to_learn=learn)
    if name not in workspace.probes:
        raise unknown("Probe", name, list(workspace.probes))
    return workspace, workspace.probes[name]


def one_round(
    workspace: Workspace, probe: Document[ProbeSpec], known: "Mapping[str, Golden] | None", told: Told
) -> "list[Asked]":
    """What came of every prompt. Raises `PermanentError` where the secret is not there."""
    from failsoft.server.probing import asked, endpoint_of

    async def ask() -> "list[Asked]":
        found = []
        async for one in asked(endpoint_of(workspace, probe), probe.spec, known):
            found.append(one)
            told(len(found), len(probe.spec.prompts), "prompts")
        return found

    return asyncio.run(ask())
