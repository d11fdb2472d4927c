"""The patches alone: whatever a node is and others do to it meanwhile, the undo takes away ours and only ours."""

import copy

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from failsoft.chaos.marks import RECLAIM_TAINT, RUN
from failsoft.chaos.nodes import cordon_patch, is_cordoned, is_ours, reclaim_taint, taint_patch, undo_patch

OURS = reclaim_taint("r1")

foreign = st.builds(
    lambda key, value, effect: {"key": key, "effect": effect} | ({"value": value} if value is not None else {}),
    st.sampled_from(["gpu", "maintenance", "node.kubernetes.io/unschedulable"]),
    st.one_of(st.none(), st.sampled_from(["", "a", "b"])),
    st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
)
some_taints = st.lists(foreign, max_size=4, unique_by=lambda taint: (taint["key"], taint["effect"]))


@st.composite
def nodes(draw):
    spec = {"podCIDR": "10.0.0.0/24"}
    taints = draw(some_taints)
    if taints:
        spec["taints"] = taints
    if draw(st.booleans()):
        spec["unschedulable"] = draw(st.booleans())
    meta = {"name": "n", "uid": "u", "resourceVersion": "7"}
    annotations = draw(st.dictionaries(st.sampled_from(["a", "failsoft.dev/other", "b~c"]), st.text(max_size=3)))
    if annotations:
        meta["annotations"] = annotations
    return {"metadata": meta, "spec": spec}


def apply(node, operations):
    return jsonpatch.apply_patch(node, operations) if operations else node


def lose(node):
    before = node["spec"].get("unschedulable")
    return apply(
        apply(node, cordon_patch(node, "r1")), taint_patch(apply(node, cordon_patch(node, "r1")), OURS)
    ), before


def undo(node, before):
    return apply(node, undo_patch(node, "r1", OURS, unschedulable_before=before))


@given(nodes())
def test_a_lost_node_comes_back_equal_to_the_last_byte(node):
    lost, before = lose(node)
    assert is_cordoned(lost)
    assert OURS in lost["spec"]["taints"]
    assert undo(lost, before) == node


@given(nodes(), some_taints, st.randoms(use_true_random=False))
def test_whatever_others_do_to_the_taints_stays(node, theirs, random):
    lost, before = lose(node)
    shuffled = [OURS, *theirs]
    random.shuffle(shuffled)
    lost["spec"]["taints"] = shuffled
    back = undo(lost, before)
    assert (back["spec"].get("taints") or []) == [taint for taint in shuffled if taint != OURS]
    assert not is_ours(back, "r1", OURS)


@given(nodes())
def test_undoing_what_was_never_done_does_nothing(node):
    assert undo_patch(node, "r1", OURS, unschedulable_before=None) == []


@given(nodes())
def test_undoing_is_idempotent(node):
    lost, before = lose(node)
    assert undo_patch(undo(lost, before), "r1", OURS, unschedulable_before=before) == []


@given(nodes())
def test_another_runs_mark_and_taint_are_not_ours(node):
    other = copy.deepcopy(node)
    other["metadata"]["annotations"] = {RUN: "r2"}
    other["spec"]["taints"] = [reclaim_taint("r2")]
    other["spec"]["unschedulable"] = True
    assert undo_patch(other, "r1", OURS, unschedulable_before=None) == []


@given(nodes())
def test_every_patch_is_bound_to_the_version_it_was_made_for(node):
    lost, before = lose(node)
    for patch in (
        cordon_patch(node, "r1"),
        taint_patch(node, OURS),
        undo_patch(lost, "r1", OURS, unschedulable_before=before),
    ):
        assert patch == [] or patch[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}


def test_the_taint_is_that_of_the_node_termination_handler():
    assert OURS["key"] == RECLAIM_TAINT == "aws-node-termination-handler/spot-itn"
    assert OURS["effect"] == "NoSchedule"
    assert OURS["value"].startswith("spot-itn-")
    assert len(OURS["value"]) == 63
