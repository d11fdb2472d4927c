"""How far a reply is from the stored answers to its prompt."""

from collections.abc import Mapping
from dataclasses import dataclass

from failsoft.drift.probes.distances import edit_distance, first_token_distance
from failsoft.drift.probes.golden import Golden

__all__ = ["Compared", "Tolerances", "compare"]


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What still counts as the same.

    Attributes:
        edit: the share of an answer that may differ.
        first_token: the probability that may move among the first token's alternatives.
    """

    edit: float
    first_token: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A reply beside what was stored.

    Attributes:
        exact: whether it is one of the stored answers to the letter.
        edit: the edit distance to the nearest one, from 0 to 1.
        first_token: how much probability moved, from 0 to 1; None where one of the sides served none.
        changed: whether it is further from them than they were from each other, and than is tolerated.
        reason: why, in words; empty where it did not change.
    """

    exact: bool
    edit: float
    first_token: float | None
    changed: bool
    reason: str


def compare(text: str, first_token: Mapping[str, float], golden: Golden, tolerances: Tolerances) -> Compared:
    """Hold a reply against the stored answers.

    A server at temperature 0 still answers in more than one way: batches are computed in another order. So several
    answers are stored, and their own spread is tolerated.

    Args:
        text: the reply.
        first_token: the alternatives of its first token with their log-probabilities; empty where none were served.
        golden: what is stored of its prompt.
        tolerances: what still counts as the same.

    >>> golden = Golden(prompt="", answers=("Paris.",), first_token={"Paris": -0.01})
    >>> compare("Paris", {}, golden, Tolerances(0.2, 0.1)).changed
    False
    >>> compare("It is London.", {}, golden, Tolerances(0.2, 0.1)).reason
    'differs by 77 % from the nearest stored answer; 20 % are tolerated'
    """
    edit = min(edit_distance(text, answer) for answer in golden.answers)
    moved = first_token_distance(golden.first_token, first_token)
    allowed = max(tolerances.edit, golden.spread)
    said = []
    if edit > allowed:
        said.append(
            f"differs by {100 * edit:.2g} % from the nearest stored answer; {100 * allowed:.2g} % are tolerated"
        )
    movable = max(tolerances.first_token, golden.first_token_spread)
    if moved is not None and moved > movable:
        most = f"{100 * movable:.2g} %"
        said.append(f"{100 * moved:.2g} % of the first token's probability moved; {most} are tolerated")
    return Compared(text in golden.answers, edit, moved, bool(said), "; ".join(said))
