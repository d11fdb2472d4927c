"""The verdict, as a table: every way in which a run can come out, and what never counts as passed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failsoft.chaos.evidence import AlertSeen, Evidence, SloSeen, Times
from failsoft.chaos.incidents import Ask, Incident, StepSeen
from failsoft.chaos.journal import Activity, Hypothesis, Journal
from failsoft.chaos.plan import Plan
from failsoft.chaos.readings import Reading
from failsoft.chaos.recovery import recovery
from failsoft.chaos.restore import Restored
from failsoft.chaos.toolkit import METHOD
from failsoft.chaos.verdict import Verdict, judge
from failsoft.chaos.watch import Stop, StopKind
from failsoft.workspace.kinds.experiment import Expect

T = 1_000_000.0
TIMES = Times(started=T - 2, fault=T, notice_until=T + 20, undone=T + 60, ended=T + 120)
EXPECT = Expect.model_validate(
    {
        "alert": {"slo": "ttft", "within": "30s"},
        "asked": "assistants",
        "runbook": "shift",
        "recovered": {"within": "60s"},
        "budget": {"spend": "5%"},
    }
)


def points(*bad, end=120, gaps=()):
    """A sample each second, above the allowed ratio in the spans `bad`, none in the spans `gaps`."""

    def within(second, spans):
        return any(a <= second < b for a, b in spans)

    return tuple((T + s, 0.5 if within(s, bad) else 0.0) for s in range(-20, end + 1) if not within(s, gaps))


def slo(name="ttft", samples=None, spent=0.02):
    seen = points((5, 40)) if samples is None else samples
    return SloSeen(name, 0.01, seen, Reading(spent, "no data" * (spent is None)), Reading(0.8), Reading(0.78))


def did(name, status="succeeded", output=None, error="", met=None):
    return Activity(name, status, T, T + 1, output or {}, error, met)


def looked(*, met=True, status="succeeded"):
    return Hypothesis(met, (did("slo-ttft", status, error="no data" * (status == "failed"), met=met),))


JOURNAL = Journal(
    status="completed",
    before=looked(),
    during=(looked(), looked(met=False)),
    after=looked(met=False),
    method=tuple(did(name) for name in METHOD),
    rollbacks=(did("undo"),),
)
ALERT = AlertSeen("FailsoftSLOBurn", "ttft", "page", "fast", T + 12, T + 50)
INCIDENT = Incident(
    id="1",
    slo="ttft",
    model="chat",
    team="assistants",
    opened_at=T + 13,
    closed_at=None,
    runbook="shift",
    steps=(StepSeen("shift", "shiftTraffic", True, T + 20, T + 21, "done"),),
    asks=(Ask("assistants", "asked", T + 14),),
)
GOOD = Evidence(
    run="r1",
    requester="ana",
    plan=Plan("e", "chat", "prod/chat", (), (), (), 20, 40),
    times=TIMES,
    journal=JOURNAL,
    stop=None,
    restored=Restored("r1", ("n",)),
    slos=(slo(),),
    watched=1.0,
    alerts=(ALERT,),
    incidents=(INCIDENT,),
)


def journal(**changes):
    return replace(GOOD, journal=replace(JOURNAL, **changes))


def without(name):
    return tuple(action for action in JOURNAL.method if action.name != name)


def broken(name, status, error=""):
    return tuple(did(a.name, status, error=error) if a.name == name else a for a in JOURNAL.method)


TABLE = {
    "all as expected": (GOOD, Verdict.PASSED, "happened"),
    # the undo
    "something was not undone": (
        replace(GOOD, restored=Restored("r1", left=("node n: no answer",))),
        Verdict.ROLLBACK_FAILED,
        "node n: no answer",
    ),
    "the rollback failed": (
        journal(rollbacks=(did("undo", "failed", error="boom"),)),
        Verdict.ROLLBACK_FAILED,
        "rollback undo failed: boom",
    ),
    "the rollback was interrupted": (
        journal(rollbacks=(did("undo", "interrupted"),)),
        Verdict.ROLLBACK_FAILED,
        "interrupted",
    ),
    "the rollback was dropped": (journal(rollbacks=()), Verdict.ROLLBACK_FAILED, "not played"),
    "aborted, and not undone either": (
        replace(GOOD, stop=Stop(StopKind.ABORTED, "x", T), restored=Restored("r1", left=("n",))),
        Verdict.ROLLBACK_FAILED,
        "n",
    ),
    # stopped
    "an SLO fell through the floor": (
        replace(GOOD, stop=Stop(StopKind.ABORTED, "95% bad", T + 9)),
        Verdict.ABORTED,
        "95% bad",
    ),
    "nobody could see any more": (replace(GOOD, stop=Stop(StopKind.BLIND, "blind", T)), Verdict.NO_DATA, "blind"),
    "Ctrl-C": (replace(GOOD, stop=Stop(StopKind.ASKED, "Ctrl-C", T)), Verdict.INTERRUPTED, "Ctrl-C"),
    "the kill switch": (replace(GOOD, stop=Stop(StopKind.HALTED, "halt", T)), Verdict.INTERRUPTED, "halt"),
    "the lock was lost": (replace(GOOD, stop=Stop(StopKind.LOST, "lost", T)), Verdict.INTERRUPTED, "lost"),
    "the runner was killed": (replace(GOOD, journal=None), Verdict.INTERRUPTED, "no journal"),
    "interrupted by somebody else": (journal(status="interrupted"), Verdict.INTERRUPTED, "interrupted"),
    "aborted by Chaos Toolkit": (journal(status="aborted"), Verdict.INTERRUPTED, "aborted"),
    # the baseline
    "not well before": (journal(before=looked(met=False), method=()), Verdict.BASELINE_NOT_MET, "slo-ttft"),
    "not seen before": (journal(before=looked(met=None, status="failed"), method=()), Verdict.NO_DATA, "no data"),
    "nobody looked before": (journal(before=None, method=()), Verdict.NO_DATA, "nobody looked"),
    # the fault
    "an action failed": (
        journal(method=broken("taint", "failed", "403")),
        Verdict.FAULT_NOT_APPLIED,
        "action taint failed: 403",
    ),
    "an action was interrupted": (
        journal(method=broken("evict", "interrupted")),
        Verdict.FAULT_NOT_APPLIED,
        "action evict interrupted",
    ),
    "an action was never begun": (journal(method=without("hold")), Verdict.FAULT_NOT_APPLIED, "hold was never begun"),
    "a pod survived the deadline": (
        journal(method=(*without("delete-remaining"), did("delete-remaining", output={"left": ["p0"]}))),
        Verdict.FAULT_NOT_APPLIED,
        "still there after the deadline: p0",
    ),
    # what was expected
    "no alert": (
        replace(GOOD, alerts=()),
        Verdict.FAILED,
        "alert: expected an alert of SLO ttft within 30s, seen none",
    ),
    "a late alert": (replace(GOOD, alerts=(replace(ALERT, since=T + 31),)), Verdict.FAILED, "after 31 s"),
    "an alert of another SLO": (replace(GOOD, alerts=(replace(ALERT, slo="x"),)), Verdict.FAILED, "seen none"),
    "an alert that fired before the fault": (
        replace(GOOD, alerts=(replace(ALERT, since=T - 1),)),
        Verdict.FAILED,
        "seen none",
    ),
    "another team was asked": (
        replace(GOOD, incidents=(replace(INCIDENT, asks=(Ask("platform", "paged", T + 14),)),)),
        Verdict.FAILED,
        "team platform paged",
    ),
    "nobody was asked": (replace(GOOD, incidents=(replace(INCIDENT, asks=()),)), Verdict.FAILED, "seen nobody"),
    "no incident": (replace(GOOD, incidents=()), Verdict.FAILED, "runbook: expected shift, seen none"),
    "another runbook": (replace(GOOD, incidents=(replace(INCIDENT, runbook="x"),)), Verdict.FAILED, "seen x"),
    "a runbook that never began": (
        replace(GOOD, incidents=(replace(INCIDENT, steps=()),)),
        Verdict.FAILED,
        "seen none",
    ),
    "recovered too late": (replace(GOOD, slos=(slo(samples=points((5, 61))),)), Verdict.FAILED, "after 61 s"),
    "never recovered": (replace(GOOD, slos=(slo(samples=points((5, 200))),)), Verdict.FAILED, "seen not within"),
    "not recovered when the watch ended, and it had time left": (
        replace(GOOD, times=replace(TIMES, ended=T + 40), slos=(slo(samples=points((5, 200), end=40)),)),
        Verdict.NO_DATA,
        "recovered: not within 40 s: ttft",
    ),
    "a second SLO never recovered": (
        replace(GOOD, slos=(slo(), slo("availability", points((90, 200))))),
        Verdict.FAILED,
        "s: availability",
    ),
    "recovered, and fell again too late": (
        replace(GOOD, slos=(slo(samples=points((5, 20), (70, 80))),)),
        Verdict.FAILED,
        "after 80 s",
    ),
    "too much budget spent": (replace(GOOD, slos=(slo(spent=0.051),)), Verdict.FAILED, "ttft 5.100%"),
    "failed outweighs unknown": (
        replace(GOOD, slos=(slo(spent=None),), alerts=()),
        Verdict.FAILED,
        "seen none",
    ),
    # what nobody knows
    "alerts unknown": (replace(GOOD, alerts=None), Verdict.NO_DATA, "alert: nobody knows"),
    "no alert, but Prometheus slept": (replace(GOOD, alerts=(), watched=0.9), Verdict.NO_DATA, "only 90% of the time"),
    "incidents unknown": (replace(GOOD, incidents=None), Verdict.NO_DATA, "nobody knows the incidents"),
    "budget unknown": (replace(GOOD, slos=(slo(spent=None),)), Verdict.NO_DATA, "budget: ttft: no data"),
    "no samples": (replace(GOOD, slos=(slo(samples=()),)), Verdict.NO_DATA, "no sample at the end"),
    "no samples at the end": (
        replace(GOOD, slos=(slo(samples=points((5, 40), end=100)),)),
        Verdict.NO_DATA,
        "no sample at the end",
    ),
    "hardly any samples": (
        replace(GOOD, slos=(slo(samples=points(gaps=((0, 60),))),)),
        Verdict.NO_DATA,
        "samples of only 61 s",
    ),
    "a look during the fault saw nothing": (
        journal(during=(looked(), looked(met=None, status="failed"))),
        Verdict.NO_DATA,
        "1 looks at the steady state saw nothing: no data",
    ),
    "no SLO": (replace(GOOD, slos=()), Verdict.NO_DATA, "there is no SLO"),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_way_in_which_a_run_can_come_out(name):
    evidence, verdict, reason = TABLE[name]
    judgement = judge(EXPECT, evidence)
    assert (judgement.verdict, reason in " / ".join(judgement.reasons)) == (verdict, True), judgement.reasons


def test_without_expectations_a_quiet_fault_passes():
    quiet = replace(GOOD, alerts=(), incidents=None, slos=(slo(samples=points()),))
    judgement = judge(Expect(), quiet)
    assert judgement.verdict is Verdict.PASSED
    assert [check.seen for check in judgement.checks if check.name == "recovered"] == ["met throughout"]


def test_without_an_expected_alert_an_alert_fails_the_run():
    assert judge(Expect(), GOOD).verdict is Verdict.FAILED


def test_every_verdict_has_an_exit_code_of_its_own_and_none_is_taken_by_the_shell_or_by_usage():
    codes = [verdict.exit_code for verdict in Verdict]
    assert len(set(codes)) == len(codes)
    assert [verdict for verdict in Verdict if verdict.exit_code == 0] == [Verdict.PASSED]
    assert not set(codes) & {1, 2, 126, 127, 130, 137, 143}


gaps = st.lists(st.tuples(st.integers(-20, 110), st.integers(0, 140)), max_size=3)
spent = st.one_of(st.none(), st.floats(0, 0.04))
probe = st.sampled_from([looked(), looked(met=False), looked(met=None, status="failed")])


@given(
    gaps=gaps,
    spent=spent,
    watched=st.floats(0, 1),
    alerts=st.sampled_from([None, (), (ALERT,)]),
    incidents=st.sampled_from([None, (), (INCIDENT,)]),
    during=st.lists(probe, max_size=3),
)
def test_missing_data_never_passes(*, gaps, spent, watched, alerts, incidents, during):
    samples = points((5, 40), gaps=gaps)
    evidence = replace(
        GOOD,
        slos=(slo(samples=samples, spent=spent),),
        watched=watched,
        alerts=alerts,
        incidents=incidents,
        journal=replace(JOURNAL, during=tuple(during)),
    )
    blind = (
        spent is None
        or not alerts
        or not incidents
        or any(look.probes[0].status == "failed" for look in during)
        or not samples
        or samples[-1][0] < TIMES.ended - 15
    )
    if judge(EXPECT, evidence).verdict is Verdict.PASSED:
        assert not blind


def test_recovery_is_the_first_good_sample_after_the_last_bad_one_of_any_slo():
    found = recovery((slo("a", points((5, 30))), slo("b", points((10, 44)))), TIMES)
    assert (found.at, found.broken) == (T + 44, ("a", "b"))


def test_bad_samples_before_the_fault_are_not_the_faults():
    found = recovery((slo(samples=points((-10, -1))),), TIMES)
    assert (found.at, found.broken) == (T, ())


@pytest.mark.parametrize(("count", "known"), [(4, True), (3, False)])
def test_a_run_of_a_few_seconds_is_judged_by_the_samples_that_fit_into_it(count, known):
    """Once a second, 4.9 seconds hold four whole steps; one sample less is a gap."""
    times = replace(TIMES, started=T - 1, notice_until=T + 1, undone=T + 2, ended=T + 4.9)
    samples = tuple((T + 0.95 + second, 0.001) for second in range(count))
    found = recovery((slo(samples=samples),), times)
    assert (found.at == T, found.unknown == "") == (known, known)
