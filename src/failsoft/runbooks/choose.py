"""Which runbook answers an alert: by what the workspace declares, never by what the alert's text says."""

from failsoft.alerts.library import Answered
from failsoft.workspace import Document, Workspace
from failsoft.workspace.answering import answers, answers_mode, library_modes
from failsoft.workspace.kinds import ModelSpec, RunbookSpec
from failsoft.workspace.references import lacks, lacks_without

__all__ = ["answered", "choose", "choose_for_mode", "pages", "possible"]


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


def choose_for_mode(workspace: Workspace, mode: str, model: Document[ModelSpec] | None) -> Document[RunbookSpec] | None:
    """The runbook for alerts that are no SLO's and stand for a failure mode, None when none answers.

    It has to name the failure mode, and every step of it has to be possible without an SLO, and without a Model where
    the alert names none. Among those, the order is that of `choose`.
    """
    fitting = [
        book
        for book in workspace.runbooks.values()
        if answers_mode(book, mode, model.name if model else "")
        and all(lacks_without(model, step) is None for step in book.spec.steps)
        and (model is None or possible(workspace, book.spec, model.name))
    ]
    return min(fitting, key=_rank, default=None)


def answered(workspace: Workspace) -> dict[str, Answered]:
    """Who answers the alerts that are no SLO's, by failure mode; modes that no runbook answers are left out."""
    models = (None, *workspace.models.values())
    found: dict[str, Answered] = {}
    for mode in sorted({workspace.alert_rules[rule].spec.failure_mode for rule in library_modes(workspace)}):
        books = {one.name if one else "": choose_for_mode(workspace, mode, one) for one in models}
        whose = {name: book for name, book in books.items() if book is not None}
        if whose:
            found[mode] = Answered(
                frozenset(whose), frozenset(name for name, book in whose.items() if pages(book.spec))
            )
    return found


def pages(spec: RunbookSpec) -> bool:
    """Whether a runbook pages people at some step, be it where nobody answers or nothing helps."""
    return any(
        step.page is not None
        or (step.approve is not None and step.approve.otherwise == "page")
        or (step.verify is not None and "page" in step.verify.otherwise)
        for step in spec.steps
    )


def possible(workspace: Workspace, spec: RunbookSpec, model: str) -> bool:
    """Whether the model declares what the runbook's actions need: a workload to scale, a route to shift."""
    document = workspace.models[model]
    return all(lacks(workspace, document, step) is None for step in spec.steps)


def _rank(book: Document[RunbookSpec]) -> tuple[bool, bool, bool, str]:
    match = book.spec.answers
    return (book.shipped, not match.slos, not match.models, book.name)
