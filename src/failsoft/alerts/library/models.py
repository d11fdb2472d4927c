"""How an alert about pods or an engine finds the Model behind it, and with that its team.

For every Model, the labels by which its alerts are known are recorded together with the Model and its owner; the
expression of an alert is joined with that. What belongs to no Model stays as it is, and is the fleet owner's.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from failsoft.slo.promql import quoted
from failsoft.slo.records import Record
from failsoft.workspace.model import Workspace

__all__ = ["ENGINE_MODEL", "MODEL", "WORKLOAD_MODEL", "About", "joined", "model_records", "team_label"]

WORKLOAD_MODEL = "failsoft:workload_model:info"
"""1 for every Model that names its workload; labels namespace, workload, model, team."""

ENGINE_MODEL = "failsoft:engine_model:info"
"""1 for every Model whose selector names job and model_name (or model); labels job, model_name, model, team."""

MODEL = "failsoft:model:info"
"""1 for every Model; labels model, team."""

type About = Literal["fleet", "pod", "workload", "engine", "model"]
"""By which labels the Model is found."""

_FOUND_BY: Mapping[About, str] = {
    "pod": WORKLOAD_MODEL,
    "workload": WORKLOAD_MODEL,
    "engine": ENGINE_MODEL,
    "model": MODEL,
}

# a Deployment's pods end in the hash of their ReplicaSet and five characters, those of a StatefulSet in a number
_POD = "(.+?)(?:-[bcdfghjklmnpqrstvwxz2456789]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}|-[0-9]+)"
_MATCHERS = ("=~", "!~", "!=")


def model_records(workspace: Workspace, abouts: Collection[About]) -> tuple[Record, ...]:
    """What is recorded for the joins of `abouts`; no two of one name have the same labels to join on."""
    wanted = {_FOUND_BY[about] for about in abouts if about in _FOUND_BY}
    made: dict[tuple[str, str, str], Record] = {}
    for record in _records(workspace):
        if record.name not in wanted:
            continue
        labels = dict(record.labels)
        key = (
            record.name,
            labels.get("namespace", labels.get("job", "")),
            labels.get("workload", labels.get("model_name", labels["model"] if record.name == MODEL else "")),
        )
        made.setdefault(key, record)
    return tuple(made.values())


def _records(workspace: Workspace) -> Iterator[Record]:
    for model in workspace.models.values():
        owned = (("model", model.name), ("team", model.spec.owner))
        yield Record(MODEL, "vector(1)", owned)
        if model.spec.workload is not None:
            at = model.spec.workload.deployment
            yield Record(WORKLOAD_MODEL, "vector(1)", (("namespace", at.namespace), ("workload", at.name), *owned))
        job, name = (model.spec.select.get(label, "") for label in ("job", "model_name"))
        name = name or model.spec.select.get("model", "")
        if job and name and not job.startswith(_MATCHERS) and not name.startswith(_MATCHERS):
            yield Record(ENGINE_MODEL, "vector(1)", (("job", job), ("model_name", name), *owned))


def joined(expression: str, about: About, recorded: frozenset[str]) -> str:
    """The expression with the labels model and team where they can be known.

    Args:
        expression: the alert's own.
        about: by which labels the Model is found.
        recorded: the names of the records that there are.
    """
    if about == "pod":
        expression = f'label_replace(\n{_deeper(expression)}\n  , "workload", "$1", "pod", {quoted(_POD)})'
    info = _FOUND_BY.get(about)
    if info is None or info not in recorded:
        return expression
    by = {ENGINE_MODEL: "job, model_name", WORKLOAD_MODEL: "namespace, workload", MODEL: "model"}[info]
    added = "team" if info == MODEL else "model, team"
    whole = expression if about == "pod" else f"(\n{_deeper(expression)}\n)"
    return f"{whole}\n* on ({by}) group_left ({added}) {info}\nor ignoring ({added})\n{whole}"


def team_label(owner: str, about: str, recorded: frozenset[str]) -> str:
    """The label `team`: a template where the expression may know better than the fleet's owner."""
    return f'{{{{ or $labels.team "{owner}" }}}}' if about != "fleet" and recorded else owner


def _deeper(text: str) -> str:
    # what follows stands on a line of its own, for a comment would swallow it
    return "\n".join(f"  {line}" for line in text.splitlines())
