"""Data that grow old: the newest update decides for each, the oldest of them for the model, and dead pipelines age."""

import pytest

from failsoft.drift.answers import freshness
from failsoft.slo import series
from failsoft.workspace.load import load

STEP = 300_000
UPDATED = 'failsoft_data_updated_timestamp_seconds{model="chat", data="%s"}'


def told(judge, objective, given, judged_is, bad_is):
    total, bad = objective.sli.total(STEP), objective.sli.bad(STEP)
    done = judge("groups: []", given, {(total, "10m"): judged_is, (bad, "10m"): bad_is})
    assert done.ok, done.stdout + done.stderr


def test_the_oldest_of_a_models_data_decides_and_other_models_do_not(slo, judge):
    objective, _ = slo("freshness: {youngerThan: 7m}")
    other = {'failsoft_data_updated_timestamp_seconds{model="other", data="index"}': "0x20"}
    told(judge, objective, other | {UPDATED % "index": "240x20", UPDATED % "users": "300x20"}, 1, 0)
    told(judge, objective, other | {UPDATED % "index": "120x20", UPDATED % "users": "300x20"}, 1, 1)
    told(judge, objective, other, None, None)


def test_one_of_them_can_be_held_to_its_own_age(slo, judge):
    objective, _ = slo("freshness: {youngerThan: 7m, data: users}")
    told(judge, objective, {UPDATED % "index": "0x20", UPDATED % "users": "300x20"}, 1, 0)


def test_an_age_of_ones_own_is_compared_as_it_is(slo, judge):
    objective, _ = slo("freshness: {youngerThan: 7m, metric: feature_age, select: {view: users}, holds: age}")
    told(judge, objective, {'feature_age{view="users"}': "419x20", 'feature_age{view="orders"}': "9999x20"}, 1, 0)
    told(judge, objective, {'feature_age{view="users"}': "1x6 421 1x12"}, 1, 1)


def test_a_lag_is_a_degraded_model_to_runbooks(slo):
    objective, _ = slo("freshness: {youngerThan: 7m}")
    assert objective.failure_mode == "model-degraded"
    assert "older than 7m" in objective.sli.sentence


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("holds: age", "describes no metric of one's own"),
        ("select: {a: b}", "describes no metric of one's own"),
        ("metric: mine, data: index", "belongs to failsoft's own metric"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, wrong, said):
    (tmp_path / "failsoft.yaml").write_text(
        "kind: SLO\nmetadata: {name: old}\n"
        f"spec: {{model: chat, indicator: {{freshness: {{youngerThan: 7m, {wrong}}}}}, objective: 99%}}\n"
    )
    _, found = load(tmp_path)
    assert said in " ".join(finding.message for finding in found)


def test_what_pipelines_export_is_what_slos_read():
    assert freshness.UPDATED == series.UPDATED
