"""A folder that is one lab's alone while it runs, and empty when it begins."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from failsoft.errors import UsageError
from failsoft.lab.parts.leftovers import reap_leftovers

__all__ = ["claimed"]

_MARK = ".failsoft-lab"


@contextlib.contextmanager
def claimed(root: Path, registry: Path) -> Iterator[int]:
    """Make the folder, or empty one that was a lab's; gives how many processes of a killed lab were ended.

    Args:
        root: the folder.
        registry: where in it running processes are written down.

    Raises:
        UsageError: the folder holds something else, is somebody else's, or a lab runs in it.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = root / _MARK
    if root.stat().st_uid != os.getuid():
        raise UsageError(f"{root} belongs to another user: say another folder with -o")
    if not mark.exists() and any(root.iterdir()):
        raise UsageError(f"{root} holds something that is no lab's: say an empty folder with -o")
    with mark.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"a lab runs in {root} already: say another folder with -o") from None
        ended = reap_leftovers(registry)
        for entry in root.iterdir():
            if entry == mark:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        yield len(ended)
