"""AlertRules compiled: a rule file for each topic and the tests beside it."""

from collections.abc import Mapping
from itertools import batched
from typing import NamedTuple

from failsoft.alerts.library.choose import Chosen, chosen
from failsoft.alerts.library.models import model_records
from failsoft.alerts.library.rules import alert_of
from failsoft.alerts.library.stories import stories_file
from failsoft.alerts.rules import MAX_RULES, Alert, Group, rule_file
from failsoft.findings import Finding, Place
from failsoft.slo.promql import range_text
from failsoft.workspace.model import Workspace

__all__ = ["Shelf", "Topic", "shelf"]

_STEP = 60_000
_MODELS = "rules/_alerts.yaml"


class Topic(NamedTuple):
    """The alerts of one topic.

    Attributes:
        subject: no SLO can have such a name, which begins with _.
        rules, tests: the files, relative to the output folder; `tests` is empty where none were asked for.
        alerts: what stands in them.
        place: where the first of them is declared.
    """

    subject: str
    rules: str
    tests: str
    alerts: tuple[Alert, ...]
    place: Place


class Shelf(NamedTuple):
    """Everything that AlertRules compile to."""

    files: Mapping[str, str]
    topics: tuple[Topic, ...]
    findings: tuple[Finding, ...]


def shelf(workspace: Workspace, *, tests: bool = True) -> Shelf:
    """Compile the AlertRules of a workspace that somebody hears.

    Args:
        workspace: without dangling references, as `load` finds them.
        tests: whether to write the tests too.
    """
    found, findings = chosen(workspace)
    records = model_records(workspace, {one.document.spec.about for one in found})
    recorded = frozenset(record.name for record in records)
    models = [Group(f"_alerts/models/{index}", _STEP, part) for index, part in enumerate(batched(records, MAX_RULES))]
    files = {_MODELS: rule_file(models, origin="models/")} if models else {}
    by_topic: dict[tuple[str, int], list[Chosen]] = {}
    for one in found:
        by_topic.setdefault((one.document.spec.topic, one.document.spec.every.milliseconds), []).append(one)
    topics = []
    for (topic, every), alerts in sorted(by_topic.items()):
        name = topic if every == _STEP else f"{topic}-{range_text(every)}"
        made = tuple(alert_of(workspace, one, recorded) for one in alerts)
        groups = [Group(f"_alerts/{name}/{index}", every, part) for index, part in enumerate(batched(made, MAX_RULES))]
        places = [one.document.at("metadata", "name") for one in alerts]
        origin = ", ".join(dict.fromkeys(place.path for place in places))
        rules, proof = f"rules/_alerts-{name}.yaml", f"tests/_alerts-{name}.test.yaml" if tests else ""
        files[rules] = rule_file(groups, origin=origin)
        if tests:
            paths = [f"../{path}" for path in ((_MODELS, rules) if models else (rules,))]
            files[proof] = stories_file(paths, [*models, *groups], alerts, origin=origin)
        topics.append(Topic(f"_alerts-{name}", rules, proof, made, places[0]))
    return Shelf(files, tuple(topics), findings)
