"""The codes of what can be wrong with logs of answers."""

from failsoft.findings import Code, Severity

__all__ = ["ANSWERS_TOO_BROKEN", "ANSWERS_UNCHECKED", "ANSWERS_UNREADABLE", "ANSWER_LINE", "CODES"]

ANSWERS_UNREADABLE = Code("FS670", "answers-unreadable", "A log of answers cannot be read.")
ANSWER_LINE = Code("FS671", "answer-line", "A line of a log holds no answer.", Severity.WARNING)
ANSWERS_TOO_BROKEN = Code("FS672", "answers-too-broken", "A log of which too many lines hold no answer.")
ANSWERS_UNCHECKED = Code("FS673", "answers-unchecked", "A limit for something that no answer could be checked for.")

CODES = (ANSWERS_UNREADABLE, ANSWER_LINE, ANSWERS_TOO_BROKEN, ANSWERS_UNCHECKED)
