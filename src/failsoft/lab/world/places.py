"""Where everything of one lab is: its folder, its files and its ports."""

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from failsoft.errors import UsageError
from failsoft.lab.parts.process import free_port

__all__ = ["Places", "state_folder"]


def state_folder() -> Path:
    """Where failsoft keeps what has to outlive a process: the XDG state folder, or one beside other temporary files."""
    named = os.environ.get("XDG_STATE_HOME", "")
    chosen = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    other = Path(tempfile.gettempdir()) / f"failsoft-{os.getuid()}"
    for folder in (chosen / "failsoft", other):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(folder, os.W_OK):
                return folder
    raise UsageError(f"neither {chosen} nor {other.parent} can be written: set XDG_STATE_HOME to a folder that can")


@dataclass(frozen=True, slots=True)
class Places:
    """The folder of a lab and what lies in it, and the ports of the servers that are told theirs."""

    root: Path
    kubernetes: int = field(default_factory=free_port)
    slack: int = field(default_factory=free_port)
    pager: int = field(default_factory=free_port)
    serve: int = field(default_factory=free_port)
    gateway: int = field(default_factory=free_port)

    @property
    def workspace(self) -> Path:
        """The example's workspace with compressed clocks."""
        return self.root / "workspace"

    @property
    def compiled(self) -> Path:
        """What `failsoft compile` wrote."""
        return self.root / "compiled"

    @property
    def secrets(self) -> Path:
        """The files that the workspace's secret references name."""
        return self.root / "secrets"

    @property
    def registry(self) -> Path:
        """Where running processes are written down: the same for all labs of a user, for the next one to clean up."""
        return state_folder() / "processes"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "logs"

    @property
    def kubeconfig(self) -> Path:
        """How to reach the lab's cluster."""
        return self.root / "kubeconfig"

    @property
    def targets(self) -> Path:
        """What Prometheus scrapes, written by the lab's kubelet."""
        return self.root / "targets.json"

    @property
    def evidence(self) -> Path:
        """The experiment's journal and reports."""
        return self.root / "evidence"
