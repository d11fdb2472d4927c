"""Asking golden prompts: a round of questions, each with what came of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from failsoft.clients.inference import Completed, Inference, OpenAiEndpoint, Question
from failsoft.drift.probes import Compared, Golden, GoldenAnswers, Tolerances, codes, compare, prompt_hash
from failsoft.errors import FailsoftError, PermanentError, UnavailableError
from failsoft.findings import Finding, Place
from failsoft.server.outside import secret
from failsoft.workspace import Document, Workspace
from failsoft.workspace.kinds import ProbeSpec
from failsoft.workspace.kinds.probe import Prompt

__all__ = ["Asked", "Failure", "asked", "endpoint_of", "golden_of", "hash_of", "read_answers"]

_READ_AT_MOST = 5_000_001
_GIVE_UP_AFTER = 3


class Failure(StrEnum):
    """Why there is no answer."""

    UNAVAILABLE = "unavailable"
    """No whole answer in time, 5xx, or 200 with something that is none."""

    BUSY = "busy"
    """408, 425 or 429."""

    REFUSED = "refused"
    """Another 4xx, a wrong address, or a secret that is not there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question.

    Attributes:
        prompt: its name.
        reply: the answer; None where there is none.
        compared: the answer beside the stored ones; None without an answer, or where none is stored.
        failure: why there is no answer.
        why: the same in words, or why nothing could be compared.
    """

    prompt: str
    reply: Completed | None = None
    compared: Compared | None = None
    failure: Failure | None = None
    why: str = ""


def hash_of(prompt: Prompt) -> str:
    """By which a stored answer knows its prompt."""
    return prompt_hash(prompt.system, prompt.ask, prompt.max_tokens)


def endpoint_of(workspace: Workspace, probe: Document[ProbeSpec]) -> OpenAiEndpoint:
    """Where a probe asks. Raises `PermanentError` where its secret is not there."""
    at = probe.spec.endpoint
    token = secret(workspace, at.token) if at.token is not None else None
    return OpenAiEndpoint(at.url, at.model, token=token, timeout=probe.spec.timeout.seconds)


def read_answers(workspace: Workspace, probe: Document[ProbeSpec]) -> GoldenAnswers | Finding:
    """The stored answers that a probe names, or why they cannot be had."""
    shown = probe.spec.answers
    try:
        with (Path(workspace.root) / shown).open("rb") as stream:
            data = stream.read(_READ_AT_MOST)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror}"
        hint = f"make it with `failsoft probe learn {probe.name}`"
        return Finding(codes.ANSWERS_MISSING, message, probe.at("spec", "answers"), hint=hint)
    answers = GoldenAnswers.parse(data, shown)
    if isinstance(answers, GoldenAnswers) and answers.model != probe.spec.model:
        message = f"holds answers of the model {answers.model}, and {probe.name} asks {probe.spec.model}"
        return Finding(codes.ANSWERS_OTHER_MODEL, message, Place(shown), "answers of the same model")
    return answers


def golden_of(probe: Document[ProbeSpec], answers: GoldenAnswers) -> tuple[Mapping[str, Golden], tuple[Finding, ...]]:
    """What is stored of the prompts as they are now, and a finding for each of which nothing is."""
    known: dict[str, Golden] = {}
    found = []
    for index, prompt in enumerate(probe.spec.prompts):
        golden = answers.prompts.get(prompt.name)
        if golden is not None and golden.prompt == hash_of(prompt):
            known[prompt.name] = golden
            continue
        why = "has no stored answer" if golden is None else "was edited since its answer was stored"
        hint = f"store it anew: failsoft probe learn {probe.name}"
        place = probe.at("spec", "prompts", index, "name")
        found.append(Finding(codes.PROMPT_UNKNOWN, f"the prompt {prompt.name} {why}", place, hint=hint))
    return known, tuple(found)


async def asked(
    endpoint: Inference, spec: ProbeSpec, known: Mapping[str, Golden] | None = None
) -> AsyncIterator[Asked]:
    """Ask every prompt once, one after the other, with the pause of the probe between two.

    Where three in a row get no answer the others are not asked, so that a round ends in time and a server that is going
    down is left alone.

    Args:
        endpoint: whom.
        spec: what.
        known: what is stored; None where nothing is to be compared.
    """
    tolerances = Tolerances(float(spec.tolerance.ratio), float(spec.first_token.ratio))
    silent = 0
    for index, prompt in enumerate(spec.prompts):
        if silent >= _GIVE_UP_AFTER:
            why = f"not asked: there was no answer to the {silent} questions before"
            yield Asked(prompt.name, failure=Failure.UNAVAILABLE, why=why)
            continue
        if index:
            await asyncio.sleep(spec.pause.seconds)
        question = Question(prompt.ask, prompt.system, prompt.max_tokens, spec.logprobs)
        try:
            reply = await endpoint.ask(question)
        except FailsoftError as error:
            failure = _failure(error)
            silent += failure is Failure.UNAVAILABLE
            yield Asked(prompt.name, failure=failure, why=str(error))
            continue
        silent = 0
        if known is None:
            yield Asked(prompt.name, reply)
        elif (golden := known.get(prompt.name)) is None:
            yield Asked(prompt.name, reply, why="no stored answer to compare with")
        else:
            yield Asked(prompt.name, reply, compare(reply.text, reply.first_token, golden, tolerances))


def _failure(error: FailsoftError) -> Failure:
    if isinstance(error, PermanentError):
        return Failure.REFUSED
    return Failure.UNAVAILABLE if isinstance(error, UnavailableError) else Failure.BUSY
