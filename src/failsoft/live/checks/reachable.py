"""Whether there is a Prometheus at the address, and what of it could not be asked."""

from collections.abc import Iterator

from failsoft.findings import Finding
from failsoft.live import codes
from failsoft.live.model import Answers, Subject

__all__ = ["down", "not_asked"]


def down(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """The server does not answer, or is none, or did not answer so often that it was left in peace."""
    place = subject.workspace.config_at("spec", "prometheus", "url")
    if answers.down:
        hint = f"curl {answers.url}/api/v1/status/buildinfo shows what is there"
        yield Finding(codes.DOWN, answers.down, place, "the API of a Prometheus", hint)
    if answers.gave_up:
        message = f"{answers.gave_up}; nothing more was asked, and most is not checked"
        hint = "it says that it is there, and answers nothing else: ask again when it is less busy"
        yield Finding(codes.DOWN, message, place, "answers", hint)


def not_asked(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """A question that the server did not answer: what it was about is not checked."""
    for said in answers.unasked:
        yield Finding(codes.NOT_ASKED, said, subject.workspace.config_at("spec", "prometheus", "url"))
