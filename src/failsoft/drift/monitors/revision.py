"""Which revision of a model is served, by a label of a series; a window is judged where it holds one revision only."""

from collections.abc import Sequence
from dataclasses import dataclass

from failsoft.clients.prometheus.port import Sample, Series
from failsoft.drift.monitors.queries import matchers
from failsoft.workspace.kinds.drift import RevisionSeries
from failsoft.workspace.quantities import Duration

__all__ = ["Served", "now_query", "only", "seen", "window_query"]


@dataclass(frozen=True, slots=True)
class Served:
    """What was served.

    Attributes:
        now: the revisions that are served, by name; several during a rollout, none where nobody says.
        alone: whether each window, the shortest first, holds nothing but the one of `now`.
    """

    now: tuple[str, ...]
    alone: tuple[bool, ...] = ()

    @property
    def rollout(self) -> str:
        """Why not even the shortest window can be judged, in words; empty where it can."""
        if len(self.now) > 1:
            return f"{len(self.now)} revisions are served: {', '.join(self.now)}"
        if self.now and self.alone and not self.alone[0]:
            return f"the window holds rows of the revision before {self.now[0]}"
        return ""


def now_query(series: RevisionSeries) -> str:
    """The PromQL that counts, by revision, what is served at this moment."""
    return f"count by ({series.label}) ({series.metric}{matchers(series.select)})"


def window_query(series: RevisionSeries, window: Duration) -> str:
    """The PromQL that counts, by revision, what was served at any time of a window.

    >>> series = RevisionSeries(metric="kube_pod_container_info", select={"container": "vllm"}, label="image_id")
    >>> window_query(series, Duration.parse("1h"))
    'count by (image_id) (last_over_time(kube_pod_container_info{container="vllm"}[1h]))'
    """
    return f"count by ({series.label}) (last_over_time({series.metric}{matchers(series.select)}[{window}]))"


def seen(samples: Sequence[Sample], label: str) -> tuple[str, ...]:
    """The revisions in an answer, by name; a series without the label says nothing."""
    return tuple(sorted({value for sample in samples if (value := sample.labels.get(label, ""))}))


def only(answers: Sequence[Series], label: str, revision: str) -> frozenset[float]:
    """The ends of the windows in which this revision alone was served.

    Args:
        answers: to `window_query` at the end of each window.
        label: that names the revision.
        revision: the one.
    """
    ends: dict[float, set[str]] = {}
    for series in answers:
        if value := series.labels.get(label, ""):
            for at, _ in series.points:
                ends.setdefault(at, set()).add(value)
    return frozenset(at for at, values in ends.items() if values == {revision})
