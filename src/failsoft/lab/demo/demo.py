"""The whole demo: the example compiled and proven, then two stories on two clean labs, every link checked."""

import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from failsoft.lab.demo.links import Link, links
from failsoft.lab.demo.narrator import Narrator
from failsoft.lab.demo.story import REPORT, Story, tell_story
from failsoft.lab.parts.process import Process
from failsoft.lab.world.compress import CLOCKS
from failsoft.lab.world.places import Places

__all__ = ["STORIES", "Outcome", "demo", "example_folder"]

_PROOF_S = 120.0

STORIES = (
    Story("A spot node is reclaimed, and the person on call answers", answers=True, approve_within="60s"),
    Story("Once more from a clean lab, and nobody answers", answers=False, approve_within="12s"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the demo came out: every link of every story, and the verdict and the report of each."""

    chain: tuple[Link, ...]
    reports: tuple[tuple[str, Path], ...]

    @property
    def whole(self) -> bool:
        """Whether every link happened."""
        return all(link.happened for link in self.chain)


def example_folder() -> Path:
    """The example workspace, as it ships."""
    return Path(str(files("failsoft"))) / "library" / "examples" / "chat"


def demo(root: Path, *, kubernetes: str, narrator: Narrator) -> Outcome:
    """Run it all in the folder `root`.

    Raises:
        MissingPartError: a program is missing; the text says how to get it.
        FailsoftError: a part of the lab did not start.
    """
    example = example_folder()
    narrator.chapter("The example workspace, compiled and proven")
    narrator.tell(f"failsoft check, compile and test {example.name}: proven beside the first story")
    _tell_clocks(narrator)
    chain: list[Link] = []
    reports: list[tuple[str, Path]] = []
    places = [Places(root / f"lab-{number}") for number in range(1, len(STORIES) + 1)]
    argv: list[str | Path] = [sys.executable, "-m", "failsoft", "test", example.name]
    with Process(argv, root / "proof.log", cwd=example.parent, registry=places[0].registry) as proof:
        for story, at in zip(STORIES, places, strict=True):
            ended = tell_story(story, at, kubernetes, example, narrator)
            found = links(story, ended)
            if at is places[0]:
                found.insert(0, _proven(proof))
            for link in found:
                narrator.link(link.what, link.detail, happened=link.happened)
            chain += found
            reports.append((str(ended.report.get("verdict", "no verdict")), at.evidence / f"{REPORT}.html"))
    return Outcome(tuple(chain), tuple(reports))


def _tell_clocks(narrator: Narrator) -> None:
    changes = [
        (f"{kind} {'.'.join(map(str, place[1:]))}", value) for kind, at in CLOCKS.items() for place, value in at.items()
    ]
    clocks = [f"{what} {value}" for what, value in changes if isinstance(value, str) and not value.endswith("%")]
    bounds = [f"{what} {_plain(value)}" for what, value in changes if not isinstance(value, str) or value.endswith("%")]
    narrator.tell("In the lab these clocks are compressed: " + "; ".join(clocks) + "; arrivals.")
    narrator.tell("These bounds are wider, for an hour of trouble is minutes here: " + "; ".join(bounds) + ".")
    narrator.tell("Prefill, decode and bucket bounds are real seconds.")


def _plain(value: object) -> str:
    return ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else str(value)


def _proven(proof: Process) -> Link:
    ended = proof.wait(_PROOF_S)
    said = proof.log_tail().splitlines()
    proven = ended and proof.stop() == 0
    return Link("every alert of the example is proven by promtool", proven, said[-1] if said else "")
