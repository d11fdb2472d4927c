"""The real control plane as a part of the lab: start, kubeconfig, users, end."""

import stat

import pytest

from failsoft.clients.kubernetes import Ref, connect
from failsoft.errors import FailsoftError, MissingPartError, PermanentError, UnavailableError
from failsoft.lab.parts.control_plane import PROGRAMS, control_plane


def test_a_folder_without_the_programs_is_said_to_be_one(tmp_path):
    with pytest.raises(MissingPartError, match=f"there is no program {PROGRAMS[0]} in"):
        control_plane(tmp_path / "work", binaries=tmp_path)


def pretend_programs(folder, script):
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def test_a_program_that_ends_at_its_start_takes_the_others_with_it_and_is_quoted(tmp_path):
    plane = control_plane(tmp_path / "work", binaries=pretend_programs(tmp_path / "bin", "echo cannot; exit 3"))
    with pytest.raises(PermanentError, match="cannot"):
        plane.start()
    assert not plane.etcd.alive


def test_one_that_never_gets_ready_is_given_up_and_stopped(tmp_path):
    plane = control_plane(tmp_path / "work", binaries=pretend_programs(tmp_path / "bin", "exec sleep 60"))
    with pytest.raises(UnavailableError, match="not ready within"):
        plane.start(timeout=0.3)
    assert not plane.etcd.alive


def test_secrets_are_readable_by_us_only_and_on_no_command_line(tmp_path):
    work = tmp_path / "work"
    plane = control_plane(work, binaries=pretend_programs(tmp_path / "bin", "exit 0"), users={"guest": "guests-token"})
    assert stat.S_IMODE(work.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in work.iterdir()} == {0o600}
    shown = str((plane, plane.etcd, plane.apiserver, plane.workers))
    assert plane.token not in shown
    assert "guests-token" not in shown


@pytest.mark.real_kubernetes
def test_it_starts_serves_and_ends_without_a_trace(tmp_path):
    try:
        plane = control_plane(tmp_path / "work", users={"guest": "guests-token"})
    except MissingPartError as error:
        pytest.skip(str(error))
    with plane:
        processes = (plane.etcd, plane.apiserver, *plane.workers)
        assert all(process.alive for process in processes)
        cluster = connect(plane.kubeconfig)
        assert cluster.get(Ref("Namespace", "kube-system"))
        assert cluster.allowed("delete", "Node")
        guest = plane.cluster(token="guests-token")
        assert not guest.allowed("get", "Node")
        guest.close()
        cluster.close()
    assert not any(process.alive for process in processes)
    with pytest.raises(FailsoftError):
        cluster.get(Ref("Namespace", "kube-system"))
