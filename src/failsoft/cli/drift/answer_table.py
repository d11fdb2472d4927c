"""What was found in a log of answers, for people and for programs."""

from collections.abc import Sequence
from typing import Any

from failsoft.cli.drift.answer_log import Log
from failsoft.drift.answers import CHECKS, Limited, interval
from failsoft.findings import amount

__all__ = ["as_json", "table"]

_HEADER = ("check", "flagged", "of", "share", "95 %", "limit", "")


def table(log: Log, watched: Sequence[Limited], alarms: float) -> str:
    """A line for each check, then what the answers were like, then the verdict."""
    limits = {one.check: one for one in watched}
    lines = [_HEADER, *(_line(log, check, limits.get(check)) for check in CHECKS)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER) - 1)]
    shown = ["  ".join([*map(str.ljust, line, widths), line[-1]]).rstrip() for line in lines]
    low, middle, high = _quantiles(log)
    facts = [amount(log.whole.answers, "answer"), f"{low:,} / {middle:,} / {high:,} characters (5, 50, 95 %)"]
    if log.reasons:
        facts.append("ended by " + ", ".join(f"{name} {count:,}" for name, count in log.reasons.most_common(6)))
    if len(log.scripts) > 1:
        facts.append("in " + ", ".join(f"{name} {count:,}" for name, count in log.scripts.most_common(4)))
    if log.logprobs[0]:
        facts.append(f"mean log-probability {log.logprobs[1] / log.logprobs[0]:.3f}")
    if log.broken:
        facts.append(f"{amount(log.broken, 'line')} without an answer")
    shown.append("; ".join(facts))
    if watched:
        shown.append(_verdict(watched, alarms))
    return "\n".join(shown)


def as_json(log: Log, watched: Sequence[Limited]) -> dict[str, Any]:
    """The same for programs; shares are of the answers that a check could look at."""
    limits = {one.check: one for one in watched}
    low, middle, high = _quantiles(log)
    return {
        "answers": log.whole.answers,
        "broken_lines": log.broken,
        "windows": len(log.windows),
        "window_seconds": log.window_s,
        "checks": [_check(log, check, limits.get(check)) for check in CHECKS],
        "characters": {"p5": low, "p50": middle, "p95": high},
        "finish_reasons": dict(log.reasons.most_common()),
        "scripts": dict(log.scripts.most_common()),
        "mean_logprob": log.logprobs[1] / log.logprobs[0] if log.logprobs[0] else None,
    }


def _check(log: Log, check: str, limited: Limited | None) -> dict[str, Any]:
    checked, flagged = log.whole.checked[check], log.whole.flagged[check]
    low, high = interval(flagged, checked)
    return {
        "check": check,
        "means": CHECKS[check],
        "checked": checked,
        "flagged": flagged,
        "share": flagged / checked if checked else None,
        "low": low,
        "high": high,
        "limit": limited.limit if limited else None,
        "exceeded_in_windows": list(limited.alarms) if limited else None,
    }


def _line(log: Log, check: str, limited: Limited | None) -> tuple[str, ...]:
    checked, flagged = log.whole.checked[check], log.whole.flagged[check]
    if not checked:
        return check, "-", "0", "-", "-", f"{100 * limited.limit:g} %" if limited else "", "not checked"
    low, high = interval(flagged, checked)
    verdict = "" if limited is None else _exceeded(limited) if limited.alarms else "within its limit"
    return (
        check,
        f"{flagged:,}",
        f"{checked:,}",
        f"{100 * flagged / checked:.3g} %",
        f"{100 * low:.3g} - {100 * high:.3g} %",
        f"{100 * limited.limit:g} %" if limited else "",
        verdict,
    )


def _exceeded(limited: Limited) -> str:
    first, *others = limited.alarms
    more = f", and {amount(len(others), 'time')} more" if others else ""
    return f"beyond its limit since window {first + 1} of {limited.windows}{more}"


def _verdict(watched: Sequence[Limited], alarms: float) -> str:
    beyond = [one.check for one in watched if one.alarms]
    promise = f"false alarms at most {alarms:g} in 30 days for each limit"
    if beyond:
        return f"beyond the declared limit: {', '.join(beyond)} ({promise})"
    return f"within the declared limits ({promise})"


def _quantiles(log: Log) -> tuple[int, int, int]:
    ordered = sorted(log.characters)
    last = len(ordered) - 1
    return ordered[last * 5 // 100], ordered[last // 2], ordered[last * 95 // 100]
