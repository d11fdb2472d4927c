"""`failsoft alerts`: what there is, and what one of them is, for people, programs and copying."""

import json

import pytest
import yaml

from failsoft.cli import main


@pytest.fixture
def run(capsys):
    def call(*words):
        code = 0
        try:
            main(["alerts", *map(str, words)])
        except SystemExit as ended:
            code = ended.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_without_a_workspace_what_ships_is_listed(run):
    code, out, err = run("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["ALERT", "SEVERITY", "FAILURE", "MODE", "TOPIC"]
    assert any(line.split() == ["GpuFellOffBus", "page", "gpu-lost", "gpu-errors"] for line in lines)
    assert lines[-1] == f"{len(lines) - 2} alerts"


def test_with_a_workspace_its_own_are_among_them_and_what_is_off_is_said(run, fleet, base, own):
    root = fleet(own, base=base.replace("{owner: platform}", "{owner: platform, off: [gpu-hot]}")).root
    _, out, _ = run("list", "--workspace", root)
    states = {line.split()[0]: line.split()[-1] for line in out.splitlines()[1:-1]}
    assert (states["GpuHot"], states["DiskFull"], states["GpuIdle"]) == ("off", "on", "on")
    assert out.splitlines()[-1] == f"{len(states)} alerts, {len(states) - 1} on"


def test_the_list_is_narrowed_by_topic_and_failure_mode(run):
    _, out, _ = run("list", "--topic", "gpu-use", "--output", "json")
    assert {one["name"] for one in json.loads(out)} == {"gpu-idle", "gpus-idle-while-pods-wait"}
    _, out, _ = run("list", "--failure-mode", "spot-reclaim", "--output", "json")
    (one,) = json.loads(out)
    assert (one["alertname"], one["severity"], one["shipped"]) == ("SpotNodeReclaimed", "ticket", True)


def test_one_is_shown_with_its_reasons_and_its_proof(run):
    for name in ("gpu-row-remap-failed", "GpuRowRemapFailed"):
        code, out, _ = run("show", name)
        assert code == 0
        assert "Severity      ticket: The spare rows are used up" in out
        assert "  max by (node, gpu, UUID) (" in out
        assert "  dcgm-exporter: DCGM_FI_DEV_ROW_REMAP_FAILURE" in out
        assert "  gpu-row-remap-pending: a reset is enough there" in out
        assert "  a remapping only waits (quiet)" in out


def test_one_is_shown_as_yaml_that_can_be_copied_and_changed(run, fleet):
    _, out, _ = run("show", "gpu-hot", "--output", "yaml")
    assert yaml.safe_load(out)["metadata"] == {"name": "gpu-hot"}
    alert = fleet(out.replace("> 87", "> 80")).alerts()["GpuHot"]
    assert "> 80" in alert.expression


def test_an_unknown_name_is_told_with_the_nearest(run):
    code, _, err = run("show", "gpu-hott")
    assert code == 2
    assert "did you mean gpu-hot?" in err
