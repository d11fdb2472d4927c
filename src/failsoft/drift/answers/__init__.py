"""Health of a model's answers without labels: is there one, is it a refusal, a loop, garbage, the JSON asked for.

What is kept of an answer is a row of numbers and of yes and no; never its text.
"""

from failsoft.drift.answers import codes
from failsoft.drift.answers.answer import CHECKS, Answer, Examined, Expected, examine
from failsoft.drift.answers.counter import AnswerCounter
from failsoft.drift.answers.freshness import Freshness
from failsoft.drift.answers.log import Fields, read_line
from failsoft.drift.answers.tally import Limited, Tally, interval, watch_limits

__all__ = [
    "CHECKS",
    "Answer",
    "AnswerCounter",
    "Examined",
    "Expected",
    "Fields",
    "Freshness",
    "Limited",
    "Tally",
    "codes",
    "examine",
    "interval",
    "read_line",
    "watch_limits",
]
