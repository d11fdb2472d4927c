"""The PromQL that counts a window of one signal, from the engine's catalogue."""

from collections.abc import Mapping

from failsoft.workspace.kinds.engine import CategorySource, LengthSource, Signal
from failsoft.workspace.quantities import Duration

__all__ = ["counts_query", "matchers"]


def counts_query(signal: Signal, select: Mapping[str, str], window: Duration) -> str:
    """What grew over `window`, by bucket bound or by category.

    `increase` is safe against counters that start anew; it extrapolates to the window's ends, so counts are not whole
    numbers, but all bins of a replica by the same factor, so shares stay.

    Args:
        signal: what is counted.
        select: the labels of the model's series.
        window: how much of the past.

    >>> source = LengthSource(family="vllm:request_generation_tokens", bounds=(1, 2))
    >>> counts_query(Signal(histogram=source), {"model_name": "chat"}, Duration.parse("1h"))
    'sum by (le) (increase(vllm:request_generation_tokens_bucket{model_name="chat"}[1h]))'
    """
    source: LengthSource | CategorySource = signal.chosen
    if isinstance(source, LengthSource):
        metric, label = f"{source.family}_bucket", "le"
    else:
        metric, label = source.counter, source.by
    return f"sum by ({label}) (increase({metric}{matchers({**select, **source.match}, source.without)}[{window}]))"


def matchers(select: Mapping[str, str], without: tuple[str, ...] = ()) -> str:
    """Label matchers in their braces; nothing where there are none."""
    kept = [f'{label}="{_escaped(value)}"' for label, value in sorted(select.items()) if label not in without]
    return "{" + ",".join(kept) + "}" if kept else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
