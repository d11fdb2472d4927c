"""How many queries, and how much of a processor, `failsoft backtest` takes over 30 days of scrapes every 15 seconds.

A real Prometheus holds the month: a busy and a quiet half of each day, two outages, a slow burn, restarts, and a night
of which nothing was scraped. `python -m bench.backtest FOLDER` writes the workspace, the text, the JSON and the page
into a folder, as docs/backtest.md shows them.
"""

import math
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row
from failsoft.clients.binaries import find, run_tool
from failsoft.lab.parts import prometheus_server

NAME = "vllm:time_to_first_token_seconds"
DAYS, SCRAPE = 30, 15
PER_DAY = 86_400 // SCRAPE
BEGIN = 1_767_225_600
"""2026-01-01, at midnight of UTC."""

UNTIL = "2026-01-31T00:00"
BOUNDS = (0.1, 0.25, 0.5, 0.75, 1.0, 2.5)
SHARES = (0.3, 0.4, 0.2965, 0.0015, 0.001, 0.001)
"""Of healthy requests, by bucket."""

WORKSPACE = """\
kind: Workspace
metadata: {name: month}
spec: {prometheus: {url: "http://prometheus:9090", scrapeInterval: 15s}}
---
kind: Team
metadata: {name: assistants}
spec: {slack: "#assistants", pager: {stdout: {}}, people: [{name: ana, slack: U0ANA}]}
---
kind: Model
metadata: {name: chat}
spec: {engine: vllm, select: {job: vllm, model_name: chat-70b}, owner: assistants}
---
kind: SLO
metadata: {name: chat-ttft}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""

# days since the begin: from, until, the share of requests that are slow
TROUBLES = ((6.4, 6.44, 0.7), (13.1, 13.115, 1.0), (19.3, 21.0, 0.025))
RESTARTS = (13.115, 24.5)
UNSCRAPED = (16.0, 16.25)


def run() -> list[Row]:
    """The queries and the CPU time of a first run, and of a second one that finds everything kept."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as name:
        folder = Path(name)
        with prometheus_server(folder, "global: {}", flags=_blocks(folder)) as server:
            first, asked = _once(folder, server.url)
            second, again = _once(folder, server.url)
    what = "`failsoft backtest` of one TTFT SLO over 30 d of 15 s scrapes"
    return [
        Row(f"{what}, queries", asked, "", 160),
        Row(f"{what}, CPU of the command", first, "s", 10),
        Row(f"{what}, a second time, queries", again, "", 0),
        Row(f"{what}, a second time, CPU", second, "s", 8),
    ]


def write(folder: Path) -> None:
    """The workspace and everything that the command makes of it, for the docs."""
    folder.mkdir(parents=True, exist_ok=True)
    with prometheus_server(folder, "global: {}", flags=_blocks(folder)) as server:
        _once(folder, server.url)
        for form in ("text", "json"):
            done = subprocess.run(
                _words(folder, server.url, "--output", form), check=False, capture_output=True, text=True
            )
            (folder / f"backtest.{form}").write_text(done.stdout + done.stderr, encoding="utf-8")


def _once(folder: Path, url: str) -> tuple[float, int]:
    """Seconds of CPU, and queries that were not kept."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(_words(folder, url), check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    line = next(line for line in done.stdout.splitlines() if " queries" in line)
    words = line.replace(",", "").split()
    kept = int(words[words.index("kept") - 3]) if "kept" in words else 0
    return took, int(words[words.index("queries") - 1]) - kept


def _words(folder: Path, url: str, *more: str) -> list[str]:
    root = folder / "month"
    root.mkdir(exist_ok=True)
    (root / "failsoft.yaml").write_text(WORKSPACE, encoding="utf-8")
    words = ["backtest", str(root), "--prometheus", url, "--since", f"{DAYS}d", "--until", UNTIL]
    where = ["--cache", str(folder / "kept"), "--html", str(folder / "backtest.html")]
    return [sys.executable, "-m", "failsoft", *words, *where, *more]


def _blocks(folder: Path) -> dict[str, str]:
    """The month, as blocks in the folder of a Prometheus; day by day, for promtool reads a text once for each block."""
    data = folder / "data"
    days: dict[int, dict[str, list[str]]] = {}
    for replica in ("a", "b"):
        labels = f'job="vllm",model_name="chat-70b",instance="{replica}"'
        names = [f'{NAME}_bucket{{{labels},le="{bound}"}}' for bound in BOUNDS] + [f"{NAME}_count{{{labels}}}"]
        for at, counts in _scrapes(replica):
            day = days.setdefault((at - BEGIN) // 86_400, {})
            for name, value in zip(names, counts, strict=True):
                day.setdefault(name, []).append(f"{name} {value} {at}\n")
    text = folder / "day.om"
    for day in days.values():
        lines = [f"# TYPE {NAME}_bucket unknown\n# TYPE {NAME}_count unknown\n"]
        lines += [line for name in sorted(day) for line in day[name]]
        text.write_text("".join([*lines, "# EOF\n"]), encoding="utf-8")
        made = run_tool([find("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, data], timeout=120)
        assert made.ok, made.stderr
    text.unlink()
    return {"storage.tsdb.path": str(data), "storage.tsdb.retention.time": "90d"}


def _scrapes(replica: str) -> Iterator[tuple[int, list[int]]]:
    """When a replica was scraped, and its cumulative buckets and count then."""
    draw = random.Random(replica)  # noqa: S311  # dice with a seed are the point
    counts = [0] * (len(BOUNDS) + 1)
    for scrape in range(DAYS * PER_DAY + 1):
        day = scrape / PER_DAY
        if any(abs(day - restart) < 0.5 / PER_DAY for restart in RESTARTS):
            counts = [0] * len(counts)
        requests = round(14 + 10 * math.sin(2 * math.pi * (day - 0.3)) + draw.random())
        slow = next((share for start, end, share in TROUBLES if start <= day < end), 0.0)
        late = sum(draw.random() < slow for _ in range(requests)) if slow else 0
        took = draw.choices(BOUNDS, SHARES, k=requests - late) + draw.choices((0.75, 1.0, 2.5), (5, 4, 2), k=late)
        for index, bound in enumerate(BOUNDS):
            counts[index] += sum(one <= bound for one in took)
        counts[-1] += requests
        if not UNSCRAPED[0] <= day < UNSCRAPED[1]:
            yield BEGIN + scrape * SCRAPE, list(counts)


if __name__ == "__main__":
    os.environ.setdefault("FAILSOFT_PARTS", str(Path(__file__).parents[1] / ".cache" / "parts"))
    write(Path(sys.argv[1]))
