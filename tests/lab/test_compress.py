"""The lab's workspace is the example's, with other clocks, and passes the same check."""

import pytest
import yaml

from failsoft.lab.demo.demo import example_folder
from failsoft.lab.world.compress import CLOCKS, write_workspace
from failsoft.lab.world.history import openmetrics
from failsoft.lab.world.places import Places
from failsoft.workspace.load import load

URLS = {"prometheus": "http://127.0.0.1:1", "alertmanager": "http://127.0.0.1:2"}


@pytest.fixture
def places(tmp_path):
    write_workspace(example_folder(), found := Places(tmp_path), **URLS, approve_within="12s")
    return found


def test_it_is_a_good_workspace_with_the_clocks_of_the_table(places):
    workspace, findings = load(places.workspace)
    assert findings == ()
    assert {str(slo.spec.period) for slo in workspace.slos.values()} == {"6h"}
    assert str(workspace.runbooks["chat-shift-to-fallback"].spec.steps[1].approve.within) == "12s"
    assert workspace.config.prometheus.url == URLS["prometheus"]


def test_nothing_else_differs_from_the_example(places):
    for path in sorted(example_folder().rglob("*.yaml")):
        ours = places.workspace / path.relative_to(example_folder())
        pairs = zip(yaml.safe_load_all(path.read_text()), yaml.safe_load_all(ours.read_text()), strict=True)
        for theirs, mine in pairs:
            kind = theirs["kind"]
            if kind in {"Workspace", "Team"}:
                continue  # addresses
            name = f"{kind} {theirs['metadata']['name']}"
            changed = {**CLOCKS.get(kind, {}), **CLOCKS.get(name, {})}
            assert {path for path, _ in differences(theirs, mine)} <= set(changed) | {p[:-1] for p in changed}


def differences(left, right, at=()):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in left.keys() | right.keys():
            yield from differences(left.get(key), right.get(key), (*at, key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, (*at, number))
    elif left != right:
        yield at, right


def test_the_past_covers_the_period_of_every_slo_and_is_healthy(places):
    workspace, _ = load(places.workspace)
    text = openmetrics(workspace, until=1_000_000, step=5, rate=7.5)
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) == 4 * 3 * 6 * 3600 // 5
    assert text.endswith("# EOF\n")
    assert max(float(line.rsplit(" ", 1)[1]) for line in samples) == 1_000_000 - 5
