import sys

import pytest

from failsoft.clients.binaries import find, run_tool
from failsoft.errors import MissingPartError, UnavailableError


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The places a program is looked for in, best first, and a way to put one there."""
    folders = {
        "FAILSOFT_PARTS": tmp_path / "own",
        "KUBEBUILDER_ASSETS": tmp_path / "assets",
        "cache": tmp_path / "checkout" / ".cache" / "parts",
        "kubernetes": tmp_path / "checkout" / ".cache" / "kubernetes",
        "PATH": tmp_path / "path",
    }
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        if name.isupper():
            monkeypatch.setenv(name, str(folder))
    deep = tmp_path / "checkout" / "examples" / "chat"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    def put(place, name):
        program = folders[place] / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        return program

    return put


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("promtool", ["PATH", "cache", "FAILSOFT_PARTS"]),
        ("kube-apiserver", ["PATH", "kubernetes", "KUBEBUILDER_ASSETS", "FAILSOFT_PARTS"]),
    ],
)
def test_a_better_place_wins(places, name, order):
    for place in order:
        program = places(place, name)
        assert find(name) == program


@pytest.mark.parametrize("present", ["parts", "kubernetes"])
def test_a_checkout_that_has_only_one_of_its_caches_is_searched_too(places, tmp_path, present):
    for cache in {"parts", "kubernetes"} - {present}:
        (tmp_path / "checkout" / ".cache" / cache).rmdir()
    (tmp_path / ".cache" / "parts").mkdir(parents=True)  # one further up is not of this checkout
    program = places("kubernetes" if present == "kubernetes" else "cache", "etcd")
    assert find("etcd") == program


def test_the_assets_of_envtest_are_not_searched_for_other_programs(places):
    places("KUBEBUILDER_ASSETS", "promtool")
    with pytest.raises(MissingPartError):
        find("promtool")


def test_alertmanager_is_found_under_debians_name(places):
    program = places("PATH", "prometheus-alertmanager")
    assert find("alertmanager") == program
    assert find("prometheus-alertmanager") == program


def test_a_file_that_cannot_be_run_is_no_program(places):
    places("cache", "amtool").chmod(0o644)
    program = places("PATH", "amtool")
    assert find("amtool") == program


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("promtool", "apt-get install prometheus"),
        ("amtool", "apt-get install prometheus-alertmanager"),
        ("etcd", "tools/parts.py kubernetes"),
        ("curl", "curl is not on PATH"),
    ],
)
def test_a_missing_program_is_told_with_the_way_to_get_it(places, name, fix):
    with pytest.raises(MissingPartError, match=fix):
        find(name)


def test_a_tool_runs_in_its_folder_without_a_shell_and_says_how_it_ended(tmp_path):
    script = (
        "import os, sys; print(os.getcwd(), sys.argv[1], sys.stdin.read()); print('why', file=sys.stderr); sys.exit(3)"
    )
    done = run_tool([sys.executable, "-c", script, "$HOME; ls"], cwd=tmp_path, stdin="asked")
    assert done.stdout == f"{tmp_path} $HOME; ls asked\n"
    assert (done.returncode, done.stderr, done.ok) == (3, "why\n", False)


def test_bytes_that_are_no_text_are_replaced():
    done = run_tool([sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'a\\xff')"])
    assert done.stdout == "a\N{REPLACEMENT CHARACTER}"


def test_a_tool_that_does_not_end_is_a_temporary_error():
    with pytest.raises(UnavailableError, match=r"did not end within 0\.2 s"):
        run_tool([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.2)


def test_a_tool_that_does_not_start_is_a_missing_part(tmp_path):
    with pytest.raises(MissingPartError, match="No such file"):
        run_tool([tmp_path / "promtool"])
