"""A real Prometheus on this machine, from 2.42 to the newest."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from failsoft.clients.binaries import find
from failsoft.lab.parts.process import Process, free_port
from failsoft.lab.parts.server import Server, config_file

__all__ = ["prometheus_server"]


def prometheus_server(
    workdir: Path,
    config: str | Path,
    *,
    flags: Mapping[str, str] = MappingProxyType({}),
    binary: Path | None = None,
    registry: Path | None = None,
) -> Server:
    """A Prometheus, described but not started.

    It keeps its data in `workdir/prometheus-data` for 15 days, where blocks may be put before it starts, repeats a
    firing alert to Alertmanager every second (its own default of a minute is too slow for compressed time), and can be
    reloaded. Each of these can be changed by `flags`.

    Args:
        workdir: the folder for its configuration, data and log.
        config: the text of its configuration, or a file; rule files are found relative to it.
        flags: further flags by name, such as `{"storage.tsdb.retention.time": "2h"}`; an empty value is none.
        binary: the program; the one that `find` finds by default.
        registry: see `Process`.

    Raises:
        MissingPartError: there is no Prometheus on this machine.
    """
    port = free_port()
    data = workdir / "prometheus-data"
    path = config_file(workdir, "prometheus.yml", config)
    valued = {
        "config.file": str(path),
        "storage.tsdb.path": str(data),
        "storage.tsdb.retention.time": "15d",
        "web.listen-address": f"127.0.0.1:{port}",
        "rules.alert.resend-delay": "1s",
        **flags,
    }
    program = binary or find("prometheus")
    words = (f"--{name}={value}" if value else f"--{name}" for name, value in valued.items())
    argv = [str(program), "--web.enable-lifecycle", *words]
    process = Process(argv, workdir / "prometheus.log", registry=registry)
    return Server(port, path, data, process)
