"""Coverage is read from the test files: a check that is not there is missed."""

import dataclasses
import re

import pytest

from failsoft.alerts.proof import proven_by, unproven
from failsoft.cli.proving import Tools, coverage, prove

SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, objective: 99%, period: 30m}
"""


@pytest.fixture
def tools(promtool, amtool):
    return Tools(promtool, amtool)


def test_an_alert_without_a_test_that_it_is_quiet_is_told(written, base, lab_windows, tmp_path, tools):
    made = written(SLO, lab_windows, base=base.replace("15s", "1s")).output(tmp_path, tests=True)
    unit = made.units[0]
    assert coverage(made) == (("s", 2, 2), ("_failsoft", 2, 2))
    text = made.files[unit.tests]
    check = r'  - expr: "count\(ALERTS\{[^\n]*ticket[^\n]*\n    eval_time: \S+\n    exp_samples: \[\]\n'
    poorer, count = re.subn(check, "", text)
    assert count
    (tmp_path / unit.tests).write_text(poorer)
    poor = dataclasses.replace(made, files=dict(made.files) | {unit.tests: poorer})
    assert [(dict(alert.labels)["burn_tier"], state) for alert, state in unproven(unit.alerts, proven_by(poorer))] == [
        ("ticket", "quiet")
    ]
    assert coverage(poor)[0] == ("s", 2, 1)
    (finding,) = prove(poor, tmp_path, tools)
    assert finding.code.id == "FS444"
    assert finding.message == "nothing proves that ticket of s is quiet when it should be"
