"""A simulated vLLM server: continuous batching in real seconds, without a model and without a GPU."""

from failsoft.lab.engine.model import Capacity, Finished, Rejection, Request, Step, Timeline, Token
from failsoft.lab.engine.scheduler import Scheduler

__all__ = ["Capacity", "Finished", "Rejection", "Request", "Scheduler", "Step", "Timeline", "Token"]
