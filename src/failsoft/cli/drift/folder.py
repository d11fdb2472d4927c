"""Which file of a folder of references is that of a revision."""

import re
from pathlib import Path

from failsoft.errors import UsageError

__all__ = ["file_for"]


def file_for(reference: Path, revision: str) -> Path:
    """The file of a reference; in a folder of them that of its revision, or one named by it where there is none.

    Raises `UsageError` where it is a folder, and nobody says of which revision.
    """
    if reference.suffix == ".json" and not reference.is_dir():
        return reference
    if not revision:
        raise UsageError(f"{reference} is a folder of references: say with --revision of which one this is")
    from failsoft.drift import ReferenceProfile
    from failsoft.server.references import profiles_in

    for path in profiles_in(reference):
        held = ReferenceProfile.parse(path.read_bytes(), path.name)
        if isinstance(held, ReferenceProfile) and held.revision == revision:
            return path
    return reference / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', revision).strip('-.')[-100:]}.json"
