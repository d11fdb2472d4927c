"""The undo records on the cluster: written before the first change, read before every other, deleted after the undo."""

from collections.abc import Iterable

from failsoft.chaos.clock import Clock, SystemClock
from failsoft.chaos.lock import holder
from failsoft.chaos.marks import MANAGED_BY, RUN, record_name
from failsoft.chaos.record import Record
from failsoft.clients.kubernetes import Cluster, Json, Ref
from failsoft.errors import ConflictError, NotFoundError, PermanentError, RefusedError

__all__ = ["Ledger", "experimenter", "read_all"]


class Ledger:
    """The undo records of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    def _ref(self, run: str) -> Ref:
        return Ref("ConfigMap", record_name(run), self._namespace)

    def write(self, record: Record) -> Record:
        """Put the record on the cluster. One of the same run that is there already is kept and returned."""
        try:
            self._cluster.create(record.config_map())
        except ConflictError:
            return self.read(record.run)
        return record

    def read(self, run: str) -> Record:
        """The record of a run. Raises `RefusedError` when there is none: nothing may be changed without."""
        try:
            return Record.of(self._cluster.get(self._ref(run)))
        except NotFoundError as error:
            raise RefusedError(
                f"the run {run} has no undo record on the cluster: it was undone, or never began"
            ) from error

    def fence(self, run: str) -> Record:
        """The record of a run that may go on. Raises `RefusedError` when it was undone or told to stop."""
        record = self.read(run)
        if record.stop:
            raise RefusedError(f"the run {run} was told to stop: {record.stop}")
        return record

    def stop(self, run: str, why: str) -> None:
        """Tell a run to stop, whichever process drives it. Nothing happens when it has no record."""
        try:
            config_map = self._cluster.get(self._ref(run))
            self._cluster.json_patch(self._ref(run), Record.stopping(config_map, why))
        except NotFoundError:
            return

    def close(self, run: str) -> None:
        """Delete the record: everything was undone."""
        try:
            self._cluster.delete(self._ref(run))
        except NotFoundError:
            return


def read_all(cluster: Cluster, namespaces: Iterable[str]) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """All records of some namespaces, and what is wrong with those that cannot be read."""
    records: list[Record] = []
    problems: list[str] = []
    for namespace in sorted(set(namespaces)):
        for config_map in cluster.list("ConfigMap", namespace=namespace, labels=f"{MANAGED_BY}=failsoft,{RUN}"):
            _sort_in(config_map, records, problems)
    return tuple(records), tuple(problems)


def _sort_in(config_map: Json, records: list[Record], problems: list[str]) -> None:
    try:
        records.append(Record.of(config_map))
    except PermanentError as error:
        problems.append(str(error))


def experimenter(cluster: Cluster, namespaces: Iterable[str], model: str, *, clock: Clock | None = None) -> str | None:
    """The requester of the run on a model, from its fault to the end of its observation; None where there is none.

    That person does not approve the answer to it.

    Raises `UnavailableError` or `RefusedError` when the cluster does not say.
    """
    spaces = sorted(set(namespaces))
    records, _ = read_all(cluster, spaces)
    for record in records:
        if record.model == model:
            return record.requester
    now = (clock or SystemClock()).now()
    for namespace in spaces:
        # The record goes with the undo; the lock is held as long as the run watches the service recover.
        found = holder(cluster, namespace)
        if found.alive(now) and found.model == model:
            return found.requester
    return None
