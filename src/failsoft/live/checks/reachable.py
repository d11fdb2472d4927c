"""Whether there is a Prometheus at the address, and what of it could not be asked."""

from collections.abc import Iterator

from failsoft.findings import Finding
from failsoft.live import codes
from failsoft.live.model import Answers, Subject

__all__ = ["down", "not_asked"]


def down(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """The server does not answer, or is none."""
    if answers.down:
        place = subject.workspace.config_at("spec", "prometheus", "url")
        hint = f"curl {answers.url}/api/v1/status/buildinfo shows what is there"
        yield Finding(codes.DOWN, answers.down, place, "the API of a Prometheus", hint)


def not_asked(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """A question that the server did not answer: what it was about is not checked."""
    for said in answers.unasked:
        yield Finding(codes.NOT_ASKED, said, subject.workspace.config_at("spec", "prometheus", "url"))
