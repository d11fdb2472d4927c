"""A workspace that two processes read is the one that one reads: documents, every place, and findings in order."""

import os
import pickle
import shutil
from pathlib import Path

import pytest

from failsoft.cli.side_by_side import shared
from failsoft.workspace.kinds import SPECS
from failsoft.workspace.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "chat"
SLO = "kind: SLO\nmetadata: {name: NAME}\nspec:\n  model: chat\n  objective: 99%\n  indicator: {ttft: {below: 500ms}}\n"
WRONG = (
    b"kind: SLO\nspec: [\n",
    b"kind: SLO\nmetadata: {name: twice}\nspec: {model: chat, model: b, objectiv: 99%}\n",
    b"\xff\xfe",
    b"",
    b"kind: SL0\nmetadata: {name: a}\nspec: {}\n---\n- a\n---\nkind: Team\nmetadata: {name: twice}\nspec: {pages: 1}\n",
)


@pytest.fixture
def root(tmp_path):
    """An example with files of several documents, one of them with anchors, and several that are wrong."""
    shutil.copytree(EXAMPLE, tmp_path / "w")
    slos = tmp_path / "w" / "slo"
    for index in range(4):
        text = "...\n---\n".join(SLO.replace("NAME", f"s{index}-{number}") for number in range(3))
        (slos / f"many-{index}.yaml").write_text(f"# ours\n{text}")
    (slos / "anchors.yaml").write_text(
        SLO.replace("NAME", "anchored").replace("99%", "&all 99%") + "---\n" + SLO.replace("NAME", "s0-0")
    )
    for index, raw in enumerate(WRONG):
        (slos / f"wrong-{index}.yaml").write_bytes(raw)
    return tmp_path / "w"


def travelled(function, items):
    """As if another process had read all of it."""
    return pickle.loads(pickle.dumps([function(item) for item in items], pickle.HIGHEST_PROTOCOL))  # noqa: S301  # ours


@pytest.mark.parametrize("spread", [shared, travelled])
def test_the_findings_are_the_same_in_the_same_order(root, spread):
    (one, told), (two, also) = load(root), load(root, spread)
    assert told == also
    assert [(one.place.text, one.place.length) for one in told] == [(one.place.text, one.place.length) for one in also]
    assert len({finding.place.path for finding in told}) >= len(WRONG)
    assert one == two


def test_every_place_and_text_is_the_same(root):
    (one, _), (two, _) = load(root), load(root, travelled)
    kinds = [name for name in type(one).__slots__ if name not in {"root", "config", "document", "broken"}]
    assert len(kinds) == len(SPECS) - 1
    other = 0
    for kind in kinds:
        for name, document in getattr(one, kind).items():
            there = getattr(two, kind)[name]
            other += type(there.origin) is not type(document.origin)
            assert there.origin.text == document.origin.text
            for path in (
                (),
                ("metadata", "name"),
                ("spec", "objective"),
                ("spec", "indicator", "ttft"),
                ("spec", "no"),
            ):
                for key in (False, True):
                    ours, theirs = document.at(*path, key=key), there.at(*path, key=key)
                    assert (ours, ours.text, ours.length) == (theirs, theirs.text, theirs.length)
    assert other >= 12


def test_two_processes_read(root, monkeypatch):
    forked = []
    monkeypatch.setattr(os, "fork", lambda fork=os.fork: forked.append(1) or fork())
    load(root, shared)
    assert forked == [1]
