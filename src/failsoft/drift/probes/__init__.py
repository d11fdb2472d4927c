"""Golden prompts: stored answers, and how far an answer of today is from them."""

from failsoft.drift.probes import codes
from failsoft.drift.probes.compare import Compared, Tolerances, compare
from failsoft.drift.probes.golden import Golden, GoldenAnswers, prompt_hash

__all__ = ["Compared", "Golden", "GoldenAnswers", "Tolerances", "codes", "compare", "prompt_hash"]
