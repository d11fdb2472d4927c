"""How the real parts are found where Debian's packages are not to be had: tools/parts.py in a checkout of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"prometheus": "2.53.1", "promtool": "2.53.1", "alertmanager": "0.27.0", "amtool": "0.27.0"}


class Checkout:
    def __init__(self, folder):
        self.root = folder / "checkout"
        self.path = folder / "bin"
        shutil.copytree(ROOT / "tools", self.root / "tools")
        self.path.mkdir()

    def install(self, name, version):
        program = self.path / name
        program.write_text(f"#!/bin/sh\necho '{name}, version {version} (branch: HEAD)'\n")
        program.chmod(0o755)

    def parts(self, *arguments):
        argv = [sys.executable, self.root / "tools" / "parts.py", *arguments]
        environment = {"PATH": str(self.path)}
        return subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)

    def cached(self, name):
        return (self.root / ".cache" / "parts" / name).resolve()


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_what_is_on_path_is_linked_into_the_cache(checkout):
    for name, version in TOOLS.items():
        checkout.install(name, version)
    done = checkout.parts("prometheus")
    assert done.returncode == 0, done.stderr
    assert "found on PATH" in done.stdout
    assert {checkout.cached(name) for name in TOOLS} == {checkout.path / name for name in TOOLS}
    assert "there already" in checkout.parts("prometheus").stdout


def test_debians_name_for_alertmanager_is_known(checkout):
    for name, version in TOOLS.items():
        checkout.install("prometheus-alertmanager" if name == "alertmanager" else name, version)
    assert checkout.parts("prometheus").returncode == 0
    assert checkout.cached("alertmanager") == checkout.path / "prometheus-alertmanager"


def test_one_that_is_too_old_is_refused_with_what_is_needed(checkout):
    for name, version in (TOOLS | {"promtool": "2.31.2"}).items():
        checkout.install(name, version)
    done = checkout.parts("prometheus")
    assert done.returncode == 1
    assert "no promtool 2.42 or newer (this system has no apt)" in done.stderr


def test_a_missing_part_is_one_message_with_the_fix(checkout):
    done = checkout.parts("prometheus")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Install Prometheus and Alertmanager and put them on PATH" in line


def test_an_optional_part_that_is_missing_is_told_and_no_failure(checkout):
    done = checkout.parts("--optional", "chromium")
    assert (done.returncode, "no Chromium on PATH" in done.stderr) == (0, True)


def test_without_go_the_control_plane_says_what_to_install(checkout):
    done = checkout.parts("kubernetes")
    assert done.returncode == 1
    assert "Go is not installed" in done.stderr
