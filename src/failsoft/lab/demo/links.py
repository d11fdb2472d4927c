"""The links of the chain, each judged by what was seen in the world, not by what failsoft says of itself."""

from dataclasses import dataclass

from failsoft.lab.demo.story import Ended, Story

__all__ = ["Link", "links"]


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
    asked = any("May failsoft do this" in text for text in scene.said)
    still = [f"{name}: {marks}" for name, marks in ended.nodes.items() if marks]
    verdict = str(ended.report.get("verdict", "none"))
    chain = [
        Link("a spot node was reclaimed", bool(scene.tainted), ", ".join(scene.tainted)),
        Link("the alert fired", bool(burned), ", ".join(burned)),
        Link("the runbook asked in Slack", asked),
    ]
    if story.answers:
        chain += [
            Link("traffic shifted to the fallback", shifted, str(scene.weights[-1]) if scene.weights else ""),
            Link("the SLO recovered, as the runbook's verify saw", any("ecovered" in text for text in scene.said)),
            Link("nobody was paged", not scene.pages, ", ".join(str(page["summary"]) for page in scene.pages)),
            Link("the experiment passed", verdict == "passed" and ended.exit_code == 0, verdict),
        ]
    else:
        paged = [str(page["summary"]) for page in scene.pages]
        chain += [
            Link("without an answer nothing was changed", not shifted),
            Link("the silence paged the owner", bool(paged), "; ".join(paged)),
            Link("the experiment came to a verdict", verdict in {"passed", "failed"}, verdict),
        ]
    return [
        *chain,
        Link("the node is as it was", not still, "; ".join(still)),
        Link("the report is written", any(ended.folder.glob("*.html")), str(ended.folder)),
    ]
