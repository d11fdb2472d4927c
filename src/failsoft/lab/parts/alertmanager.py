"""A real Alertmanager on this machine, alone in its cluster."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from failsoft.clients.binaries import find
from failsoft.lab.parts.process import Process, free_port
from failsoft.lab.parts.server import Server, config_file

__all__ = ["alertmanager_server"]


def alertmanager_server(
    workdir: Path,
    config: str | Path,
    *,
    flags: Mapping[str, str] = MappingProxyType({}),
    binary: Path | None = None,
    registry: Path | None = None,
) -> Server:
    """An Alertmanager, described but not started.

    Args:
        workdir: the folder for its configuration, data and log.
        config: the text of its configuration, or a file.
        flags: further flags by name, such as `{"data.retention": "2h"}`.
        binary: the program; the one that `find` finds by default.
        registry: see `Process`.

    Raises:
        MissingPartError: there is no Alertmanager on this machine.
    """
    port = free_port()
    data = workdir.absolute() / "alertmanager-data"
    path = config_file(workdir, "alertmanager.yml", config).absolute()
    valued = {
        "config.file": str(path),
        "storage.path": str(data),
        "web.listen-address": f"127.0.0.1:{port}",
        "cluster.listen-address": "",
        **flags,
    }
    program = (binary or find("alertmanager")).absolute()
    argv = [str(program), *(f"--{name}={value}" for name, value in valued.items())]
    # Debian's, unpacked and not installed, reads its templates from the folder it is started in: see tools/parts.py.
    templates = program.resolve().parent.parent / "share" / "prometheus" / "alertmanager"
    cwd = templates if templates.is_dir() else None
    process = Process(argv, workdir / "alertmanager.log", registry=registry, cwd=cwd)
    return Server(port, path, data, process)
