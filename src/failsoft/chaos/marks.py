"""The names by which chaos marks what is its own on a cluster."""

from collections.abc import Mapping

__all__ = [
    "ENABLED",
    "LEASE",
    "MANAGED_BY",
    "OPT_IN",
    "RECLAIM_TAINT",
    "RUN",
    "SPOT_LABELS",
    "TERMINATION_TAINTS",
    "record_name",
]

OPT_IN = "failsoft.dev/chaos"
"""The annotation by which a namespace, or a node that is no spot node, is opened to experiments."""

ENABLED = "enabled"
"""The one value of `OPT_IN` that opens; any other, set at any time, stops what runs."""

RUN = "failsoft.dev/chaos-run"
"""The label of an undo record, and the annotation of a node that the run of that name cordoned."""

MANAGED_BY = "app.kubernetes.io/managed-by"

LEASE = "failsoft-chaos"
"""The Lease in the workload's namespace that one run at a time holds."""

RECLAIM_TAINT = "aws-node-termination-handler/spot-itn"
"""The taint of AWS Node Termination Handler on a spot interruption notice.

Source: `SpotInterruptionTaint` in its `pkg/node/node.go`; the effect is NoSchedule, the value the event id, which
`pkg/monitor/spotitn` makes as `spot-itn-` and a SHA-256 in hex, cut at 63 characters.
"""

TERMINATION_TAINTS = (
    RECLAIM_TAINT,
    "aws-node-termination-handler/scheduled-maintenance",
    "aws-node-termination-handler/asg-lifecycle-termination",
    "karpenter.sh/disrupted",
    "node.kubernetes.io/out-of-service",
    "cloud.google.com/impending-node-termination",
)
"""Taints of a node that is already being taken away, by whoever."""

SPOT_LABELS: Mapping[str, str] = {
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "node.kubernetes.io/lifecycle": "spot",
}
"""Labels by which Karpenter, EKS node groups and hand-made groups say that a node is a spot node."""


def record_name(run: str) -> str:
    """The name of the ConfigMap that holds the undo record of a run."""
    return f"failsoft-chaos-{run}"
