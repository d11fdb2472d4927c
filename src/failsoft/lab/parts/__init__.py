"""The lab's real parts: other people's servers, started on this machine and ended without a trace."""

from failsoft.lab.parts.leftovers import reap_leftovers
from failsoft.lab.parts.process import Process, answers_http, free_port, listens

__all__ = ["Process", "answers_http", "free_port", "listens", "reap_leftovers"]
