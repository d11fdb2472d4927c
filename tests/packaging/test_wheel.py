"""The built wheel, installed where no source tree is near."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
    """The programs of an environment that holds the wheel and what it depends on without extras, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", f"--python={python}", "install", "--no-deps", "--no-index", str(wheel), cwd=folder)
    (own,) = folder.glob("lib/python3*/site-packages")
    (installed,) = metadata.distributions(name="failsoft", path=[str(own)])
    for distribution in dependencies(installed):
        copy_into(own, distribution)
    run(sys.executable, "-m", "pip", f"--python={python}", "check", cwd=folder)
    return folder / "bin"


def dependencies(of):
    """What a distribution needs without extras, from our own environment: a registry may be far away."""
    found, asked = {}, [(requirement, "") for requirement in of.requires]
    while asked:
        text, extra = asked.pop()
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found:
            found[name] = metadata.distribution(name)
            asked += [(below, "") for below in found[name].requires or ()]
        asked += [(below, more) for more in requirement.extras for below in found[name].requires or ()]
    return found.values()


def copy_into(site, distribution):
    """Copy the files of a distribution, its programs left out."""
    for path in distribution.files:
        if ".." not in path.parts and "__pycache__" not in path.parts:
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(distribution.locate_file(path), site / path)


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
    assert (ROOT / LIBRARY / "checks").resolve() == ROOT / "docs" / "checks"


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


def test_the_installed_command_checks_and_compiles_the_example_that_came_with_it(environment, tmp_path):
    ask = "import failsoft, pathlib; print(pathlib.Path(failsoft.__file__).parent / 'library' / 'examples' / 'chat')"
    example = Path(run(environment / "python", "-c", ask, cwd=tmp_path).strip())
    assert example.is_relative_to(environment.parent)
    assert "all good" in run(environment / "failsoft", "check", str(example), cwd=tmp_path)
    run(environment / "failsoft", "compile", str(example), "-o", "out", cwd=tmp_path)
    assert (tmp_path / "out" / "alertmanager.yaml").is_file()


def test_the_installed_command_explains_a_finding_of_every_room_without_extras(environment, tmp_path):
    told = run(environment / "failsoft", "explain", "off-bound", "fs709", cwd=tmp_path)
    assert "FS401 off-bound" in told
    assert "FS709 another-run" in told


def test_a_rule_author_installs_no_client_of_slack_or_kubernetes_and_no_server(environment, tmp_path):
    names = ["slack_sdk", "slack_bolt", "kubernetes", "aiohttp", "sqlalchemy", "dbos", "starlette", "numpy", "chaoslib"]
    ask = f"from importlib.util import find_spec; print([name for name in {names} if find_spec(name)])"
    assert run(environment / "python", "-c", ask, cwd=tmp_path).strip() == "[]"


@pytest.mark.parametrize(
    ("words", "extra"), [("lab demo", "lab"), ("serve EXAMPLE", "serve"), ("incidents list EXAMPLE", "serve")]
)
def test_a_command_that_needs_an_extra_names_it(environment, tmp_path, words, extra):
    shutil.copytree(ROOT / "examples" / "chat", tmp_path / "EXAMPLE")
    done = subprocess.run(
        [environment / "failsoft", *words.split()], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f"pip install 'failsoft[{extra}]'" in done.stderr


def test_a_wheel_built_from_the_source_distribution_is_the_same(source, wheel, tmp_path):
    # No links there any more: the content has become files.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), "."]
    run(*build, cwd=source)
    with zipfile.ZipFile(wheel) as direct, zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as by_source:
        assert set(direct.namelist()) == set(by_source.namelist())
