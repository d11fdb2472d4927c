"""A model's selector on an engine's families: which labels go along, under which names, and when too few are left."""

import re
from dataclasses import dataclass

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.indicators import Counted
from failsoft.slo.promql import Matcher
from failsoft.slo.stored import form_of, locks_of
from failsoft.workspace.kinds import EngineSpec, ModelSpec, SLOSpec
from failsoft.workspace.kinds.families import Histograms, Selection
from failsoft.workspace.model import Document, Workspace

__all__ = ["Selector", "wrong_labels"]

_RESERVED = {"le", "quantile", "__name__"}


def wrong_labels(model: Document[ModelSpec]) -> tuple[Finding, ...]:
    """What is wrong with the names in a model's selector."""
    return tuple(
        Finding(
            codes.SELECTOR_NAME,
            f"{label!r} cannot select series",
            model.at("spec", "select", label, key=True),
            "a label that series have: letters, digits and _, no digit first",
        )
        for label in model.spec.select
        if label in _RESERVED or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label)
    )


@dataclass(frozen=True, slots=True)
class Selector:
    """How a model's series are found among those of its engine, for one SLO."""

    workspace: Workspace
    slo: Document[SLOSpec]
    model: Document[ModelSpec]
    engine: Document[EngineSpec]

    def too_wide(self, *selections: Selection) -> tuple[Finding, ...]:
        """Families of which the selector would take more than the model's series."""
        found = (self._too_wide(selection) for selection in selections)
        return tuple(dict.fromkeys(finding for finding in found if finding is not None))

    def counted(self, selection: Selection, whole: Selection | None = None) -> Counted:
        """The series of a selection, with labels of one of them; `whole` is the selection that it is a part of."""
        made = self.histogram(selection, whole)
        return made if self.engine.spec.families[selection.family].type != "histogram" else made.whole()

    def histogram(self, selection: Selection, whole: Selection | None = None) -> Counted:
        """The same for a histogram as a whole, without a suffix."""
        own = self._labels(selection) | self._prompts()
        match = (whole.match.items() if whole else ()), selection.match.items()
        matchers = [Matcher(label, "=", value) for label, value in own.items()]
        matchers += [Matcher.parse(label, text) for part in match for label, text in part]
        example = (whole.labels if whole else {}) | selection.labels | own
        family = selection.family
        form = self._form(family) if self.engine.spec.families[family].type == "histogram" else "classic"
        return Counted(family, tuple(dict.fromkeys(matchers)), tuple(example.items()), form)

    def _form(self, family: str) -> Histograms:
        return form_of(self.model, locks_of(self.workspace, self.model, family), family)

    def _prompts(self) -> dict[str, str]:
        classes, chosen = self.engine.spec.prompt_classes, self.slo.spec.prompts
        return {classes.label: classes.values[chosen]} if classes and chosen in classes.values else {}

    def _labels(self, selection: Selection) -> dict[str, str]:
        foreign = self.engine.spec.foreign(selection.family)
        named = {selection.renamed.get(label, label): value for label, value in self.model.spec.select.items()}
        return {label: value for label, value in named.items() if label not in foreign}

    def _too_wide(self, selection: Selection) -> Finding | None:
        spec, select = self.engine.spec, self.model.spec.select
        left = self._labels(selection)
        lost = [label for label in select if selection.renamed.get(label, label) not in left]
        if left and not (spec.many_models and spec.identity.get("model") in lost):
            return None
        message = f"{self.slo.name} would count every model: {selection.family} has no label {', '.join(lost)}"
        expected = "another label too, such as job or namespace"
        if left:
            expected = "an indicator that knows the model, or a job for each model"
        return Finding(codes.SELECTOR_TOO_WIDE, message, self.model.at("spec", "select"), expected)
