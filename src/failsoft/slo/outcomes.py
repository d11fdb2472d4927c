"""Requests and their outcomes: which of them the author calls bad, as far as the engine can tell them apart."""

from collections.abc import Sequence

from failsoft.findings import Finding
from failsoft.slo import codes
from failsoft.slo.indicators import BadOfTotal, Counted, GoodOfTotal
from failsoft.slo.select import Selector
from failsoft.workspace.kinds.families import CODE, AvailabilitySource, Selection

__all__ = ["requests_of"]

_ALIASES = {"499": "abort", "abort": "499"}
"""A client that goes away: nginx's code for it, and the word of engines that have no codes."""

_NOWHERE = "no engine known here tells it: count it at the client or in a gateway of your own, and use events"

type Found = tuple[BadOfTotal | GoodOfTotal | None, tuple[Finding, ...]]


def requests_of(of: Selector, source: AvailabilitySource, bad: Sequence[str] | None) -> Found:
    """Requests, and which of them count as bad.

    Args:
        of: whose requests; the other engines of the workspace are named where this one cannot tell.
        source: how the engine counts them.
        bad: the author's choice; None for the engine's default.
    """
    wide = of.too_wide(*source.selections)
    if wide:
        return None, wide
    model = of.slo.spec.model
    if source.good is not None:
        if bad:
            return None, (_unknown(of, source, bad[0], 0),)
        sentence = f"requests to {model} came to no good end"
        return GoodOfTotal(of.counted(source.total[0]), of.counted(source.good), sentence), ()
    written = bad or source.default
    chosen = [_known(source, choice) for choice in written]
    unknown = tuple(
        _unknown(of, source, written[index], index) for index, choice in enumerate(chosen) if choice is None
    )
    if unknown:
        return None, unknown
    names = list(dict.fromkeys(choice for choice in chosen if choice is not None))
    bads = [_counted(of, source, source.bad[name]) for name in names if name in source.bad]
    statuses = [name for name in names if name not in source.bad]
    if statuses and source.codes is not None:
        selection = _of_codes(source.codes.family, source.codes.label, statuses)
        bads.insert(0, _counted(of, source, selection))
    totals = tuple(of.counted(selection) for selection in source.total)
    sentence = f"requests to {model} failed ({', '.join(names)})"
    return BadOfTotal(totals, tuple(bads), sentence), ()


def _known(source: AvailabilitySource, choice: str) -> str | None:
    for name in (choice, _ALIASES.get(choice, choice)):
        if name in source.bad or (source.codes is not None and CODE.fullmatch(name)):
            return name
    return None


def _counted(of: Selector, source: AvailabilitySource, selection: Selection) -> Counted:
    whole = next((one for one in source.total if one.family == selection.family), None)
    return of.counted(selection, whole)


def _of_codes(family: str, label: str, chosen: Sequence[str]) -> Selection:
    """Codes and classes of them as one matcher; a code within a chosen class is not named again."""
    kept = [code for code in chosen if code.endswith("xx") or f"{code[0]}xx" not in chosen]
    patterns = [f"{code[0]}.." if code.endswith("xx") else code for code in kept]
    example = f"{kept[0][0]}00" if kept[0].endswith("xx") else kept[0]
    single = len(patterns) == 1 and "." not in patterns[0]
    match = {label: patterns[0] if single else f"=~{'|'.join(patterns)}"}
    return Selection(family=family, match=match, example={label: example})


def _unknown(of: Selector, source: AvailabilitySource, choice: str, index: int) -> Finding:
    able = list(source.bad) + (["any status code, any class such as 5xx"] if source.codes else [])
    message = f"the engine {of.engine.name}{of.engine.spec.mark} cannot tell {choice} from other outcomes"
    expected = "some of " + ", ".join(able) if able else "no choice: it counts good requests only"
    others = [
        f"{engine.name}{engine.spec.mark}"
        for engine in of.workspace.engines.values()
        if (other := engine.spec.indicators.availability) is not None and _known(other, choice)
    ]
    known = next((source.untold[name] for name in (choice, _ALIASES.get(choice, choice)) if name in source.untold), "")
    where = f"measure it where it can be told: {', '.join(others)}" if others else _NOWHERE
    hint = "; ".join([*([known] if known else []), where])
    key = of.slo.spec.indicator.key
    return Finding(codes.UNKNOWN_OUTCOME, message, of.slo.at("spec", "indicator", key, "bad", index), expected, hint)
