"""What the last `failsoft compile` made of each model, and of what: so that it is not made again from the same."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from failsoft.cli.artefacts import digest, inside, replace
from failsoft.cli.sealed import code
from failsoft.errors import UsageError

if TYPE_CHECKING:
    from failsoft.alerts import Unit
    from failsoft.workspace import Document, Workspace
    from failsoft.workspace.kinds.configuration import OutputAt
    from failsoft.workspace.quantities import Fixed

__all__ = ["NOTHING", "Kept", "kept"]

_EACH_MODEL = frozenset({"models", "slos"})
_NO_DOCUMENTS = frozenset({"root", "config", "document", "broken"})


class _Entry(BaseModel):
    """What was made of a model.

    Attributes:
        key: of what.
        files: its files, relative to the output folder, with the SHA-256 of each.
        alerts: how many alerts of each name are in them.
    """

    key: str
    files: dict[str, str]
    alerts: dict[str, int]


@dataclass(frozen=True)
class Kept:
    """What need not be made again.

    Attributes:
        path: the file in which it is remembered.
        keys: of what each model is made now.
        entries: the models whose files are there, and were made of the same.
    """

    path: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, _Entry] = field(default_factory=dict)

    @property
    def models(self) -> frozenset[str]:
        """The models that need not be compiled."""
        return frozenset(self.entries)

    @property
    def files(self) -> dict[str, str]:
        """Their files, with the hash of each."""
        return {path: known for entry in self.entries.values() for path, known in entry.files.items()}

    @property
    def alerts(self) -> Counter[str]:
        """How many alerts of each name they have."""
        return sum((Counter(entry.alerts) for entry in self.entries.values()), Counter())

    def remember(self, units: "Iterable[Unit]", listed: Mapping[str, str]) -> None:
        """Note for the next time what was made, as far as it can be noted.

        Args:
            units: what was compiled now.
            listed: every file that is there now, with its hash.
        """
        if self.path is None:
            return
        entries = dict(self.entries)
        for unit in units:
            model = Path(unit.rules).stem
            if model not in self.keys:
                continue
            entry = entries.setdefault(model, _Entry(key=self.keys[model], files={}, alerts={}))
            entry.files.update({path: listed[path] for path in (unit.rules, unit.tests, *unit.beside) if path})
            entry.alerts.update(Counter(entry.alerts) + Counter(unit.names))
        body = json.dumps({model: entry.model_dump() for model, entry in sorted(entries.items())})
        with suppress(OSError, UsageError):  # a workspace that cannot be written compiles all the same
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace(self.path.parent / ".gitignore", "*\n")
            replace(self.path, f"{digest(body.encode())}\n{body}\n")


NOTHING = Kept()
"""Everything is made, and nothing is noted."""


def kept(
    workspace: "Workspace", runbooks: Mapping[str, str], folder: Path, settings: "OutputAt", *, tests: bool
) -> Kept:
    """What in `folder` was made of the same documents, by the same code, and was not touched since.

    The rules of a model depend on its document, those of its SLOs, the runbooks that answer them, and perhaps on any
    document that is neither a Model nor an SLO. Who depends on what of the latter is not looked at: after a change of
    one of them, everything is made again.
    """
    base = _base(workspace, settings, tests=tests)
    keys = dict(_keys(workspace, runbooks, base))
    path = workspace.root / ".failsoft" / "compiled" / f"{digest(str(folder.resolve()).encode())[:16]}.json"
    same = {model: entry for model, entry in _read(path).items() if entry.key == keys.get(model)}
    with ThreadPoolExecutor(2) as pool:  # reading and hashing wait for no Python
        there = pool.map(lambda entry: _untouched(entry, folder), same.values())
        entries = {model: entry for (model, entry), whole in zip(same.items(), there, strict=True) if whole}
    return Kept(path, keys, entries)


def _keys(workspace: "Workspace", runbooks: Mapping[str, str], base: str) -> Iterator[tuple[str, str]]:
    by_model: dict[str, list[str]] = {}
    for slo in workspace.slos.values():
        parts = by_model.setdefault(slo.spec.model, [])
        parts += (*_parts(slo), runbooks.get(slo.name, ""))
    for model, parts in by_model.items():
        if model in workspace.models:
            yield model, _hash(base, *_parts(workspace.models[model]), *parts)


def _base(workspace: "Workspace", settings: "OutputAt", *, tests: bool) -> str:
    """What all models have in common: the code, the settings, and all documents but those of models."""
    from failsoft.slo.exclusions import all_exclusions

    kinds = sorted(set(type(workspace).__slots__) - _EACH_MODEL - _NO_DOCUMENTS)
    documents = [one for kind in kinds for one in getattr(workspace, kind).values()]
    documents += [workspace.document] if workspace.document else []
    texts = (part for document in documents for part in _parts(document))
    zones = repr(all_exclusions(workspace))  # which time zones' tables of this machine decide too
    return _hash(sys.version, code(), repr(settings), repr(tests), zones, *texts)


def _parts(document: "Document[Fixed]") -> tuple[str, str]:
    return document.origin.path, document.origin.text


def _hash(*parts: str) -> str:
    return digest("".join(f"{len(part)} {part}" for part in parts).encode("utf-8", "surrogatepass"))


def _read(path: Path) -> dict[str, _Entry]:
    """What is remembered; nothing where it is damaged or of somebody else."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        body = body.rstrip(b"\n")
        if head.decode() != digest(body):
            return {}
        entries = {model: _Entry.model_validate(entry) for model, entry in json.loads(body).items()}
        return {model: entry for model, entry in entries.items() if all(map(inside, entry.files))}
    except (OSError, ValueError, AttributeError, ValidationError):
        return {}


def _untouched(entry: _Entry, folder: Path) -> bool:
    try:
        return all(digest((folder / path).read_bytes()) == known for path, known in entry.files.items())
    except OSError:
        return False
