"""How the time of compiling grows: 100,000 SLOs beside 10,000, rules without tests.

The larger workspace is ten copies of the smaller one under other names, so an SLO costs the same in both.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from bench.rows import Row
from bench.sloth_speed import EACH, FAILSOFT, FILES, convert, took, write

__all__ = ["run"]

_TIMES = 10
_PAIRS = 2


def run() -> list[Row]:
    """Time of processors, wall and memory of both."""
    with tempfile.TemporaryDirectory(prefix="failsoft-bench-") as name:
        folder = Path(name)
        write(folder / "sloth", FILES)
        convert(folder / "sloth", folder / "small")
        _multiplied(folder / "small", folder / "large")
        pairs = []
        for index in range(_PAIRS):
            small, large = (
                took(*FAILSOFT, "compile", folder / size, "-o", folder / f"{size}-{index}", "--no-tests")
                for size in ("small", "large")
            )
            pairs.append((small, large))
            print(f"{small}, {_TIMES} times as many {large}", file=sys.stderr, flush=True)
        again = took(*FAILSOFT, "compile", folder / "large", "-o", folder / f"large-{_PAIRS - 1}", "--no-tests")
    growth = statistics.median(large.cpu / small.cpu for small, large in pairs)
    what = f"{FILES * EACH * _TIMES:,} SLOs in {FILES * _TIMES:,} files to rules"
    return [
        Row(f"processor time for {_TIMES} times as many SLOs", growth, "times", _TIMES),
        Row(f"{what}, time of processors", statistics.median(large.cpu for _, large in pairs), "s"),
        Row(f"{what}, first process, of processors", statistics.median(large.first for _, large in pairs), "s"),
        Row(f"{what}, wall", min(large.wall for _, large in pairs), "s"),
        Row(f"{what}, memory", max(large.memory for _, large in pairs), "MiB"),
        Row("the same again, nothing changed, time of processors", again.cpu, "s"),
    ]


def _multiplied(small: Path, large: Path) -> None:
    for path in small.rglob("*.yaml"):
        text, relative = path.read_text(encoding="utf-8"), path.relative_to(small)
        of_shop = path.stem.startswith("shop-")
        for index in range(_TIMES if of_shop else 1):
            target = large / relative.parent / (f"shop-{index}-{path.name[5:]}" if of_shop else path.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.replace("shop-", f"shop-{index}-"), encoding="utf-8")
