"""When the SLOs were met again after the fault, from their samples alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from failsoft.chaos.evidence import SloSeen, Times

__all__ = ["Recovery", "recovery"]

_STEPS_OF_SILENCE = 15
_KNOWN_ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class Recovery:
    """When all SLOs were met again.

    Attributes:
        at: seconds since the epoch, the fault itself when all were met throughout; None when it was not seen.
        broken: the SLOs that were not met at some time; those that stayed so when `at` is None.
        unknown: why nobody knows; empty when somebody does.
    """

    at: float | None
    broken: tuple[str, ...] = ()
    unknown: str = ""


def recovery(slos: Sequence[SloSeen], times: Times) -> Recovery:
    """The last of the SLOs' recoveries. One that stayed broken outweighs one that nobody knows about."""
    if not slos or times.fault is None:
        return Recovery(None, unknown="there is no SLO to see it by")
    each = {slo.slo: _one(slo, times) for slo in slos}
    lost = tuple(name for name, found in each.items() if found.at is None and not found.unknown)
    if lost:
        return Recovery(None, lost)
    unknown = "; ".join(f"{name}: {found.unknown}" for name, found in each.items() if found.unknown)
    if unknown:
        return Recovery(None, unknown=unknown)
    at = max(found.at for found in each.values() if found.at is not None)
    return Recovery(at, tuple(name for name, found in each.items() if found.broken))


def _one(slo: SloSeen, times: Times) -> Recovery:
    fault = times.fault if times.fault is not None else times.started
    points = [(at, value) for at, value in slo.points if at >= fault]
    bad = [at for at, value in points if value > slo.allowed]
    after = [at for at, _ in points if not bad or at > bad[-1]]
    if bad and points[-1][0] == bad[-1] and times.ended - bad[-1] <= _silence(times):
        return Recovery(None, (slo.slo,))
    if not after or times.ended - after[-1] > _silence(times):
        return Recovery(None, unknown="no sample at the end")
    whole_steps = (times.ended - fault) / times.step - 1  # at least so many samples fall between fault and end
    if not bad and len(points) < _KNOWN_ENOUGH * whole_steps:
        return Recovery(None, unknown=f"samples of only {len(points) * times.step:.0f} s")
    return Recovery(after[0], (slo.slo,)) if bad else Recovery(fault)


def _silence(times: Times) -> float:
    """Seconds without a sample after which the last one says nothing about the end."""
    return _STEPS_OF_SILENCE * times.step
