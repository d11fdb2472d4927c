"""The simulated engine's `/metrics`: families, labels and bounds of vLLM 0.32.0, for what the simulation knows.

Left out is what it has no counterpart for: the prefix, external and multi-modal caches, FLOP estimates, and the
configuration of the cache.
"""

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    Summary,
    generate_latest,
)

from failsoft.lab.engine.model import Finished, Step
from failsoft.lab.engine.scheduler import Scheduler

__all__ = ["EngineMetrics", "HttpMetrics", "new_registry", "token_bounds"]

_TTFT = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160),
    *(640, 2560),
)
_INTER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80)
_LATENCY = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680)
_ITERATION = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_PREEMPTIONS = (1, 2, 3, 4, 5, 10, 20)
_PARAMS_N = (1, 2, 5, 10, 20)
_HTTP_HIGHR = (*(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60),)
_HTTP = (0.1, 0.5, 1)


def new_registry() -> CollectorRegistry:
    """A registry with the Python client's own families about the process, as vLLM's has them."""
    registry = CollectorRegistry()
    GCCollector(registry=registry)
    PlatformCollector(registry=registry)
    ProcessCollector(registry=registry)
    return registry


def token_bounds(max_model_len: int) -> tuple[int, ...]:
    """The 1-2-5 series up to the longest sequence, as vLLM builds it.

    >>> token_bounds(2048)
    (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
    """
    series = (digit * 10**exponent for exponent in range(len(str(max_model_len))) for digit in (1, 2, 5))
    return tuple(bound for bound in series if bound <= max_model_len)


class EngineMetrics:
    """The `vllm:` families; fed with every step of the engine."""

    def __init__(self, registry: CollectorRegistry, model: str, scheduler: Scheduler) -> None:
        self._registry = registry
        self._model = model
        self._scheduler = scheduler
        self._preemptions_seen = 0
        tokens = token_bounds(scheduler.capacity.max_model_len)
        self._gauges()
        counter, histogram = self._counter, self._histogram
        self._preemptions = counter("num_preemptions", "Cumulative number of preemption from the engine.")
        self._prompt_tokens = counter("prompt_tokens", "Number of prefill tokens processed.")
        self._prompt_by_source = self._by(
            Counter,
            "prompt_tokens_by_source",
            "Number of prompt tokens by source.",
            "source",
            ("local_compute", "local_cache_hit", "external_kv_transfer"),
        )
        self._generation_tokens = counter("generation_tokens", "Number of generation tokens processed.")
        self._success = self._by(
            Counter,
            "request_success",
            "Count of successfully processed requests.",
            "finished_reason",
            ("stop", "length", "abort", "error", "repetition"),
        )
        self._rejections = Counter(
            "vllm:admission_rejections",
            "Number of admission attempts rejected by a queue limit, by reason.",
            ["model_name", "reason"],
            registry=registry,
        )
        for reason in ("max_num_queued_reqs", "max_num_queued_tokens"):
            self._rejections.labels(model, reason)
        self._request_prompt = histogram("request_prompt_tokens", "Number of prefill tokens processed.", tokens)
        self._request_generation = histogram(
            "request_generation_tokens", "Number of generation tokens processed.", tokens
        )
        self._iteration = histogram(
            "iteration_tokens_total", "Histogram of number of tokens per engine_step.", _ITERATION
        )
        self._max_generation = histogram(
            "request_max_num_generation_tokens",
            "Histogram of maximum number of requested generation tokens.",
            tokens,
        )
        self._params_n = histogram("request_params_n", "Histogram of the n request parameter.", _PARAMS_N)
        self._params_max_tokens = histogram(
            "request_params_max_tokens", "Histogram of the max_tokens request parameter.", tokens
        )
        self._ttft = histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.", _TTFT)
        self._itl = histogram(
            "inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", _INTER_TOKEN
        )
        self._tpot = histogram(
            "request_time_per_output_token_seconds",
            "Histogram of time_per_output_token_seconds per request.",
            _INTER_TOKEN,
        )
        self._e2e = histogram("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", _LATENCY)
        self._queue = self._phase("queue", "WAITING")
        self._inference = self._phase("inference", "RUNNING")
        self._prefill = self._phase("prefill", "PREFILL")
        self._decode = self._phase("decode", "DECODE")
        self._request_preemptions = histogram(
            "request_num_preemptions", "Histogram of the number of times a request was preempted.", _PREEMPTIONS
        )
        self._kv_computed = histogram(
            "request_prefill_kv_computed_tokens",
            "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
            tokens,
        )

    def step(self, step: Step) -> None:
        """Count what a step yielded."""
        self._iteration.observe(step.computed_tokens)
        if more := self._scheduler.preemptions - self._preemptions_seen:
            self._preemptions.inc(more)
            self._preemptions_seen = self._scheduler.preemptions
        self._generation_tokens.inc(len(step.tokens))
        for token in step.tokens:
            if token.position == 1:
                self._ttft.observe(token.since_previous)
                self._prompt_tokens.inc(token.request.prompt_tokens)
                self._prompt_by_source["local_compute"].inc(token.request.prompt_tokens)
            else:
                self._itl.observe(token.since_previous)
            if token.finished is not None:
                self._finish(token.finished)

    def rejected(self, reason: str) -> None:
        """Count a request that admission control refused."""
        self._rejections.labels(self._model, reason).inc()

    def _finish(self, finished: Finished) -> None:
        request, timeline = finished.request, finished.timeline
        generated = request.output_tokens
        self._success[request.finish_reason].inc()
        self._request_prompt.observe(request.prompt_tokens)
        self._kv_computed.observe(request.prompt_tokens)
        self._request_generation.observe(generated)
        self._max_generation.observe(generated)
        self._params_n.observe(1)
        self._params_max_tokens.observe(request.max_tokens)
        # With one token there is no gap, and vLLM observes 0.
        self._tpot.observe(timeline.decode / (generated - 1) if generated > 1 else 0)
        self._e2e.observe(timeline.e2e)
        self._queue.observe(timeline.queue)
        self._inference.observe(timeline.inference)
        self._prefill.observe(timeline.prefill)
        self._decode.observe(timeline.decode)
        self._request_preemptions.observe(finished.preemptions)

    def _gauges(self) -> None:
        scheduler, gauge = self._scheduler, self._gauge
        gauge("num_requests_running", "Number of requests in model execution batches.").set_function(
            lambda: scheduler.running
        )
        gauge("num_requests_waiting", "Number of requests waiting to be processed.").set_function(
            lambda: scheduler.waiting
        )
        self._by(
            Gauge,
            "num_requests_waiting_by_reason",
            "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; "
            "'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). "
            "Sum of all reasons equals vllm:num_requests_waiting.",
            "reason",
            ("capacity", "deferred"),
        )["capacity"].set_function(lambda: scheduler.waiting)
        self._by(
            Gauge,
            "engine_sleep_state",
            "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; "
            "weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2.",
            "sleep_state",
            ("awake", "weights_offloaded", "discard_all"),
        )["awake"].set(1)
        gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.").set_function(
            lambda: scheduler.kv_usage
        )

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"vllm:{name}", text, ["model_name", "engine"], registry=self._registry).labels(self._model, "0")

    def _counter(self, name: str, text: str) -> Counter:
        family = Counter(f"vllm:{name}", text, ["model_name", "engine"], registry=self._registry)
        return family.labels(self._model, "0")

    def _histogram(self, name: str, text: str, bounds: Sequence[float]) -> Histogram:
        family = Histogram(f"vllm:{name}", text, ["model_name", "engine"], buckets=bounds, registry=self._registry)
        return family.labels(self._model, "0")

    def _phase(self, name: str, phase: str) -> Histogram:
        text = f"Histogram of time spent in {phase} phase for request."
        return self._histogram(f"request_{name}_time_seconds", text, _LATENCY)

    def _by[Metric: (Counter, Gauge)](
        self, kind: type[Metric], name: str, text: str, label: str, values: Sequence[str]
    ) -> dict[str, Metric]:
        family = kind(f"vllm:{name}", text, ["model_name", "engine", label], registry=self._registry)
        return {value: family.labels(self._model, "0", value) for value in values}


