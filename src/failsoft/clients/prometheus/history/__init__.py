"""Range queries of any length: in chunks that a server can bear, with pauses, and kept so that a run can go on."""

from failsoft.clients.prometheus.history.chunks import Chunk, Question, chunks_of
from failsoft.clients.prometheus.history.reader import Answered, Progress, Reader
from failsoft.clients.prometheus.history.store import Store

__all__ = ["Answered", "Chunk", "Progress", "Question", "Reader", "Store", "chunks_of"]
