"""The lab's kubelet: real processes for pods, on nodes that exist only in the API server."""

from failsoft.lab.kubelet.kubelet import Kubelet, write_targets
from failsoft.lab.kubelet.nodes import Node

__all__ = ["Kubelet", "Node", "write_targets"]