class HttpMetrics:
    """The `http_` families of prometheus-fastapi-instrumentator 8.1, with vLLM's settings: status as 2xx, 4xx, 5xx."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._requests = Counter(
            "http_requests",
            "Total number of requests by method, status and handler.",
            ["method", "status", "handler"],
            registry=registry,
        )
        self._request_size = Summary(
            "http_request_size_bytes",
            "Content length of incoming requests by handler. "
            "Only value of header is respected. Otherwise ignored. No percentile calculated. ",
            ["handler"],
            registry=registry,
        )
        self._response_size = Summary(
            "http_response_size_bytes",
            "Content length of outgoing responses by handler. "
            "Only value of header is respected. Otherwise ignored. No percentile calculated. ",
            ["handler"],
            registry=registry,
        )
        self._highr = Histogram(
            "http_request_duration_highr_seconds",
            "Latency with many buckets but no API specific labels. Made for more accurate percentile calculations. ",
            buckets=_HTTP_HIGHR,
            registry=registry,
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Latency with only few buckets by handler. Made to be only used if aggregation by handler is important. ",
            ["method", "handler"],
            buckets=_HTTP,
            registry=registry,
        )

    def observe(  # noqa: PLR0913 (what an access log line has)
        self, *, method: str, handler: str, status: int, seconds: float, request_bytes: int, response_bytes: int
    ) -> None:
        """Count a request when its response has ended, streams included."""
        self._requests.labels(method, f"{status // 100}xx", handler).inc()
        self._request_size.labels(handler).observe(request_bytes)
        self._response_size.labels(handler).observe(response_bytes)
        self._highr.observe(seconds)
        self._duration.labels(method, handler).observe(seconds)

    def render(self) -> bytes:
        """The registry as text, with the `_created` gauges that the Python client adds to the text format."""
        return generate_latest(self._registry)
