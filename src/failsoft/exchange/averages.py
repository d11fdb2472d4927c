"""Averages over time of gauges that are 0 or 1, such as `up`, as slices of time: the nearest that failsoft has."""

import re

from failsoft.exchange import codes
from failsoft.exchange.queries import WINDOW, Made, Query, gauge
from failsoft.findings import Finding

__all__ = ["of_average"]

_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')')
_MEAN = re.compile(r"1-(\()?(?:(?:avg|min)(\())?avg_over_time\((.+)\[w\]\)(?(2)\))(?(1)\))")
_SHARE = re.compile(
    r"1-(\()?(sum\()?sum_over_time\((.+)\[w\]\)(?(2)\))/(sum\()?count_over_time\((.+)\[w\]\)(?(4)\))(?(1)\))"
)
_BINARY = ("probe_success", "up")
"""Gauges that are known to be 1 where all is well, and 0 where it is not."""


def of_average(query: Query) -> Made | None:
    """What `1 - avg_over_time(up{...}[{{.window}}])`, and the same by sums, become; None for any other query."""
    text = "".join(
        part if part[:1] in {'"', "'"} else re.sub(r"\s+", "", part)
        for part in _QUOTED.split(WINDOW.sub("w", query.text))
    )
    mean, share = _MEAN.fullmatch(text), _SHARE.fullmatch(text)
    if share is not None and share[3] != share[5]:
        share = None
    selected = mean[3] if mean is not None else share[3] if share is not None else ""
    metric = re.split(r"[{\[]", selected)[0]
    if metric not in _BINARY:
        return None
    made, findings = gauge(query._replace(text=selected), {"above": "0.5"})
    if made is None:
        return None, findings
    message = f"Sloth takes the mean of {metric} over time; a slice of time in which any of its series is 0 is bad here"
    return made, [Finding(codes.APPROXIMATED, message, query.place)]
