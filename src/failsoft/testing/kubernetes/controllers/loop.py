"""The loop that runs all controllers after each change until none of them changes anything."""

import asyncio
import contextlib
from dataclasses import dataclass

from failsoft.testing.kubernetes.apiserver import ApiServer
from failsoft.testing.kubernetes.controllers.budgets import reconcile_budgets
from failsoft.testing.kubernetes.controllers.collection import PodCollector, collect_garbage, finish_namespaces
from failsoft.testing.kubernetes.controllers.deployments import reconcile_deployments
from failsoft.testing.kubernetes.controllers.nodes import TaintEviction, reconcile_nodes
from failsoft.testing.kubernetes.controllers.replicasets import reconcile_replica_sets
from failsoft.testing.kubernetes.controllers.scheduler import schedule

__all__ = ["Controllers", "Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the fake's controllers wait where real ones do.

    Attributes:
        pod_gc_s: seconds until the pods of a deleted Node are taken out. Measured on a real one: about 49.
    """

    pod_gc_s: float = 40.0


class Controllers:
    """All controllers; the API server does not know them."""

    def __init__(self, api: ApiServer, pace: Pace) -> None:
        self._api = api
        self._evictions = TaintEviction()
        self._pods = PodCollector(pace.pod_gc_s)

    async def run(self) -> None:
        """Run until cancelled."""
        store = self._api.store
        while True:
            seen = store.revision
            due_s = self.step()
            if store.revision != seen:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(store.wait(seen), due_s)

    def step(self) -> float | None:
        """One pass of everything. Returns in how many seconds something is due without a change; None for never."""
        api = self._api
        finish_namespaces(api)
        collect_garbage(api)
        reconcile_nodes(api)
        reconcile_deployments(api)
        reconcile_replica_sets(api)
        due = [self._evictions.step(api), self._pods.step(api)]
        schedule(api)
        reconcile_budgets(api)
        return min((seconds for seconds in due if seconds is not None), default=None)
