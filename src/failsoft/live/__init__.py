"""A workspace against the Prometheus that shall measure it: what is asked, and the checks that judge the answers."""

from failsoft.live.checks import CHECKS, judge
from failsoft.live.gather import gather
from failsoft.live.subject import subject_of

__all__ = ["CHECKS", "gather", "judge", "subject_of"]
