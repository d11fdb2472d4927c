"""What a server exports, read from its own answer: families with their types, labels and bucket bounds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from failsoft.errors import RefusedError

__all__ = ["Scrape", "Seen", "parse_scrape"]

_SHOWN = 120
_YAML = re.compile(r"^(?:apiVersion|kind|metadata|spec|groups):(?:\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Seen:
    """A family as a server exports it.

    Attributes:
        type: as it says itself; `unknown` where it does not.
        labels: those of all its series, without `le`; None where it has no series yet.
        bounds: for a histogram, every list of bounds among its series, `+Inf` left out.
    """

    type: str
    labels: frozenset[str] | None
    bounds: frozenset[tuple[Decimal, ...]]


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of a server.

    Attributes:
        source: where it came from, for people.
        families: by name; counters under the name with which they are queried.
    """

    source: str
    families: Mapping[str, Seen]


def parse_scrape(text: str, source: str) -> Scrape:
    """Read the text format of Prometheus, or OpenMetrics where the text ends as that does.

    Raises:
        RefusedError: it is neither; the text says what it looks like.
    """
    from prometheus_client.openmetrics import parser as openmetrics
    from prometheus_client.parser import text_string_to_metric_families

    _refuse_others(text, source)
    read = text_string_to_metric_families
    if text.rstrip().endswith("# EOF"):
        read = openmetrics.text_string_to_metric_families
    try:
        metrics = list(read(text))
    except (ValueError, IndexError, KeyError) as error:
        said = " ".join(str(error).split())[:_SHOWN]
        raise RefusedError(f"{source} holds no metrics that can be read: {said}") from None
    families: dict[str, Seen] = {}
    for metric in metrics:
        seen = Seen(metric.type, _labels(metric.samples), _bounds(metric.samples))
        families[metric.name] = seen
        if metric.type == "counter":  # the library knows counters without the suffix, whatever their name is
            families.setdefault(f"{metric.name}_total", seen)
        if metric.type == "unknown" and metric.name.endswith("_bucket"):  # as Prometheus's own /federate says it
            families.setdefault(metric.name.removesuffix("_bucket"), seen)
    if not any(seen.labels is not None for seen in families.values()):
        raise RefusedError(f"{source} holds no metrics")
    return Scrape(source, families)


def _refuse_others(text: str, source: str) -> None:
    begin = text.lstrip()[:1]
    if begin == "<":
        raise RefusedError(f"{source} is a web page, no metrics: is the path right, such as /metrics?")
    if begin in {"{", "["} and text.rstrip()[-1:] in {"}", "]"}:
        raise RefusedError(f"{source} is JSON, no metrics: is the path right, such as /metrics or /prometheus/metrics?")
    if _YAML.search(text):
        raise RefusedError(f"{source} is YAML, no metrics: give the address of /metrics, or a file with its answer")


def _labels(samples: Iterable[Any]) -> frozenset[str] | None:
    names: set[str] = set()
    some = False
    for sample in samples:
        if not sample.name.endswith("_created"):
            some = True
            names.update(sample.labels)
    return frozenset(names - {"le"}) if some else None


def _bounds(samples: Iterable[Any]) -> frozenset[tuple[Decimal, ...]]:
    series: dict[frozenset[tuple[str, str]], set[Decimal]] = {}
    for sample in samples:
        le = sample.labels.get("le")
        if le is None or not sample.name.endswith("_bucket"):
            continue
        key = frozenset(pair for pair in sample.labels.items() if pair[0] != "le")
        try:
            bound = Decimal(le)
        except InvalidOperation:
            continue
        found = series.setdefault(key, set())
        if bound.is_finite():
            found.add(bound.normalize())
    return frozenset(tuple(sorted(found)) for found in series.values())
