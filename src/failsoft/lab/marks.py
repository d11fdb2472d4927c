"""What the lab's kubelet and gateway write on pods for each other, since everything lives on 127.0.0.1."""

__all__ = ["JOB", "MODEL", "PORT"]

PORT = "failsoft.dev/lab-port"
"""Annotation: the port on 127.0.0.1 that the pod's process listens on; written by the kubelet."""

MODEL = "failsoft.dev/lab-model"
"""Annotation: the model that the pod serves; written by the kubelet, from the container's arguments."""

JOB = "failsoft.dev/lab-job"
"""Annotation on the pod template: the `job` label of the pod's series; its label `app` without it."""
