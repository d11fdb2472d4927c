"""Counting the health of answers where they pass by: in a gateway or in the serving process, for Prometheus."""

import logging
import threading
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from failsoft.drift.answers.answer import Answer, Expected, examine

__all__ = ["OTHER", "AnswerCounter"]

_log = logging.getLogger(__name__)

OTHER = "other"
"""The route of whatever is beyond the cap."""

_CHARACTERS = (0, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_LOGPROBS = (-5.0, -3.0, -2.0, -1.5, -1.0, -0.7, -0.5, -0.3, -0.2, -0.1, -0.05, -0.02, 0.0)
_REASONS = frozenset(
    {"stop", "length", "tool_calls", "content_filter", "function_call", "abort", "error", "repetition"}
)


class AnswerCounter:
    """Counts answers and what is wrong with them. Nothing of a text is kept or exported, and nothing is ever raised.

    Safe for threads; in several processes as prometheus_client's multiprocess mode is. An answer of 1,000 characters
    costs about 0.1 ms (`python -m bench answers`).

    Args:
        model: the Model of the workspace, for the label `model`.
        expected: what is expected of its answers.
        registry: where the metrics are registered; one for each registry, else prometheus_client raises `ValueError`.
        routes: how many routes get a series of their own; the others are counted as `other`.

    >>> registry = CollectorRegistry()
    >>> counter = AnswerCounter("chat", registry=registry)
    >>> counter.observe(Answer("I can't help with that.", "stop"), route="support")
    >>> labels = {"model": "chat", "route": "support", "check": "refusal"}
    >>> registry.get_sample_value("failsoft_answers_flagged_total", labels)
    1.0
    """

    def __init__(
        self,
        model: str,
        *,
        expected: Expected = Expected(),  # noqa: B008  # frozen
        registry: CollectorRegistry = REGISTRY,
        routes: int = 20,
    ) -> None:
        self._model = model
        self._expected = expected
        self._most = routes
        self._routes: set[str] = set()
        self._lock = threading.Lock()
        each = ("model", "route")
        self._answers = Counter("failsoft_answers", "Answers.", each, registry=registry)
        self._checked = Counter("failsoft_answers_checked", "Answers looked at.", (*each, "check"), registry=registry)
        self._flagged = Counter("failsoft_answers_flagged", "Answers flagged.", (*each, "check"), registry=registry)
        self._finish = Counter("failsoft_answers_finished", "Answers by reason.", (*each, "reason"), registry=registry)
        self._length = Histogram(
            "failsoft_answer_characters", "Length of answers.", each, buckets=_CHARACTERS, registry=registry
        )
        self._logprob = Histogram(
            "failsoft_answer_mean_logprob",
            "Mean logarithm of the probability of a token.",
            each,
            buckets=_LOGPROBS,
            registry=registry,
        )
        self._errors = Counter(
            "failsoft_answer_errors", "Answers that could not be looked at.", ("model",), registry=registry
        )
        self._errors.labels(model)
        self._dropped = Counter(
            "failsoft_answer_routes_dropped", "Answers counted as of the route other.", ("model",), registry=registry
        )
        self._dropped.labels(model)

    def observe(self, answer: Answer, *, route: str = "") -> None:
        """Count one answer.

        Args:
            answer: all of it.
            route: a label of one's own, such as the tenant or the endpoint.
        """
        try:
            self._observe(answer, route)
        except Exception:  # noqa: BLE001  # whatever it is, the answer is served; the counter says that it happened
            _log.debug("an answer could not be looked at", exc_info=True)
            self._errors.labels(self._model).inc()

    def _observe(self, answer: Answer, route: str) -> None:
        found = examine(answer, self._expected)
        route = self._known(str(route))
        labels: tuple[Any, ...] = (self._model, route)
        self._answers.labels(*labels).inc()
        for check, flag in found.flags.items():
            if flag is not None:
                self._checked.labels(*labels, check).inc()
                # made even where it is 0: a share of something that is not there would be no share
                self._flagged.labels(*labels, check).inc(int(flag))
        self._length.labels(*labels).observe(found.characters)
        if answer.finish_reason:
            reason = answer.finish_reason if answer.finish_reason in _REASONS else OTHER
            self._finish.labels(*labels, reason).inc()
        if answer.mean_logprob is not None:
            self._logprob.labels(*labels).observe(answer.mean_logprob)

    def _known(self, route: str) -> str:
        with self._lock:
            if route in self._routes or route in {"", OTHER}:
                return route
            if len(self._routes) < self._most:
                self._routes.add(route)
                return route
        self._dropped.labels(self._model).inc()
        return OTHER
