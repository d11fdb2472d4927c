"""The step `query`: what Prometheus says, for the thread."""

from failsoft.clients.prometheus import Sample
from failsoft.runbooks.interpreter.context import StepContext
from failsoft.slo.promql import Matcher
from failsoft.workspace.kinds.runbook import Query

__all__ = ["filled", "query"]

_SHOWN = 10


def query(context: StepContext, spec: Query) -> str:
    """Ask, and tell the first ten samples."""
    samples = context.world.prometheus.query(filled(context, spec.promql))
    title = spec.title or spec.promql
    if not samples:
        return f"{title}: no data"
    lines = [_line(sample) for sample in samples[:_SHOWN]]
    more = len(samples) - _SHOWN
    return "\n".join([f"{title}:" if len(samples) > 1 else f"{title}: {lines.pop(0)}", *lines]) + (
        f"\nand {more} more" if more > 0 else ""
    )


def filled(context: StepContext, promql: str) -> str:
    """The expression with `{slo}` and `{model}` replaced by their names, `{selector}` by the model's label selector.

    Of an alert that is no SLO's, `{slo}` is its failure mode.

    `requests{selector}` becomes `requests{job="chat"}`. All values come from documents, none from an alert.
    """
    if "{selector}" in promql:
        select = context.of_model.spec.select
        matchers = ",".join(str(Matcher(label, "=", value)) for label, value in select.items())
        promql = promql.replace("{selector}", f"{{{matchers}}}")
    if "{model}" in promql:
        promql = promql.replace("{model}", context.of_model.name)
    return promql.replace("{slo}", context.about)


def _line(sample: Sample) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sample.labels.items() if name != "__name__")
    return f"{labels}: {sample.value:g}" if labels else f"{sample.value:g}"
