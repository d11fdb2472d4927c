"""Two processes compile what one does, in the same order, and a copy that dies costs time and nothing else."""

import os
import signal
import subprocess
import sys

import pytest

from failsoft.alerts import compile_workspace
from failsoft.cli.side_by_side import shared

SLOS = """
kind: SLO
metadata: {name: NAME}
spec: {model: MODEL, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
MODEL = """
kind: Model
metadata: {name: MODEL}
spec: {engine: vllm, select: {job: MODEL, model_name: m}, owner: assistants}
"""


def test_the_results_are_those_of_map_in_their_order():
    assert shared(lambda one: (one, os.getpid() >= 0), range(7)) == [(one, True) for one in range(7)]
    assert shared(str, ["a"]) == ["a"]
    assert shared(str, []) == []


def test_two_processes_took_part():
    assert len(set(shared(lambda _: os.getpid(), range(4)))) == 2


def test_what_a_killed_copy_was_to_do_is_done_here():
    mine = os.getpid()

    def dies(one):
        if os.getpid() != mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return one * 2

    assert shared(dies, range(6)) == [0, 2, 4, 6, 8, 10]


ALONE = """
import os, select, signal
from failsoft.cli.side_by_side import shared

first = os.getpid()
ended = os.pidfd_open(first)

def work(_):
    if os.getpid() == first:
        signal.pause()
    os.write(1, b"x")
    select.select([ended], [], [])

shared(work, range(64))
"""


def test_a_copy_does_no_work_for_a_process_that_was_killed():
    with subprocess.Popen([sys.executable, "-c", ALONE], stdout=subprocess.PIPE) as process:
        begun = process.stdout.read(1)
        process.kill()
        assert begun + process.stdout.read() == b"x"


@pytest.mark.parametrize("bad", [0, 5])
def test_an_error_is_raised_whichever_half_it_is_in(bad):
    def fails(one):
        if one == bad:
            raise ValueError("no")
        return one

    with pytest.raises(ValueError, match="no"):
        shared(fails, range(6))


def test_a_workspace_compiles_to_the_same_bytes_and_units(written):
    models = [f"m{index}" for index in range(5)]
    documents = [MODEL.replace("MODEL", model) for model in models]
    documents += [SLOS.replace("MODEL", model).replace("NAME", f"{name}-{model}") for model in models for name in "ba"]
    made = written(*documents)
    one, told = compile_workspace(made.workspace, {}, tests=True)
    two, also = compile_workspace(made.workspace, {}, tests=True, spread=shared)
    assert one.files == two.files
    assert one.units == two.units
    assert told == also


def test_what_is_wrong_is_said_without_making_the_rules_too(written):
    made = written(SLOS.replace("MODEL", "chat").replace("NAME", "a"))
    whole, told = compile_workspace(made.workspace, {}, tests=False)
    less, also = compile_workspace(made.workspace, {}, rules=False, tests=False)
    assert told == also
    assert set(whole.files) - set(less.files) == {"rules/chat.yaml"}
