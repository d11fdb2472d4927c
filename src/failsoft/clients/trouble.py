"""Why a server cannot be reached, in words that tell where to look, whichever library asked it."""

from collections.abc import Iterator
from http.client import IncompleteRead
from socket import gaierror

__all__ = ["broke_off", "unreached"]


def unreached(error: BaseException) -> str:
    """What stood in the way; never the error's own text, which may quote an address with a password in it.

    >>> unreached(ConnectionRefusedError(111, "Connection refused"))
    'cannot be reached: it refused the connection'
    >>> unreached(EOFError("http://ana:secret@host/"))
    'cannot be reached, or sent no whole answer (EOFError)'
    """
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "cannot be reached: it refused the connection"
    if any(isinstance(cause, gaierror) for cause in causes):
        return "cannot be reached: nobody knows its name"
    return f"cannot be reached, or sent no whole answer ({type(error).__name__})"


def broke_off(error: BaseException) -> bool:
    """Whether somebody took the question and went away before the answer was whole.

    >>> broke_off(ConnectionResetError(104, "Connection reset by peer"))
    True
    >>> broke_off(ConnectionRefusedError(111, "Connection refused"))
    False
    """
    return any(isinstance(cause, ConnectionResetError | IncompleteRead) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
