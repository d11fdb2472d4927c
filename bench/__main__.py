"""`python -m bench [NAME ...]`: run the measurements, print one table, exit with 1 where a bound is broken.

Those beside Sloth need it, and are left out with a word where it is missing and they are not named.
"""

import sys
from importlib import import_module

from bench.rows import Row, table
from bench.sloth import MissingSlothError

NAMES = (
    "start_up",
    "compile",
    "webhook",
    "approval",
    "drift_speed",
    "drift_counter",
    "drift_quality",
    "drift_monitors",
    "answers",
    "sloth_cost",
    "sloth_budget",
)


def main(names: list[str]) -> int:
    rows: list[Row] = []
    for name in names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            rows += import_module(f"bench.{name}").run()
        except MissingSlothError as error:
            print(f"{name} is left out: {error}", file=sys.stderr, flush=True)
            if names:
                return 1
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
