"""The steady state as Chaos Toolkit asks for it: true, false, or a failed probe where nobody knows."""

from collections.abc import Mapping

from chaoslib.exceptions import ActivityFailed

from failsoft.chaos.readings import read
from failsoft.clients.prometheus import PrometheusClient
from failsoft.clients.secrets import resolve
from failsoft.errors import FailsoftError

__all__ = ["slo_holds"]


def slo_holds(prometheus: Mapping[str, str], slo: str, ratio: str, allowed: float) -> bool:
    """Whether the error ratio of an SLO is at most what it allows.

    Args:
        prometheus: `url`, and `token_env` or `token_file` where it asks for a token.
        slo: its name.
        ratio: PromQL: its error ratio.
        allowed: from 0 to 1.

    Raises:
        ActivityFailed: there is no data; never a number that a tolerance could misread.
    """
    try:
        token = None
        if prometheus.get("token_env") or prometheus.get("token_file"):
            token = resolve(env=prometheus.get("token_env") or None, file=prometheus.get("token_file") or None)
        reading = read(PrometheusClient(prometheus["url"], token=token), ratio)
    except FailsoftError as error:
        raise ActivityFailed(f"no data for SLO {slo}: {error}") from error
    if reading.value is None:
        raise ActivityFailed(f"no data for SLO {slo}: {reading.why}")
    return reading.value <= allowed
