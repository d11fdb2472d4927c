"""How a fresh machine's Python is found: tools/bootstrap, run where PATH holds only what the story says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Machine:
    def __init__(self, folder):
        self.home = folder / "home"
        self.path = folder / "bin"
        self.home.mkdir()
        self.path.mkdir()
        for tool in ("sh", "dirname", "cat"):
            (self.path / tool).symlink_to(shutil.which(tool))

    def program(self, name, script, folder=None):
        place = (folder or self.path) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        return place

    def python(self, name, folder=None):
        return self.program(name, f'exec {sys.executable} "$@"', folder)

    def bootstrap(self, **more):
        environment = {"PATH": str(self.path), "HOME": str(self.home)} | more
        argv = [ROOT / "tools" / "bootstrap", "--python"]
        return subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_python_on_path_is_taken(machine):
    python = machine.python("python3")
    assert machine.bootstrap().stdout.strip() == str(python)


def test_a_version_we_know_is_preferred_to_the_newest(machine):
    machine.python("python3")
    machine.python("python3.14")
    python = machine.python("python3.13")
    assert machine.bootstrap().stdout.strip() == str(python)


def test_the_one_that_is_named_is_taken_and_no_other(machine):
    machine.python("python3.13")
    older = machine.python("python3.12")
    assert machine.bootstrap(FAILSOFT_PYTHON="python3.12").stdout.strip() == str(older)
    assert machine.bootstrap(FAILSOFT_PYTHON="python3.11").returncode == 1


def test_a_pyenv_shim_that_fails_leads_to_the_version_behind_it(machine):
    machine.program("python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    python = machine.python("python3.13", machine.home / ".pyenv" / "versions" / "3.13.0" / "bin")
    assert machine.bootstrap().stdout.strip() == str(python)


def test_a_python_that_only_uv_knows_is_found(machine):
    python = machine.python("python3.12", machine.home / "uv")
    machine.program("uv", f'test "$4" = 3.12 && echo {python}')
    assert machine.bootstrap().stdout.strip() == str(python)


def test_an_old_python_is_not_taken_and_the_ways_to_a_new_one_are_told(machine):
    machine.program("python3", "exit 1")  # what the try-out says for 3.11, and where venv is split off
    done = machine.bootstrap()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "needs Python 3.12 or newer" in done.stderr
    assert "uv python install" in done.stderr


def test_a_set_up_environment_is_left_alone(tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "tools").mkdir(parents=True)
    (checkout / ".venv" / "bin").mkdir(parents=True)
    for name in ("requirements.lock", "pyproject.toml", "tools/bootstrap"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    recipe = "cat requirements.lock pyproject.toml tools/bootstrap | cksum > .venv/.installed"
    subprocess.run(["sh", "-c", recipe], cwd=checkout, check=True)
    unreachable = os.environ | {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_FIND_LINKS": ""}
    argv = [checkout / "tools" / "bootstrap"]
    done = subprocess.run(argv, env=unreachable, check=True, capture_output=True, text=True)
    assert done.stdout == ""
