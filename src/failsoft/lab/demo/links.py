"""The links of the chain, each judged by what was seen from outside: in the cluster, Prometheus, Slack and the pager.

Whether the SLO recovered is told by the runbook, and by the experiment's report, which reads Prometheus' samples.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from failsoft.lab.demo.scene import ASKS
from failsoft.lab.demo.story import REPORT, Ended, Story
from failsoft.lab.world.start import PAGER_KEY

__all__ = ["Link", "links"]


_RECOVERED = re.compile(r"(?<!Not )(?<!not )\b[Rr]ecovered\b")


@dataclass(frozen=True, slots=True)
class Link:
    """One link: what was to happen, whether it did, and what was seen."""

    what: str
    happened: bool
    detail: str = ""


def links(story: Story, ended: Ended) -> list[Link]:
    """All links of a story, in the order in which they were to happen."""
    scene = ended.scene
    burned = [name for name in scene.alerts if name.startswith(("chat-ttft ", "chat-availability "))]
    shifted = any(weights.get("chat-small", 0) > weights.get("chat-70b", 0) for weights in scene.weights)
    asked = any(ASKS in text for text in scene.said)
    still = [f"{name}: {marks}" for name, marks in ended.nodes.items() if marks]
    verdict = str(ended.report.get("verdict", "none"))
    chain = [
        Link("a spot node was reclaimed", bool(scene.tainted), ", ".join(scene.tainted)),
        Link("the alert fired", bool(burned), ", ".join(burned)),
        Link("the runbook asked in Slack", asked),
    ]
    if story.answers:
        seen = "recoveredAt " + str(ended.report.get("recoveredAt"))
        recovered = bool(ended.report.get("recoveredAt")) and any(_RECOVERED.search(text) for text in scene.said)
        chain += [
            Link("traffic shifted to the fallback", shifted, str(scene.weights[-1]) if scene.weights else ""),
            Link("the SLO recovered, as Prometheus and the runbook's verify saw", recovered, seen),
            Link("nobody was paged", not scene.pages, ", ".join(str(page["summary"]) for page in scene.pages)),
            Link("the experiment passed", verdict == "passed" and ended.exit_code == 0, verdict),
        ]
    else:
        paged = [str(page["summary"]) for page in scene.pages if page.get("routing_key") == PAGER_KEY]
        judged = verdict in {"passed", "failed"} and ended.exit_code == ended.report.get("exitCode")
        chain += [
            Link("without an answer nothing was changed", not shifted),
            Link("the silence paged the owner", bool(paged), "; ".join(paged)),
            Link("the experiment came to a verdict", judged, f"{verdict}, exit code {ended.exit_code}"),
        ]
    wanted = ["tainted", "alert", "asked", "shifted" if story.answers else "paged"]
    moments = [scene.first[what] for what in wanted if what in scene.first]
    ordered = len(moments) == len(wanted) and all(one <= other for one, other in pairwise(moments))
    page = ended.folder / f"{REPORT}.html"
    return [
        *chain,
        Link("all of it in this order", ordered, " -> ".join(sorted(scene.first, key=scene.first.__getitem__))),
        Link("the node is as it was", not still, "; ".join(still)),
        Link("the report is written", page.is_file() and verdict in page.read_text("utf-8"), str(page)),
    ]
