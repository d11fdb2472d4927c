"""Taking a new reference in place of the old one: by whom, why, and instead of what."""

import json
from datetime import datetime
from typing import Any

from failsoft.drift.profile import Acceptance, ReferenceProfile

__all__ = ["accepted", "log_line"]


def accepted(
    new: ReferenceProfile, old: ReferenceProfile | None, *, author: str, reason: str, at: datetime
) -> ReferenceProfile:
    """The new reference with what is to be known of its acceptance.

    Raises `ValueError` without an author or a reason, or where the two are of different models, or hold the same.

    Args:
        new: the reference to be.
        old: the one until now; None where there is none.
        author: who accepts it.
        reason: why what is seen now is well.
        at: when.
    """
    if not author.strip() or not reason.strip():
        raise ValueError("an acceptance needs an author and a reason")
    if old is not None and old.model != new.model:
        again = f": fit it again with --model {old.model}" if old.model else ""
        raise ValueError(f"the reference is of the model {old.model!r}, the new one of {new.model!r}{again}")
    if old is not None and old.counts_digest == new.counts_digest:
        raise ValueError("the new reference holds what the old one does: there is nothing to accept")
    note = Acceptance(author=author.strip(), reason=reason.strip(), at=at, replaces=old.digest if old else "")
    return new.changed(accepted=note)


def log_line(profile: ReferenceProfile) -> str:
    """The acceptance as a line of the log: JSON, with both hashes."""
    note = profile.accepted
    if note is None:
        raise ValueError("the reference was not accepted")
    content: dict[str, Any] = {
        "at": note.at.isoformat(),
        "author": note.author,
        "reason": note.reason,
        "model": profile.model,
        "revision": profile.revision,
        "sha256": profile.digest,
        "replaces": note.replaces,
    }
    return json.dumps(content, ensure_ascii=False) + "\n"
