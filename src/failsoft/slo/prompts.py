"""SLOs about prompts of some length: only where the engine exports the length with what is counted."""

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.groups import lacking
from failsoft.slo.indicators import Sli, Slices
from failsoft.workspace.kinds import EngineSpec, SLOSpec
from failsoft.workspace.model import Document, Workspace

__all__ = ["unknown_prompts"]

_INSTEAD = (
    "a gateway that labels its histograms by the length of the prompt can measure it, as an Engine with promptClasses; "
    "or a Model for each class, where a router sends prompts of some length to servers of their own"
)


def unknown_prompts(
    workspace: Workspace, slo: Document[SLOSpec], engine: Document[EngineSpec] | None, sli: Sli
) -> tuple[Finding, ...]:
    """Why an SLO cannot be about the prompts that it names; nothing where it can, or names none.

    A histogram of prompt lengths beside one of latencies says nothing of both together.
    """
    wanted = slo.spec.prompts
    if wanted is None:
        return ()
    place = slo.at("spec", "prompts")
    if engine is None or slo.spec.indicator.events is not None:
        message = f"{slo.name} counts by counters of its own"
        return (Finding(codes.PROMPT_CLASS, message, place, "the label of the class among their matchers"),)
    if isinstance(sli, Slices):
        message = f"{slo.name} counts slices of time, which have no prompts"
        return (Finding(codes.PROMPT_CLASS, message, place, "an indicator of requests"),)
    classes = engine.spec.prompt_classes
    if classes is None:
        message = f"the engine {engine.name}{engine.spec.mark} exports no length of prompts with its latencies"
        able = [
            f"{one.name}{one.spec.mark}" for one in workspace.engines.values() if one.spec.prompt_classes is not None
        ]
        expected = (
            f"an engine that does: {', '.join(able)}" if able else "no prompts: none of the engines known here does"
        )
        return (Finding(codes.PROMPT_CLASS, message, place, expected, _INSTEAD),)
    if wanted not in classes.values:
        message = f"the engine {engine.name}{engine.spec.mark} knows no prompts called {wanted}"
        return (Finding(codes.PROMPT_CLASS, message, place, f"one of {', '.join(classes.values)}"),)
    return tuple(
        Finding(
            codes.PROMPT_CLASS, f"{family} has no label {classes.label}", place, f"one of {', '.join(labels)}", _INSTEAD
        )
        for family, labels in lacking(engine, sli, classes.label)
    )
