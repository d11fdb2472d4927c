"""Whether this Prometheus understands the rules: their expressions, and their fields."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from failsoft.findings import Finding, Place
from failsoft.live import codes
from failsoft.live.model import Answers, Subject, Version
from failsoft.live.subject import groups_of, shapes

__all__ = ["FIELDS", "refused", "version_lacks"]

_SHOWN = 5
_THANOS = "partial_response_strategy"

FIELDS = MappingProxyType({"keep_firing_for": Version(2, 42), "query_offset": Version(2, 53)})
"""Fields of groups and rules, and the first version that reads them; older ones refuse the whole file."""

_ASKED_FOR = MappingProxyType({"query_offset": "queryOffset", _THANOS: "partialResponse"})


def refused(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """An expression that the server itself refuses, in its words; of those that differ in values only, one."""
    known = shapes(subject)
    for expression, why in answers.refused.items():
        name, group = known[expression]
        hint = "a newer Prometheus may know it; --enable-feature switches on what is experimental"
        yield Finding(codes.EXPRESSION_REFUSED, f"{name} in {group}: {why}", _place(subject, group), "", hint)


def version_lacks(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """A field that came with a later version, or that Prometheus itself never knew."""
    if answers.version is None:
        return
    lacking = {field: f"Prometheus {since} or newer" for field, since in FIELDS.items() if answers.version < since}
    for field, expected in (lacking | {_THANOS: "the ruler of Thanos"}).items():
        using = [path for path, text in subject.rules.items() if f"\n  {field}: " in text or f"\n    {field}: " in text]
        if using:
            message = f"Prometheus {answers.product} does not know {field}, and refuses {_files(using)}"
            key = _ASKED_FOR.get(field)
            place = subject.workspace.config_at("spec", *(("output", key) if key else ("prometheus",)))
            update = [] if field == _THANOS else ["update Prometheus"]
            hint = " or ".join([*update, *([f"leave {key} out of spec.output"] if key else [])])
            yield Finding(codes.VERSION_LACKS, message, place, expected, hint)


def _files(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def _place(subject: Subject, group: str) -> Place:
    """Where the SLO, or the alert, of a group is declared; the configuration where it is neither's."""
    objective = next((one for one in subject.objectives if one.name == group.partition("/")[0]), None)
    if objective is not None:
        return objective.document.at("metadata", "name")
    for text in subject.rules.values():
        for one in groups_of(text):
            if one["name"] == group:
                names = {rule.get("alert", "") for rule in one["rules"]}
                return _declared(subject, names)
    return subject.workspace.config_at("spec", "prometheus")


def _declared(subject: Subject, alerts: set[str]) -> Place:
    from failsoft.alerts.library.choose import chosen

    found = (one.document.at("metadata", "name") for one in chosen(subject.workspace)[0] if one.name in alerts)
    return next(found, subject.workspace.config_at("spec", "prometheus"))
