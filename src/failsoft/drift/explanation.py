"""What moved, inputs beside outputs, in one sentence: a change of traffic is no change of the model."""

from collections.abc import Sequence

from failsoft.drift.judgement import Judged, Severity

__all__ = ["clustered", "explanation"]

_MOST = 3
_WORTH_TELLING = 1.05


def explanation(features: Sequence[Judged]) -> str:
    """Whether outputs moved, and whether inputs moved with them."""
    moved = [one for one in features if one.severity in {Severity.TICKET, Severity.PAGE}]
    outputs, inputs, mixes = (_names(moved, role) for role in ("prediction", "feature", "stratum"))
    as_well = f" The mix of {mixes} moved as well." if mixes and (outputs or inputs) else ""
    return _said(features, outputs, inputs, mixes) + as_well


def clustered(features: Sequence[Judged]) -> str | None:
    """How few independent rows a window has where its rows come in clusters; None where that hardly matters."""
    several = [one.compared for one in features if one.compared.design.current > _WORTH_TELLING]
    if not several:
        return None
    worst = min(several, key=lambda one: one.effective.current)
    rows, independent = f"{worst.rows.current:,}", f"{worst.effective.current:,.0f}"
    return (
        f"Rows come in clusters: {rows} rows of the window say as much as {independent} independent ones, at worst "
        f"({_printable(worst.name)})."
    )


def _said(features: Sequence[Judged], outputs: str, inputs: str, mixes: str) -> str:
    if mixes and not outputs and not inputs:
        return f"Only the mix of {mixes} moved: other traffic, no change of the model."
    if not any(one.compared.feature.role == "prediction" for one in features):
        moved = f"Moved: {inputs}. " if inputs else "Nothing moved. "
        return moved + "No column is a prediction (fit --prediction), so nobody can say whether outputs moved."
    if outputs and inputs:
        return f"Outputs moved ({outputs}), and inputs moved too ({inputs}): traffic may explain it."
    if outputs:
        return f"Outputs moved without inputs ({outputs}): look at the model, its prompt and its pipeline first."
    return f"Inputs moved ({inputs}), outputs did not." if inputs else "Neither inputs nor outputs moved."


def _names(moved: Sequence[Judged], role: str) -> str:
    """The names of a role, the worst first, each once."""
    chosen = sorted((one for one in moved if one.compared.feature.role == role), key=lambda one: one.rank)
    names = list(dict.fromkeys(_printable(one.compared.name) for one in chosen))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)
