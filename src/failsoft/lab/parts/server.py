"""What Prometheus and Alertmanager have in common: a configuration file, `/-/ready`, `/-/reload` and a process."""

from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

from failsoft.errors import RefusedError, UnavailableError
from failsoft.lab.parts.process import Process, answers_http

__all__ = ["Server", "config_file"]


@dataclass(slots=True, eq=False)
class Server:
    """A running Prometheus or Alertmanager. As a context manager it starts on entry and is stopped on exit.

    Attributes:
        port: the port of 127.0.0.1 it listens on.
        config: its configuration file.
        data: the folder it keeps its data in.
        process: the process.
    """

    port: int
    config: Path
    data: Path
    process: Process = field(repr=False)

    @property
    def url(self) -> str:
        """Where it answers, such as `http://127.0.0.1:20443`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout: float = 30.0) -> None:
        """Starts it and waits until it is ready.

        Raises:
            MissingPartError: it does not start here.
            PermanentError: it ended at its start, as it does on a configuration it refuses.
            UnavailableError: it was not ready within `timeout` seconds.
        """
        self.process.start()
        try:
            self.process.wait_ready(answers_http(self.port, "/-/ready"), timeout=timeout)
        except BaseException:
            self.process.kill()
            raise

    def reload(self, config: str | None = None) -> None:
        """Has it read its configuration, rule files included, again.

        Args:
            config: the new text of the configuration file; it stays as it is by default.

        Raises:
            RefusedError: it refused the configuration and goes on with the one it had.
            UnavailableError: it did not answer.
        """
        if config is not None:
            self.config.write_text(config, "utf-8")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30.0)
        try:
            connection.request("POST", "/-/reload")
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace").strip()
        except (OSError, HTTPException) as error:
            raise UnavailableError(f"{self.url} did not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise RefusedError(text)

    def stop(self, grace: float = 10.0) -> None:
        """Stops it; nothing happens when it was stopped before."""
        self.process.stop(grace)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def config_file(workdir: Path, name: str, config: str | Path) -> Path:
    """The configuration as a file: the one given, or a new one in `workdir` with the text given."""
    if isinstance(config, Path):
        return config
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / name).write_text(config, "utf-8")
    return workdir / name
