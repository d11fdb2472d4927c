"""An endpoint that answers as OpenAI's API does: asked one question at a time, bounded in time and size."""

from failsoft.clients.inference.openai import OpenAiEndpoint
from failsoft.clients.inference.port import Completed, Inference, Question

__all__ = ["Completed", "Inference", "OpenAiEndpoint", "Question"]
