"""A server that answers exactly what a test tells it to, on a plain socket."""

import contextlib
import socket
import threading
import time

import pytest


class Hostile:
    """Answers each connection with given bytes, those in `first` one by one, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.answer, self.first = b"", []
        self.drip = 0.0
        self.hang = self.endless = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def says(self, body, status="200 OK", headers=(), length=None, *, once=False):
        body = body if isinstance(body, bytes) else body.encode()
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
        head += ["Connection: close", *headers]
        answer = ("\r\n".join(head) + "\r\n\r\n").encode() + body
        if once:
            self.first.append(answer)
        else:
            self.answer = answer

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._one, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _one(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            self.asked.append(request.decode())
            answer = self.first.pop(0) if self.first else self.answer
            if self.drip:
                head, body = answer.split(b"\r\n\r\n", 1)
                connection.sendall(head + b"\r\n\r\n")
                for byte in body:
                    connection.sendall(bytes([byte]))
                    if self._stop.wait(self.drip):
                        return
            else:
                connection.sendall(answer)
            while self.endless and not self._stop.is_set():
                connection.sendall(b"x" * 2**20)
            if self.hang:
                self._stop.wait(10)

    def close(self):
        self._stop.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def hostile():
    server = Hostile()
    yield server
    server.close()


@pytest.fixture
def took():
    started = time.monotonic()
    return lambda: time.monotonic() - started
