"""The gateway's `/metrics`: the `gen_ai_server_` families of Envoy AI Gateway 1.1, and counts by backend and status."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

__all__ = ["GatewayMetrics"]

_DURATION = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TTFT = (*(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60),)
_LABELS = (
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_original_model",
    "gen_ai_request_model",
    "gen_ai_response_model",
)


class GatewayMetrics:
    """Fed once for each request, when it has ended."""

    def __init__(self, route: str) -> None:
        self._registry = CollectorRegistry()
        self._route = route
        self._duration = Histogram(
            "gen_ai_server_request_duration_seconds",
            "Time from the request to the end of the answer; error_type is _OTHER for failed ones.",
            [*_LABELS, "error_type"],
            buckets=_DURATION,
            registry=self._registry,
        )
        self._ttft = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "Time from the request to the first bytes of a streamed answer.",
            _LABELS,
            buckets=_TTFT,
            registry=self._registry,
        )
        self._requests = Counter(
            "failsoft_lab_gateway_requests",
            "Requests by backend and by the status that the client was sent.",
            ["route", "backend", "code"],
            registry=self._registry,
        )
        self._retries = Counter(
            "failsoft_lab_gateway_retries",
            "Requests tried again on another pod, by what the first pod did.",
            ["route", "backend", "reason"],
            registry=self._registry,
        )

    def ended(  # noqa: PLR0913 (what an access log line has)
        self, backend: str, status: int, *, asked: str, sent: str, seconds: float, broken: bool
    ) -> None:
        """Count a request; `asked` and `sent` are the model before and after a fallback, `broken` an aborted stream."""
        self._requests.labels(self._route, backend, str(status)).inc()
        failed = broken or status >= 500  # noqa: PLR2004 (HTTP: a server error)
        self._duration.labels(*self._names(asked, sent), "_OTHER" if failed else "").observe(seconds)

    def first_bytes(self, *, asked: str, sent: str, seconds: float) -> None:
        """Observe the TTFT as a client sees it."""
        self._ttft.labels(*self._names(asked, sent)).observe(seconds)

    def retried(self, backend: str, reason: str) -> None:
        """Count a retry; `reason` is `no connection` or a status."""
        self._retries.labels(self._route, backend, reason).inc()

    def render(self) -> bytes:
        """The text format."""
        return generate_latest(self._registry)

    @staticmethod
    def _names(asked: str, sent: str) -> tuple[str, ...]:
        return ("text_completion", "openai", asked, sent, sent)
