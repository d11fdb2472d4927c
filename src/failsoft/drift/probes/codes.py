"""The codes of what can be wrong with probes and their stored answers."""

from failsoft.findings import Code, Severity

__all__ = [
    "ANSWERS_HASH",
    "ANSWERS_MISSING",
    "ANSWERS_NEWER",
    "ANSWERS_OLDER",
    "ANSWERS_OTHER_MODEL",
    "ANSWERS_SHAPE",
    "CODES",
    "PROMPT_UNKNOWN",
    "PROMPT_UNSTABLE",
    "STORED_UNREADABLE",
    "UNANSWERED",
]

STORED_UNREADABLE = Code("FS680", "golden-unreadable", "Stored answers are not whole JSON in UTF-8.")
ANSWERS_NEWER = Code("FS681", "golden-newer", "Stored answers were written by a newer failsoft.")
ANSWERS_OLDER = Code("FS682", "golden-older", "Stored answers were written by an older failsoft.")
ANSWERS_SHAPE = Code("FS683", "golden-shape", "Stored answers lack or garble what is stored of an answer.")
ANSWERS_HASH = Code("FS684", "golden-hash", "Stored answers were changed after they were written.")
ANSWERS_MISSING = Code("FS685", "golden-missing", "A probe names stored answers that are not there.")
ANSWERS_OTHER_MODEL = Code("FS686", "golden-other-model", "A probe compares a model with another model's answers.")
PROMPT_UNKNOWN = Code("FS687", "prompt-not-learned", "A prompt has no stored answer, or was edited since.")
PROMPT_UNSTABLE = Code(
    "FS688", "prompt-unstable", "A prompt was answered in another way each time it was learned.", Severity.WARNING
)
UNANSWERED = Code("FS689", "probe-unanswered", "A prompt got no answer, so that nothing was learned.")

CODES = (
    STORED_UNREADABLE,
    ANSWERS_NEWER,
    ANSWERS_OLDER,
    ANSWERS_SHAPE,
    ANSWERS_HASH,
    ANSWERS_MISSING,
    ANSWERS_OTHER_MODEL,
    PROMPT_UNKNOWN,
    PROMPT_UNSTABLE,
    UNANSWERED,
)
