"""A Kubernetes cluster, behind one small interface."""

from failsoft.clients.kubernetes.api import ApiCluster, connect
from failsoft.clients.kubernetes.port import KINDS, Cluster, Json, Kind, Ref, WatchEvent

__all__ = ["KINDS", "ApiCluster", "Cluster", "Json", "Kind", "Ref", "WatchEvent", "connect"]
