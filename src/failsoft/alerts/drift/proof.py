"""The proof of a counted monitor: promtool has to find what the statistics say of the same counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from failsoft.alerts.drift.expected import expected
from failsoft.alerts.drift.monitored import Monitored
from failsoft.alerts.rules import Group, comment, yaml_string
from failsoft.drift.counting.bins import Bins, bins_of
from failsoft.drift.counting.series import BIN_ROWS, REFERENCE_ROWS, reference_label
from failsoft.drift.profile import ReferenceProfile
from failsoft.slo.promql import Matcher, number, quoted, range_text, selector
from failsoft.slo.series import ALL_SIGNALS, DRIFT_EVALUATED, DRIFT_ROWS, DRIFT_SCORE, DRIFT_VERDICT

__all__ = ["Story", "proof_text", "stories_text"]

_START = 1_000_000
"""Where counters begin: far from 0, where `increase` guesses when a counter was born."""

_CLOSE = 1e-6
_STEPS = 4

type Window = Mapping[str, Sequence[float]]
"""By feature, the rows of each of its bins, `missing` last."""


@dataclass(frozen=True, slots=True)
class Story:
    """A window and what it is called.

    Attributes:
        name: in words.
        window: what is counted; None where nobody counts.
        reference: with which reference the counters say they count; the profile's own, when left out.
    """

    name: str
    window: Window | None
    reference: str = ""


def proof_text(
    rules: str, groups: Sequence[Group], of: Monitored, profiles: Sequence[ReferenceProfile], *, origin: str
) -> str:
    """The text of the promtool test that is written beside the rules."""
    profile = profiles[0]
    bins = _bins(of, profile)
    rows = 3 * of.rows
    alike = {name: _scaled(one.reference, rows) for name, one in bins.items()}
    moved = {name: _scaled((*one.reference[:-1][::-1], one.reference[-1] + 1), rows) for name, one in bins.items()}
    stories = (
        Story("is like its reference", alike),
        Story("has moved", moved),
        Story("is idle", {name: [0.0] * len(one.names) for name, one in bins.items()}),
        Story("is not counted", None),
        Story("counts by another reference", alike, "another"),
    )
    return stories_text(rules, groups, of, profile, stories, origin=origin)


def stories_text(  # noqa: PLR0913  # the rules, what they are of, and the stories
    rules: str,
    groups: Sequence[Group],
    of: Monitored,
    profile: ReferenceProfile,
    stories: Iterable[Story],
    *,
    origin: str,
) -> str:
    """The text of a promtool test file.

    Args:
        rules: the rule file, relative to the test file.
        groups: what stands in it.
        of: the monitor.
        profile: one of its references.
        stories: each with a window.
        origin: what it was made from, for the comment on top.
    """
    lines = [
        f"# Written by failsoft compile from {comment(origin)}. Do not edit.",
        f"rule_files: [{yaml_string(rules)}]",
        f"evaluation_interval: {range_text(of.every)}",
        f"group_eval_order: [{', '.join(yaml_string(group.name) for group in groups)}]",
        "tests:",
    ]
    bins = _bins(of, profile)
    for story in stories:
        lines += [f"- name: {yaml_string(f'{of.monitor} {story.name}')}", f"  interval: {range_text(of.scrape)}"]
        lines.append("  input_series:")
        for series, values in _series(of, profile, bins, story):
            lines += [f"  - series: {yaml_string(series)}", f"    values: {yaml_string(values)}"]
        lines.append("  promql_expr_test:")
        at = range_text(_end(of))
        for expression, value in _checks(of, profile, bins, story):
            lines += [f"  - expr: {yaml_string(expression)}", f"    eval_time: {at}"]
            lines.append(f"    exp_samples: {'[]' if value is None else f'[{{value: {value}}}]'}")
    return "\n".join(lines) + "\n"


def _bins(of: Monitored, profile: ReferenceProfile) -> dict[str, Bins]:
    names = of.features or tuple(profile.features)
    return {name: bins_of(profile.features[name]) for name in names}


def _scaled(rows: Sequence[int], wanted: int) -> list[float]:
    total = sum(rows)
    return [float(round(count * wanted / total)) for count in rows]


def _counting(of: Monitored) -> int:
    """Milliseconds within which a story's rows are counted, after two evaluations that have no scrape before them.

    Long windows have all of it, so that a story is no longer than it need be; short ones are filled from end to end.
    """
    burst = _STEPS * of.every
    return burst if of.window > burst + of.every else of.window


def _end(of: Monitored) -> int:
    """When all that was counted is in the window, and nothing has left it."""
    counting = _counting(of)
    return 2 * of.every + counting + (of.every if counting < of.window else 0)


def _values(of: Monitored, rows: float) -> str:
    """A counter that stands still, grows by so many rows, and stands still."""
    before, during = 2 * of.every // of.scrape, _counting(of) // of.scrape
    if _counting(of) == of.window:
        return f"{_START}+{number(Fraction(rows) / during)}x{before + during}"
    more = Fraction(rows) / during
    after = of.every // of.scrape
    grown = f"{number(_START + more)}+{number(more)}x{during - 1}"
    return f"{_START}x{before} {grown} {number(Fraction(_START) + Fraction(rows))}x{after - 1}"


def _series(
    of: Monitored, profile: ReferenceProfile, bins: Mapping[str, Bins], story: Story
) -> Iterator[tuple[str, str]]:
    label = story.reference or reference_label(profile.digest)
    samples = _end(of) // of.scrape
    for name, one in bins.items():
        for index, bin_ in enumerate(one.names):
            own = f"model={quoted(of.model)}, reference={quoted(label)}, feature={quoted(name)}, bin={quoted(bin_)}"
            holds = f"holds={quoted(one.holds[index])}"
            yield f"{REFERENCE_ROWS}{{{own}, {holds}}}", f"{one.reference[index]}x{samples}"
            if story.window is not None:
                yield f"{BIN_ROWS}{{{own}}}", _values(of, story.window[name][index])


def _checks(
    of: Monitored, profile: ReferenceProfile, bins: Mapping[str, Bins], story: Story
) -> Iterator[tuple[str, int | None]]:
    """Expressions, and 1 where they have to hold or None where there has to be nothing."""
    here = next(one for one in of.references if one.label == reference_label(profile.digest))
    critical = {one.feature: one for one in here.critical}
    window = None if story.reference else story.window
    worst: list[float] = []
    for name, one in bins.items():
        if window is None:
            yield from ((f"count({_of(of, metric, name)})", None) for metric in _SEEN)
            continue
        verdict = "judged" if sum(window[name]) >= of.rows else "too-few-rows"
        yield f"count({_of(of, DRIFT_VERDICT, name, ('verdict', verdict))} == 1)", 1
        yield f"count({_of(of, DRIFT_VERDICT, name)} == 1)", 1
        yield f"count({_of(of, DRIFT_EVALUATED, name)} == {_end(of) // 1000})", 1
        found = expected(of, one, window[name], critical[name], here.bins[name], promised=here.promised)
        for (metric, labels), value in found.items():
            yield _close(_of(of, metric, name, *labels), value)
        excess = found[DRIFT_SCORE, (("statistic", "excess"),)]
        worst += [] if excess is None else [excess]
    yield f"count({_of(of, DRIFT_EVALUATED, ALL_SIGNALS)})", None if window is None else 1
    yield _close(_of(of, DRIFT_SCORE, ALL_SIGNALS, ("statistic", "excess")), max(worst, default=None))


_SEEN = (DRIFT_SCORE, DRIFT_ROWS, DRIFT_VERDICT, DRIFT_EVALUATED)


def _of(of: Monitored, metric: str, signal: str, *labels: tuple[str, str]) -> str:
    pairs = (("model", of.model), ("monitor", of.monitor), ("signal", signal), *labels)
    return selector(metric, tuple(Matcher(name, "=", value) for name, value in pairs))


def _close(series: str, value: float | None) -> tuple[str, int | None]:
    if value is None:
        return f"count({series})", None
    # promtool compares to the last digit
    return f"count(abs({series} - {number(Fraction(value))}) <= {max(_CLOSE, abs(value) * _CLOSE / 1000):.12f})", 1
