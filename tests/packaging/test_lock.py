"""What requirements.lock promises to a fresh machine."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked():
    """Each locked requirement with its hashes."""
    blocks = re.split(r"\n(?=\S)", LOCK.replace("\\\n", ""))
    return [block for block in blocks if block and not block.startswith("#")]


def test_every_locked_requirement_is_pinned_and_hashed():
    assert len(locked()) > 50
    for block in locked():
        assert re.match(r"[a-z0-9.-]+==\S+ ", block), block[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block[:80]


def test_the_lock_names_no_address():
    assert not re.search(r"https?://|--index|--find-links|--extra-index|file:", LOCK)


def test_everything_that_the_project_declares_is_locked_in_a_version_it_allows():
    project = PROJECT["project"]
    declared = [*PROJECT["build-system"]["requires"], *project["dependencies"]]
    for extra in (*project["optional-dependencies"].values(), *PROJECT["dependency-groups"].values()):
        declared += [entry for entry in extra if isinstance(entry, str)]
    versions = {canonicalize_name(block.partition("==")[0]): block.split("==")[1].split()[0] for block in locked()}
    for requirement in map(Requirement, declared):
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement
