"""The arrivals and lengths of a real trace, as the lab replays them."""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path

from failsoft.errors import UsageError

__all__ = ["Arrival", "read_trace", "replay", "shipped_trace"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: seconds since the start, tokens of its prompt, tokens of its answer."""

    at: float
    prompt_tokens: int
    output_tokens: int


def shipped_trace() -> Path:
    """Ten minutes of the Azure LLM inference trace 2023, conversations (CC-BY-4.0; its README stands beside it)."""
    return Path(str(resources.files("failsoft.lab") / "traces" / "azure_llm_2023_conv.csv"))


def read_trace(path: Path) -> tuple[Arrival, ...]:
    """The rows of a file with the columns TIMESTAMP, ContextTokens and GeneratedTokens, times from 0.

    Raises:
        UsageError: it cannot be read, is no such file, has less than two rows, or its times go backwards.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                # Azure writes seven digits of a second, which `fromisoformat` cuts to six.
                (
                    datetime.fromisoformat(row["TIMESTAMP"]).timestamp(),
                    max(1, int(row["ContextTokens"])),
                    max(1, int(row["GeneratedTokens"])),
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is no trace with TIMESTAMP, ContextTokens, GeneratedTokens: {error!r}") from error
    if len(rows) <= 1 or any(later[0] < earlier[0] for earlier, later in pairwise(rows)):
        raise UsageError(f"{path} needs two rows at least, in the order of their times")
    start = rows[0][0]
    return tuple(Arrival(at - start, prompt, output) for at, prompt, output in rows)


def replay(trace: Sequence[Arrival], *, speed: float, prompt_cap: int, seed: int) -> Iterator[Arrival]:
    """The trace without end, time compressed by `speed`, from a row that `seed` picks; at its end it starts again.

    Lengths are not compressed: they cost the engine real seconds. Prompts are cut at `prompt_cap` tokens; answers are
    not, since the client cuts them by `max_tokens`.
    """
    row = random.Random(seed).randrange(len(trace))  # noqa: S311 (which traffic, not a secret)
    seam = trace[-1].at / (len(trace) - 1)
    at, before = 0.0, trace[row].at
    while True:
        for each in trace[row:]:
            at += (each.at - before) / speed
            before = each.at
            yield Arrival(at, min(each.prompt_tokens, prompt_cap), each.output_tokens)
        row, before = 0, -seam
