"""Our routes within somebody's own configuration: theirs stays as it was, and ours cannot be taken away."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from failsoft.alerts.routing import deliveries, merged
from failsoft.clients.binaries import run_tool
from failsoft.workspace.tree import SourceFile

OURS = """# Written by failsoft compile from failsoft.yaml. Do not edit.
route:
  receiver: failsoft
  group_by: [slo, model]
  routes:
  - {receiver: team-a, matchers: ['team="a"']}
inhibit_rules:
- {source_matchers: ['severity="page"'], target_matchers: ['severity="ticket"'], equal: [slo]}
receivers:
- name: failsoft
  webhook_configs: [{url: 'http://failsoft:8080/webhook'}]
- name: team-a
  webhook_configs: [{url: 'http://failsoft:8080/webhook'}]
"""
ALERTS = ("FailsoftSLOBurn", "FailsoftDown")


def merge(theirs, ours=OURS, alerts=ALERTS):
    return merged(SourceFile("base.yaml", theirs), ours, alerts, comment="# both")


def without_ours(text):
    """What is left of a merged configuration when everything of ours is taken out."""
    loaded = yaml.safe_load(text)
    loaded["route"]["routes"] = loaded["route"]["routes"][1:]
    mine = yaml.safe_load(OURS)
    loaded["receivers"] = [one for one in loaded["receivers"] if one not in mine["receivers"]]
    loaded["inhibit_rules"] = [one for one in loaded["inhibit_rules"] if one not in mine["inhibit_rules"]]
    return {key: value for key, value in loaded.items() if value != []}


def test_nothing_of_theirs_changes_and_amtool_takes_it(theirs, amtool, tmp_path):
    text, findings = merge(theirs)
    assert findings == ()
    assert without_ours(text) == yaml.safe_load(theirs)
    (tmp_path / "alertmanager.yaml").write_text(text)
    assert run_tool([amtool, "check-config", "alertmanager.yaml"], cwd=tmp_path).ok
    # YAML 1.1's `no` is a boolean to Alertmanager; in quotes it would be none
    assert "smtp_require_tls: no" in text


def test_ours_go_our_way_and_theirs_go_theirs(theirs, configuration):
    text, _ = merge(theirs)
    before, after = configuration(theirs), configuration(text)

    def receivers(read, **labels):
        return [delivery.route.receiver for delivery in deliveries(read, labels)]

    # their first route takes every page, but not ours
    assert receivers(after, alertname="FailsoftSLOBurn", severity="page", team="a") == ["team-a"]
    assert receivers(after, alertname="FailsoftDown", team="infra", severity="page") == ["failsoft"]
    for labels in ({"severity": "page", "team": "infra"}, {"team": "x"}, {"alertname": "FailsoftSLOBurned"}):
        assert receivers(after, **labels) == receivers(before, **labels)


def test_the_smallest_configuration_is_enough():
    text, findings = merge("route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules:\n")
    assert findings == ()
    loaded = yaml.safe_load(text)
    assert [one["name"] for one in loaded["receivers"]] == ["a", "failsoft", "team-a"]
    assert len(loaded["inhibit_rules"]) == 1


@pytest.mark.parametrize("key", ["receivers", "time_intervals"])
def test_a_name_that_both_use_is_refused_with_its_place(key):
    between = "" if key == "receivers" else "time_intervals:\n"
    theirs = f"route: {{receiver: a}}\nreceivers:\n- name: a\n{between}- name: failsoft\n"
    ours = OURS + ("time_intervals:\n- name: failsoft\n  time_intervals: []\n" if key == "time_intervals" else "")
    text, findings = merge(
        theirs, ours.replace("name: failsoft\n  webhook", "name: f\n  webhook") if key != "receivers" else ours
    )
    assert text == ""
    (finding,) = findings
    assert finding.code.id == "FS447"
    assert "'failsoft'" in finding.message
    assert finding.place.text == "- name: failsoft"


def test_merging_what_was_merged_already_is_refused(theirs):
    text, _ = merge(theirs)
    again, findings = merge(text)
    assert again == ""
    assert {finding.code.id for finding in findings} == {"FS447"}
    assert "one that failsoft wrote" in findings[0].hint


def test_the_same_two_give_the_same_bytes_and_no_bytes_come_from_a_broken_one(theirs):
    assert merge(theirs, alerts=ALERTS) == merge(theirs, alerts=reversed(ALERTS))
    text, findings = merge("route: [")
    assert text == ""
    assert findings


def test_a_name_of_an_alert_is_no_regular_expression(configuration):
    text, _ = merge("route: {receiver: a}\nreceivers: [{name: a}]", alerts=("Fail.soft",))
    read = configuration(text)
    assert deliveries(read, {"alertname": "Fail.soft"})[0].route.receiver == "failsoft"
    assert deliveries(read, {"alertname": "FailXsoft"})[0].route.receiver == "a"


scalars = st.sampled_from(["no", "on", "1e3", "0x10", "'05'", '"a: b"', "5m", "~", "2027-01-01", "'#x'", "1_000"])


@given(st.dictionaries(st.sampled_from("abcdef"), scalars, max_size=5), st.lists(scalars, max_size=3))
def test_every_scalar_of_theirs_is_read_as_before(extra, listed):
    theirs = "route: {receiver: a}\nreceivers: [{name: a}]\nglobal:\n" + "".join(
        f"  {key}: {value}\n" for key, value in extra.items()
    )
    theirs += f"  list: [{', '.join(listed)}]\n"
    text, findings = merge(theirs)
    assert findings == ()
    assert yaml.safe_load(text)["global"] == yaml.safe_load(theirs)["global"]
    # and Go's reader, which looks at the text, finds the plain ones plain
    assert all(f": {value}\n" in text for value in extra.values())


@given(st.text(max_size=200))
def test_no_text_breaks_it(text):
    merge(text)
