"""Which alerts are compiled: those that somebody hears, and none that the user has switched off."""

import pytest

HOT = "gpu-hot"


def test_without_an_owner_of_the_fleet_nothing_that_ships_is_compiled(fleet, base):
    made = fleet(base=base.replace("  alerts: {owner: platform}\n", "")).shelf()
    assert (made.files, made.topics, made.findings) == ({}, (), ())


def test_with_an_owner_all_of_it_is_compiled(fleet):
    written = fleet()
    assert written.found == ()
    assert len(written.alerts()) == len(written.workspace.alert_rules) >= 40
    assert {dict(alert.labels)["team"] for alert in written.alerts().values()} == {"platform"}


def test_what_is_off_is_gone(fleet, base):
    assert "GpuHot" in fleet().alerts()
    assert "GpuHot" not in fleet(base=base.replace("{owner: platform}", f"{{owner: platform, off: [{HOT}]}}")).alerts()


def test_a_shipped_alert_is_overridden_by_its_name(fleet, own):
    mine = own.replace("disk-full}", f"{HOT}}}", 1).replace("severity: ticket", "severity: page")
    alert = fleet(mine).alerts()["GpuHot"]
    assert dict(alert.labels)["severity"] == "page"
    assert alert.expression == "disk_free < 10"
    assert "GpuHot" not in fleet(mine.replace("topic: own", "topic: own\n  enabled: false")).alerts()


def test_an_alert_of_ones_own_is_compiled_even_without_an_owner_of_the_fleet(fleet, base, own):
    nobody = base.replace("  alerts: {owner: platform}\n", "")
    written = fleet(own.replace("topic: own", "topic: own\n  owner: platform"), base=nobody)
    assert list(written.alerts()) == ["DiskFull"]
    assert written.shelf().findings == ()


def test_an_alert_of_ones_own_that_nobody_hears_is_told(fleet, base, own):
    written = fleet(own, base=base.replace("  alerts: {owner: platform}\n", ""))
    assert written.alerts() == {}
    (finding,) = written.shelf().findings
    assert (finding.code.id, finding.severity) == ("FS432", "warning")
    assert finding.place.path == "alerts/0.yaml"


@pytest.mark.parametrize("names", [["failsoft-down"], ["7-dwarfs"], ["disk-full", "disk--full"]])
def test_an_alertname_that_is_taken_or_ours_is_refused(fleet, own, names):
    written = fleet(*(own.replace("disk-full}", f"{name}}}", 1) for name in names))
    (finding,) = written.shelf().findings
    assert (finding.code.id, finding.severity) == ("FS431", "error")
    assert len([name for name in written.alerts() if name == "DiskFull"]) == len(names) - 1


def test_names_that_do_not_exist_are_told_with_the_nearest(fleet, base):
    wrong = base.replace("{owner: platform}", "{owner: platforn, off: [gpu-hott]}")
    found = {finding.message: finding.hint for finding in fleet(base=wrong).found}
    assert found == {
        "there is no Team 'platforn'": "did you mean platform?",
        "there is no AlertRule 'gpu-hott'": "did you mean gpu-hot?",
    }


def test_an_alert_that_proves_too_little_is_refused(fleet, own):
    for tests in ("", "      fires: [{at: 8m, labels: {disk: a}}]\n", "      quiet: [5m]\n"):
        cut = own[: own.index("      fires:")] + tests
        assert {finding.code.id for finding in fleet(cut).found} == {"FS204"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("expr", '"disk_free\\u0007 < 10"'),
        ("expr", "''"),
        ("because", '"two\\nlines"'),
        ("severity", "critical"),
        ("needs", "[]"),
    ],
)
def test_broken_documents_are_refused_at_their_place(fleet, own, key, value):
    lines = [f"  {key}: {value}" if line.startswith(f"  {key}:") else line for line in own.splitlines()]
    (finding,) = fleet("\n".join(lines)).found
    assert finding.code.id == "FS204"
    assert finding.place.text.strip().startswith(f"{key}:")
