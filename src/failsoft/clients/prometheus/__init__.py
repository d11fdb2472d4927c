"""A Prometheus, behind one small interface."""

from failsoft.clients.prometheus.client import PrometheusClient
from failsoft.clients.prometheus.port import Prometheus, Sample, Series

__all__ = ["Prometheus", "PrometheusClient", "Sample", "Series"]
