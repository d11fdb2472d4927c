"""The lab's gateway: an HTTPRoute's weights, retries, and a model's fallback."""

from failsoft.lab.gateway.proxy import Gateway
from failsoft.lab.gateway.routing import Backend, Endpoint, RetryBudget, Table, build_table

__all__ = ["Backend", "Endpoint", "Gateway", "RetryBudget", "Table", "build_table"]
