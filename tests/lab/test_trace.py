"""Reading and replaying a trace."""

import itertools

import pytest

from failsoft.errors import UsageError
from failsoft.lab.trace import Arrival, read_trace, replay, shipped_trace

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def test_the_shipped_slice_is_ten_minutes_with_its_licence_beside_it():
    trace = read_trace(shipped_trace())

    assert len(trace) == 2979
    assert trace[0] == Arrival(0.0, 1017, 537)
    assert 595 < trace[-1].at < 600
    readme = (shipped_trace().parent / "README.md").read_text("utf-8")
    assert "CC-BY-4.0" in readme
    assert "Azure" in readme


def test_arrivals_are_compressed_and_lengths_are_not():
    trace = (Arrival(0.0, 10, 1), Arrival(4.0, 2000, 2), Arrival(6.0, 30, 3))
    replayed = list(itertools.islice(replay(trace, speed=2.0, prompt_cap=100, seed=7), 7))

    gaps = {
        (before.output_tokens, after.output_tokens): round(after.at - before.at, 6)
        for before, after in itertools.pairwise(replayed)
    }
    # From the last row to the first the mean gap of the trace passes: 3 s, compressed.
    assert gaps == {(1, 2): 2.0, (2, 3): 1.0, (3, 1): 1.5}
    assert replayed[0].at == 0.0
    assert {each.prompt_tokens for each in replayed} == {10, 100, 30}


def test_the_same_seed_is_the_same_traffic():
    trace = read_trace(shipped_trace())

    def first(seed):
        return list(itertools.islice(replay(trace, speed=1.0, prompt_cap=9999, seed=seed), 50))

    assert first(1) == first(1)
    assert first(1) != first(2)


@pytest.mark.parametrize(
    "content",
    [
        "",
        HEADER,
        HEADER + "2023-11-16 18:20:46.84,1,1\n",
        HEADER + "2023-11-16 18:20:46,1,1\n2023-11-16 18:20:45,1,1\n",
        HEADER + "yesterday,1,1\n2023-11-16 18:20:45,1,1\n",
        HEADER + "2023-11-16 18:20:46,1,1\n2023-11-16 18:20:47,1\n",
        "a,b\n1,2\n3,4\n",
    ],
)
def test_a_file_that_is_no_trace_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "trace.csv"
    path.write_text(content, "utf-8")

    with pytest.raises(UsageError, match=r"trace\.csv"):
        read_trace(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"none\.csv"):
        read_trace(tmp_path / "none.csv")
