"""Which runbook answers an alert: by what the workspace declares, never by what the alert's text says."""

from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import RunbookSpec
from failsoft.workspace.references import answers, lacks

__all__ = ["choose", "possible"]


def choose(workspace: Workspace, slo: str, mode: str = "") -> Document[RunbookSpec] | None:
    """The runbook for the alerts of an SLO that carry a failure mode, None when none answers.

    Without a mode it is what the SLO stands for.

    A runbook of the user's own goes before a shipped one, then the one that says more exactly what it answers (SLOs
    before models before failure modes), then the first by name. A shipped one is left out where the model lacks what
    its actions need.
    """
    declared = workspace.slos[slo]
    fitting = [
        book
        for book in workspace.runbooks.values()
        if answers(book, declared, mode or declared.spec.stands_for)
        and (not book.shipped or possible(workspace, book.spec, declared.spec.model))
    ]
    return min(fitting, key=_rank, default=None)


def possible(workspace: Workspace, spec: RunbookSpec, model: str) -> bool:
    """Whether the model declares what the runbook's actions need: a workload to scale, a route to shift."""
    document = workspace.models[model]
    return all(lacks(workspace, document, step) is None for step in spec.steps)


def _rank(book: Document[RunbookSpec]) -> tuple[bool, bool, bool, str]:
    match = book.spec.answers
    return (book.shipped, not match.slos, not match.models, book.name)
