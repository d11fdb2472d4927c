"""The board of the GPU fleet, from NVIDIA's dcgm-exporter 4 and kube-state-metrics 2.

The exporter calls its host `Hostname` or `hostname` and its pod `pod` or, where Prometheus does not honour labels,
`exported_pod`; queries go by `UUID` and `modelName`, which are the same everywhere.
"""

from failsoft.alerts.dashboards.panels import Board, Panel, Query, Variable

__all__ = ["GPU_FLEET"]

_GPU = '{modelName=~"$gpu"}'
_RESOURCE = '{resource=~"nvidia_com_(gpu|mig_.+)|amd_com_gpu"}'
_NAMED = "{{modelName}} {{gpu}} {{Hostname}}"
_HELD = (
    "("
    + " or ".join(f'DCGM_FI_DEV_GPU_UTIL{{modelName=~"$gpu", {label}!=""}}' for label in ("pod", "exported_pod"))
    + ")"
)
_IDLE = f"max_over_time(DCGM_FI_DEV_GPU_UTIL{_GPU}[1h]) < 1"

GPU_FLEET = Board(
    "failsoft-gpu",
    "failsoft: GPU fleet",
    (Variable("gpu", "DCGM_FI_DEV_GPU_UTIL", "modelName"),),
    (
        (
            "Now",
            (
                Panel("GPUs seen", "figure", "count", (Query(f"count(DCGM_FI_DEV_GPU_UTIL{_GPU})"),), width=6),
                Panel(
                    "Allocatable, not requested",
                    "figure",
                    "count",
                    (
                        Query(
                            f"sum(kube_node_status_allocatable{_RESOURCE})"
                            f" - (sum(kube_pod_container_resource_requests{_RESOURCE}"
                            " * on(namespace, pod) group_left() max by (namespace, pod)"
                            ' (kube_pod_status_phase{phase=~"Pending|Running"} == 1)) or vector(0))'
                        ),
                    ),
                    "Below 0 more is wanted than there is. Claims of dynamic resource allocation do not appear here.",
                    ((-1e9, "bad"), (0.0, "good")),
                    6,
                ),
                Panel(
                    "Held and idle for an hour",
                    "figure",
                    "count",
                    (Query(f"count({_HELD} and on(UUID) {_IDLE}) or vector(0)"),),
                    "GPUs that a pod holds and that did nothing. The GPU's own utilization, from 0 to 100.",
                    ((0.0, "good"), (1.0, "warning")),
                    6,
                ),
                Panel(
                    "GPUs with an XID",
                    "figure",
                    "count",
                    (Query(f"count(DCGM_FI_DEV_XID_ERRORS{_GPU} > 0) or vector(0)"),),
                    "The last XID of each GPU stays until the driver is reset: old news is among them.",
                    ((0.0, "good"), (1.0, "bad")),
                    6,
                ),
            ),
        ),
        (
            "Use",
            (
                Panel(
                    "Utilization",
                    "lines",
                    "share",
                    (Query(f"DCGM_FI_DEV_GPU_UTIL{_GPU} / 100", _NAMED),),
                    "The share of time in which at least one kernel ran; it says nothing about how full the GPU was.",
                ),
                Panel(
                    "Memory used",
                    "lines",
                    "share",
                    (
                        Query(
                            f"DCGM_FI_DEV_FB_USED{_GPU} / (DCGM_FI_DEV_FB_USED{_GPU} + DCGM_FI_DEV_FB_FREE{_GPU})",
                            _NAMED,
                        ),
                    ),
                    "Serving engines take most of the memory at start; a share that grows later is a leak.",
                ),
                Panel("Temperature", "lines", "celsius", (Query(f"DCGM_FI_DEV_GPU_TEMP{_GPU}", _NAMED),)),
                Panel("Power", "lines", "watts", (Query(f"DCGM_FI_DEV_POWER_USAGE{_GPU}", _NAMED),)),
            ),
        ),
        (
            "Scheduling",
            (
                Panel(
                    "Allocatable and requested",
                    "lines",
                    "count",
                    (
                        Query(
                            f"sum by (resource) (kube_node_status_allocatable{_RESOURCE})", "{{resource}} allocatable"
                        ),
                        Query(
                            f"sum by (resource) (kube_pod_container_resource_requests{_RESOURCE})",
                            "{{resource}} requested",
                        ),
                    ),
                    "A step down of the allocatable is a node or a device that is gone.",
                ),
                Panel(
                    "Pods that wait for a GPU",
                    "lines",
                    "count",
                    (
                        Query(
                            'sum by (namespace) ((kube_pod_status_phase{phase="Pending"} == 1) and on(namespace, pod)'
                            f" (kube_pod_container_resource_requests{_RESOURCE} > 0))",
                            "{{namespace}}",
                        ),
                    ),
                ),
                Panel(
                    "Last XID of each GPU",
                    "table",
                    "plain",
                    (Query(f"DCGM_FI_DEV_XID_ERRORS{_GPU} > 0", _NAMED),),
                    "NVIDIA's list of XIDs says what each one means; failsoft's alerts say what to do.",
                    width=24,
                ),
            ),
        ),
    ),
)
