"""A Kubernetes API server to test against: real HTTP, real semantics, no containers."""

from failsoft.testing.kubernetes.controllers import Pace
from failsoft.testing.kubernetes.faults import Denial, Fault, Request
from failsoft.testing.kubernetes.httproute import HTTP_ROUTE_CRD
from failsoft.testing.kubernetes.kubeconfig import write_kubeconfig
from failsoft.testing.kubernetes.kubelet import FakeKubelet
from failsoft.testing.kubernetes.objects import deployment, disruption_budget, namespace, node
from failsoft.testing.kubernetes.server import FakeKubernetes

__all__ = [
    "HTTP_ROUTE_CRD",
    "Denial",
    "FakeKubelet",
    "FakeKubernetes",
    "Fault",
    "Pace",
    "Request",
    "deployment",
    "disruption_budget",
    "namespace",
    "node",
    "write_kubeconfig",
]
