"""What is recorded of the states of Models and of their SLOs, as PromQL; `presence.py` says what each state means."""

from collections.abc import Iterator, Sequence

from failsoft.slo.presence import STATES, Presence, State, Watched
from failsoft.slo.promql import Matcher, quoted, range_text, selector
from failsoft.slo.records import Record
from failsoft.slo.series import BAD, EXCESS, MODEL_STATE, OBJECTIVE, SLO_STATE, TOTAL

__all__ = ["model_states", "pods_of", "quality_record", "slo_states"]


def model_states(presence: Presence) -> tuple[Record, ...]:
    """The records of the Model's state, in order: each asks whether one before it holds already."""
    records: list[Record] = []
    asked: list[State] = []
    for state in STATES:
        expression = _holds(presence, state)
        if expression is None:
            continue
        if asked:
            known = selector(MODEL_STATE, (_model(presence), Matcher("state", "=~", "|".join(asked))))
            expression = f"{expression}\nunless on () {known}"
        labels = (("model", presence.model), ("team", presence.team), ("state", state))
        records.append(Record(MODEL_STATE, expression, labels))
        asked.append(state)
    return tuple(records)


def _holds(presence: Presence, state: State) -> str | None:
    """1 where the signs of a state are there; None where nothing could tell."""
    if state == "unseen":
        return "vector(1)"
    if state == "scaled-to-zero":
        wanted = selector("kube_deployment_spec_replicas", _of_deployment(presence))
        return f"(max({wanted}) == bool 0) == 1" if presence.deployment else None
    signs = {"starting": _young, "down": _there}.get(state, _up)(presence)
    counted = [one for one in presence.watched if one.events]
    if not signs or (state == "idle" and not counted):
        return None
    expression = f"vector(1) and on () ({signs})"
    if state != "serving" or not counted:
        return expression
    recent = selector(TOTAL, (_model(presence), _slos(counted)), presence.slowest * 3 // 2)
    return f"{expression} and on () (sum(last_over_time({recent})) > 0)"


def _up(presence: Presence) -> str:
    """Where a replica is up."""
    if presence.targets:
        return f"{selector('up', presence.targets)} == 1"
    if presence.heartbeat is not None:
        return selector(presence.heartbeat.metric, presence.heartbeat.matchers)
    if presence.deployment is not None:
        return f"{selector('kube_deployment_status_replicas_available', _of_deployment(presence))} > 0"
    return ""


def _there(presence: Presence) -> str:
    """Where a replica is wanted."""
    signs = [selector("up", presence.targets)] if presence.targets else []
    if presence.deployment is not None:
        signs.append(f"{selector('kube_deployment_spec_replicas', _of_deployment(presence))} > 0")
    return " or ".join(signs)


def _young(presence: Presence) -> str:
    """Where a replica is younger than twice the cold start: a target, a pod, or the wish for one."""
    since = range_text(2 * presence.cold_start)
    signs = []
    if presence.targets:
        up = selector("up", presence.targets)
        signs.append(f"({up} unless {up} offset {since})")
    if presence.deployment is not None:
        namespace, name = presence.deployment
        pods = (Matcher("namespace", "=", namespace), Matcher("pod", "=~", pods_of(name)), *presence.cluster)
        seconds = 2 * presence.cold_start // 1000
        signs.append(f"({selector('kube_pod_created', pods)} > time() - {seconds})")
        wanted = selector("kube_deployment_spec_replicas", _of_deployment(presence), 2 * presence.cold_start)
        signs.append(f"(min_over_time({wanted}) == 0)")
    return " or ".join(signs)


def pods_of(deployment: str) -> str:
    """A regular expression for a Deployment's pods: its name, the hash of their ReplicaSet and five characters."""
    return f"{deployment.replace('.', '[.]')}-[a-z0-9]+-[a-z0-9]{{5}}"


def _of_deployment(presence: Presence) -> tuple[Matcher, ...]:
    namespace, name = presence.deployment or ("", "")
    return Matcher("namespace", "=", namespace), Matcher("deployment", "=", name), *presence.cluster


def _model(presence: Presence) -> Matcher:
    return Matcher("model", "=", presence.model)


def _slos(watched: Sequence[Watched]) -> Matcher:
    # names are letters, digits and - only
    return Matcher("slo", "=~" if len(watched) > 1 else "=", "|".join(one.slo for one in watched))


def slo_states(presence: Presence) -> tuple[Record, ...]:
    """The records of the state of every SLO of the Model: first those whose series vanished, then all others."""
    vanished = _vanished(presence)
    labels = (("model", presence.model), ("team", presence.team))
    known = selector(OBJECTIVE, (_model(presence),), presence.slowest * 3 // 2)
    each = f"max by (slo) (last_over_time({known}) * 0 + 1)"
    state = selector(MODEL_STATE, (_model(presence),))
    # after a restart of Prometheus the state before it may be seen for a while
    others = f"{each}\n* on () group_left (state) topk(1, {state})"
    if not vanished:
        return (Record(SLO_STATE, others, labels),)
    gone = selector(SLO_STATE, (_model(presence), Matcher("state", "=", "vanished")))
    return (
        Record(SLO_STATE, vanished, (*labels, ("state", "vanished"))),
        Record(SLO_STATE, f"{others}\nunless on (slo) {gone}", labels),
    )


def quality_record(presence: Presence) -> Record | None:
    """How far ratios lie outside of 0 to 1, before that is cut off: 0.5 where half as many too many are counted.

    None where no SLO counts its parts apart: bucket and count of one histogram come from one scrape.
    """
    watched = [one for one in presence.watched if one.bads or one.excess]
    if not watched:
        return None
    parts = [f'label_replace({one.excess}, "slo", {quoted(one.slo)}, "", "")' for one in watched if one.excess]
    bads = [one for one in watched if one.bads]
    if bads:
        matchers, reach = (_model(presence), _slos(bads)), presence.slowest * 3 // 2
        bad, total = (f"sum by (slo) (last_over_time({selector(name, matchers, reach)}))" for name in (BAD, TOTAL))
        parts.append(f"{bad} / ({total} > 0) - 1")
    labels = (("model", presence.model), ("team", presence.team))
    return Record(EXCESS, f"clamp_min({'\n  or '.join(parts)}, 0)", labels)


def _vanished(presence: Presence) -> str:
    """1 for each SLO whose series have been away for long, though they have to be there."""
    watched = presence.can_vanish
    if not watched:
        return ""
    model, patience = _model(presence), presence.patience
    named = _slos(watched)
    mine = f"group by (slo) (last_over_time({selector(OBJECTIVE, (model, named), patience)}))"
    seen = [f"group by (slo) (last_over_time({selector(TOTAL, (model, named), patience)}))"]
    seen += [
        f'label_replace(count(last_over_time({selector(*one.raw, patience)})), "slo", {quoted(one.slo)}, "", "")'
        for one in watched
        if one.raw is not None
    ]
    signs = "\n  or ".join([*_evidence(presence, watched), *_still(presence, watched)])
    return f"{mine}\nunless on (slo) ({' or '.join(seen)})\nand on (slo) (\n  {signs}\n)"


def _evidence(presence: Presence, watched: Sequence[Watched]) -> Iterator[str]:
    model, patience = _model(presence), presence.patience
    up = selector(MODEL_STATE, (model, Matcher("state", "=~", "serving|idle")), patience)
    # one evaluation less than there are: a window's edge may leave one out
    answered = f"sum(count_over_time({up})) >= {max(1, patience // presence.interval - 1)}"
    always = [one for one in watched if one.always and presence.has_replicas]
    if always:
        known = selector(OBJECTIVE, (model, _slos(always)), patience)
        yield f"group by (slo) (last_over_time({known})) and on () ({answered})"
    for one in watched:
        if one.beside is not None and not one.always:
            count = f"count({one.beside.series})"
            yield f'label_replace({count}, "slo", {quoted(one.slo)}, "", "") and on () ({answered})'
    lazy = [one for one in watched if not one.always and not one.foreign and presence.has_replicas]
    if lazy:
        was = selector(TOTAL, (model, _slos(lazy)), 2 * patience)
        yield f"group by (slo) (last_over_time({was})) and on () ({_stayed(presence)})"
    foreign = [one for one in watched if one.foreign]
    if foreign:
        yield f"group by (slo) (last_over_time({selector(TOTAL, (model, _slos(foreign)), 2 * patience)}))"


def _still(presence: Presence, watched: Sequence[Watched]) -> Iterator[str]:
    """What vanished stays so until it is seen again, while the Model is up; a gauge of one's own knows no Model."""
    model = _model(presence)
    up = selector(MODEL_STATE, (model, Matcher("state", "=~", "serving|idle")))
    for foreign, condition in ((False, f" and on () {up}"), (True, "")):
        mine = [one for one in watched if one.foreign is foreign]
        if mine:
            gone = (model, _slos(mine), Matcher("state", "=", "vanished"))
            yield f"last_over_time({selector(SLO_STATE, gone, presence.step * 3 // 2)}){condition}"


def _stayed(presence: Presence) -> str:
    """Where a replica is up that has been up for as long as its series may be remembered."""
    reach, every, up = 2 * presence.patience, presence.interval, _up(presence)
    points = reach // every  # of a closed window one less than there are
    return f"count_over_time(({up})[{range_text(reach)}:{range_text(every)}]) >= {points} and {up}"
