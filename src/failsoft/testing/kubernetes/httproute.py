"""The CustomResourceDefinition of Gateway API's HTTPRoute, cut down to what shifting traffic needs."""

from typing import Any

__all__ = ["HTTP_ROUTE_CRD"]

_OPEN: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

HTTP_ROUTE_CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "httproutes.gateway.networking.k8s.io",
        # The API server refuses definitions in *.k8s.io that do not say who approved them.
        "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/3328"},
    },
    "spec": {
        "group": "gateway.networking.k8s.io",
        "names": {"plural": "httproutes", "singular": "httproute", "kind": "HTTPRoute", "listKind": "HTTPRouteList"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _OPEN, "status": _OPEN}}},
            }
        ],
    },
}
"""Served by both the fake and a real control plane; a cluster with Gateway API installed has the full one."""
