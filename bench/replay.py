"""A past that a real Prometheus holds, and rules evaluated over it as its ruler would have done, for the benches.

promtool's own rule tests read at most 10,000 samples a query, which three days of scrapes are more than. Here samples
are written as blocks; a rule is evaluated by a range query, and what it records becomes a block that later rules read.
"""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from failsoft.clients.binaries import find
from failsoft.lab.parts import prometheus_server

__all__ = ["Replay", "Rule", "labelled"]

type Rule = Mapping[str, Any]

_MOST_POINTS = 10_000
_FOREVER = {"storage.tsdb.retention.time": "10y", "query.max-samples": "500000000", "query.timeout": "10m"}


def labelled(name: str, labels: Mapping[str, str]) -> str:
    """A series as text."""
    return name + "{" + ",".join(f"{label}={json.dumps(value)}" for label, value in sorted(labels.items())) + "}"


class Replay:
    """A folder with the data of a Prometheus that is started where it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = 0

    def write(self, series: Iterable[tuple[str, Iterable[tuple[int, float]]]]) -> None:
        """Write series with pairs of milliseconds and values into blocks of their own."""
        self._files += 1
        source = self.folder / f"{self._files}.om"
        self.folder.mkdir(parents=True, exist_ok=True)
        with source.open("w", encoding="utf-8") as file:
            for name, samples in series:
                file.writelines(f"{name} {value!r} {at / 1000:.3f}\n" for at, value in samples)
            file.write("# EOF\n")
        argv = [str(find("promtool")), "tsdb", "create-blocks-from", "--max-block-duration=1000h", "openmetrics"]
        data = self.folder / "prometheus-data"
        data.mkdir(exist_ok=True)
        done = subprocess.run([*argv, str(source), str(data)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        source.unlink()

    @contextmanager
    def server(self) -> Iterator["Asked"]:
        """The server with all that was written before."""
        with prometheus_server(self.folder, "global: {}", flags=_FOREVER) as server:
            yield Asked(server.url)

    def play(self, rules: Sequence[Rule], first: int, last: int, step: int) -> None:
        """Record what recording rules would have recorded from `first` to `last` milliseconds, once a `step`.

        A rule comes after those whose series it reads.
        """
        recording = [rule for rule in rules if "record" in rule]
        for level in _levels(recording):
            with self.server() as asked:
                found = [one for rule in level for one in _evaluated(asked, rule, first, last, step)]
            self.write(sorted(found))


class Asked:
    """A Prometheus that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def instant(self, expression: str, at: int) -> tuple[list[tuple[dict[str, str], float]], int]:
        """The samples of an expression, and how many samples the server says it read for them."""
        data = self._get("query", {"query": expression, "time": f"{at / 1000:.3f}", "stats": "all"})
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))], 0
        found = [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]
        return found, int(data["stats"]["samples"]["totalQueryableSamples"])

    def over(self, expression: str, first: int, last: int, step: int) -> dict[str, list[tuple[int, float]]]:
        """The values of an expression over time, by their labels as JSON; in as many questions as the server allows."""
        found: dict[str, list[tuple[int, float]]] = {}
        for start in range(first, last + 1, _MOST_POINTS * step):
            end = min(last, start + (_MOST_POINTS - 1) * step)
            asked = {"query": expression, "start": f"{start / 1000:.3f}", "end": f"{end / 1000:.3f}"}
            for series in self._get("query_range", {**asked, "step": f"{step / 1000:.3f}"})["result"]:
                values = [(round(float(at) * 1000), float(value)) for at, value in series["values"]]
                found.setdefault(json.dumps(series["metric"], sort_keys=True), []).extend(values)
        return found

    def _get(self, what: str, parameters: Mapping[str, str]) -> Any:
        body = urllib.parse.urlencode(parameters).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}", body, timeout=600) as answer:  # noqa: S310  # our own server
            return json.load(answer)["data"]


def _levels(rules: Sequence[Rule]) -> list[list[Rule]]:
    """The rules in the order in which they read each other; one that reads its own name reads another window of it."""
    named: dict[str, list[Rule]] = {}
    for rule in rules:
        named.setdefault(rule["record"], []).append(rule)

    def level(rule: Rule) -> int:
        read = [name for name in named if name != rule["record"] and _reads(rule, name)]
        return 1 + max((level(one) for name in read for one in named[name] if _sooner(one, rule)), default=-1)

    levels: dict[int, list[Rule]] = {}
    for rule in rules:
        levels.setdefault(level(rule), []).append(rule)
    return [levels[at] for at in sorted(levels)]


def _sooner(one: Rule, rule: Rule) -> bool:
    """Whether it does not read what the other records, so that neither waits for the other."""
    return not _reads(one, rule["record"])


def _reads(rule: Rule, name: str) -> bool:
    return f"{name}{{" in rule["expr"]


def _evaluated(
    asked: Asked, rule: Rule, first: int, last: int, step: int
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    for labels, values in asked.over(rule["expr"], first, last, step).items():
        kept = {name: value for name, value in json.loads(labels).items() if name != "__name__"}
        yield labelled(rule["record"], kept | rule.get("labels", {})), values
