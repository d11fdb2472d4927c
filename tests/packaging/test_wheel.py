"""The built wheel, installed where no source tree is near."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import failsoft

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "src/failsoft/library"


def run(*argv, cwd, **environment):
    """The output of a program that must succeed, run without whatever points at our source tree."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(argv, cwd=cwd, env=inherited | environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout, because building writes into it."""
    copy = tmp_path_factory.mktemp("source") / "failsoft"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "out", "*.egg-info")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=unwanted)
    return copy


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), ".", cwd=source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The programs of an empty environment in which the wheel, and no source tree, is installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", f"--python={python}", "install", "--no-deps", "--no-index", str(wheel), cwd=folder)
    # The dependencies are borrowed from ours. A folder named in a .pth file is searched, but .pth files in it, such as
    # the one that leads to our source tree, are not read.
    (own,) = folder.glob("lib/python3*/site-packages")
    (own / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"


def content(folder):
    """Every file that is reached through the library's links, relative to the library."""
    walk = os.walk(folder / LIBRARY, followlinks=True)
    files = [Path(parent, name) for parent, _, names in walk for name in names]
    return {path.relative_to(folder / LIBRARY) for path in files if path.is_file()}


def test_every_folder_of_content_is_linked_into_the_library():
    for name in ("slo", "alerts", "drift", "chaos", "runbooks", "examples"):
        assert (ROOT / LIBRARY / name).resolve() == ROOT / name
        # Git keeps no empty folder, and the link would lead nowhere in a clone
        assert any(path.is_file() for path in (ROOT / name).rglob("*")), f"{name} is empty"


def test_the_wheel_holds_all_content_byte_for_byte(source, wheel):
    expected = content(source)
    assert any(path.parts[:2] == ("slo", "engines") for path in expected)
    with zipfile.ZipFile(wheel) as archive:
        held = {
            Path(name).relative_to("failsoft/library"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("failsoft/library/") and not name.endswith("/")
        }
    assert held.keys() == expected
    for path in expected:
        assert held[path] == (source / LIBRARY / path).read_bytes()


def test_the_wheel_holds_every_module_and_data_file_of_the_package(source, wheel):
    package = source / "src" / "failsoft"
    files = {path.relative_to(package.parent) for path in package.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        assert files <= {Path(name) for name in archive.namelist()}


def test_the_licence_travels_with_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert b"Apache License" in archive.read(licence)


def test_the_installed_command_tells_its_version_from_the_wheel(environment, tmp_path):
    where = run(environment / "python", "-c", "import failsoft; print(failsoft.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(environment.parent)
    assert failsoft.__version__ in run(environment / "failsoft", "--version", cwd=tmp_path)


def test_the_installed_command_checks_the_example(environment, tmp_path):
    shutil.copytree(ROOT / "examples" / "chat", tmp_path / "chat")
    run(environment / "failsoft", "check", "chat", cwd=tmp_path)


def test_a_wheel_built_from_the_source_distribution_is_the_same(source, wheel, tmp_path):
    # No links there any more: the content has become files.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), "."]
    run(*build, cwd=source)
    with zipfile.ZipFile(wheel) as direct, zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as by_source:
        assert set(direct.namelist()) == set(by_source.namelist())
