"""`python -m bench [NAME ...]`: run the measurements, print one table, exit with 1 where a bound is broken."""

import sys
from importlib import import_module

from bench.rows import Row, table

NAMES = ("start_up", "compile", "webhook", "approval", "drift_speed", "drift_counter", "drift_quality", "answers")


def main(names: list[str]) -> int:
    rows: list[Row] = []
    for name in names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += import_module(f"bench.{name}").run()
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
