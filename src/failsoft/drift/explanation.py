"""What moved, inputs beside outputs, in one sentence: a change of traffic is no change of the model."""

from collections.abc import Sequence

from failsoft.drift.judgement import Judged, Severity, worst
from failsoft.findings import amount

__all__ = ["clustered", "explanation", "tally", "unpromised", "verdict"]

_MOST = 3
_WORTH_TELLING = 1.05
_LOUD = (Severity.TICKET, Severity.PAGE)
_VERDICTS = {
    Severity.PAGE: "drifted: a page is due",
    Severity.TICKET: "drifted: a ticket is due",
    Severity.NONE: "in tolerance",
    Severity.UNJUDGED: "could not be judged",
}


def verdict(features: Sequence[Judged], *, calibrated: bool) -> str:
    """The worst of all in a few words; without a calibration no page is due, however far something has drifted."""
    found = worst(features)
    return "drifted: far enough for a page" if found is Severity.PAGE and not calibrated else _VERDICTS[found]


def unpromised(*, calibrated: bool) -> str | None:
    """What a person has to know of limits that no held-out window was asked for."""
    if calibrated:
        return None
    return (
        "No calibration: limits know of chance only, and no rate of false alarms is promised. Hold windows out for "
        "`failsoft drift calibrate`; until then Prometheus is given tickets, and no page."
    )


def tally(features: Sequence[Judged]) -> str:
    """How many features moved, and how many were not judged: in none of their strata, where there are any."""
    names, moved = _each(features), {one.compared.name for one in features if one.severity in _LOUD}
    silent = len(names) - len({one.compared.name for one in features if one.severity is not Severity.UNJUDGED})
    if names and silent == len(names):
        return f"{silent} of {amount(len(names), 'feature')} not judged"
    said = f"{len(moved)} of {amount(len(names), 'feature')} moved"
    if len(features) > len(names):
        said += f", {sum(one.severity in _LOUD for one in features)} of {len(features)} where each stratum counts"
    return said + (f", {silent} not judged" if silent else "")


def explanation(features: Sequence[Judged]) -> str:
    """Whether outputs moved, and whether inputs moved with them."""
    if features and worst(features) is Severity.UNJUDGED:
        return "Nothing could be judged."
    moved = [one for one in features if one.severity in _LOUD]
    outputs, inputs, mixes = (_names(moved, role) for role in ("prediction", "feature", "stratum"))
    as_well = f" The mix of {mixes} moved as well." if mixes and (outputs or inputs) else ""
    return _said(features, outputs, inputs, mixes) + as_well


def clustered(features: Sequence[Judged]) -> str | None:
    """How few independent rows a window has where its rows come in clusters; None where that hardly matters."""
    several = [one.compared for one in features if one.compared.design.current > _WORTH_TELLING]
    if not several:
        return None
    worst = min(several, key=lambda one: one.effective.current)
    rows, independent = amount(worst.rows.current, "row"), f"{worst.effective.current:,.0f}"
    return (
        f"Rows come in clusters: {rows} of the window say as much as {independent} independent ones, at worst "
        f"({_printable(worst.name)})."
    )


def _said(features: Sequence[Judged], outputs: str, inputs: str, mixes: str) -> str:
    if mixes and not outputs and not inputs:
        return f"Only the mix of {mixes} moved: other traffic, no change of the model."
    if not any(one.compared.feature.role == "prediction" for one in features):
        moved = f"Moved: {inputs}. " if inputs else "Nothing moved. "
        return moved + "No column is a prediction (fit --prediction), so nobody can say whether outputs moved."
    return _outputs_moved(features, outputs, inputs) if outputs else _outputs_still(features, inputs)


def _outputs_moved(features: Sequence[Judged], outputs: str, inputs: str) -> str:
    if inputs:
        return f"Outputs moved ({outputs}), and inputs moved too ({inputs}): traffic may explain it."
    if unknown := _names(_unjudged(features), "feature"):
        return f"Outputs moved ({outputs}); whether inputs moved too is not known: {unknown} could not be judged."
    return f"Outputs moved without inputs ({outputs}): look at the model, its prompt and its pipeline first."


def _outputs_still(features: Sequence[Judged], inputs: str) -> str:
    if unknown := _names(_unjudged(features), "prediction"):
        begun = f"Inputs moved ({inputs})" if inputs else "No input moved"
        return f"{begun}; whether outputs moved is not known: {unknown} could not be judged."
    return f"Inputs moved ({inputs}), outputs did not." if inputs else "Neither inputs nor outputs moved."


def _each(features: Sequence[Judged]) -> set[str]:
    return {one.compared.name for one in features}


def _unjudged(features: Sequence[Judged]) -> list[Judged]:
    """What no stratum could judge, and the reference could have compared."""
    judged = _each([one for one in features if one.severity is not Severity.UNJUDGED])
    return [one for one in features if one.compared.name not in judged and one.compared.feature.kind != "uncompared"]


def _names(moved: Sequence[Judged], role: str) -> str:
    """The names of a role, the worst first, each once."""
    chosen = sorted((one for one in moved if one.compared.feature.role == role), key=lambda one: one.rank)
    names = list(dict.fromkeys(_printable(one.compared.name) for one in chosen))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)
