"""What the run before had shown: a job that ends has to find its count of errors where it left it."""

from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from failsoft.drift.exported import series

__all__ = ["Earlier"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """Of an earlier run of the same job.

    Attributes:
        errors: attempts that came to nothing.
        evaluated: when each signal was last evaluated, seconds since the epoch.
    """

    errors: float = 0.0
    evaluated: dict[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, model: str, monitor: str) -> "Earlier":
        """From text that a job, or a Pushgateway with many of them, exports; nothing where it makes no sense.

        >>> text = 'failsoft_drift_evaluation_errors_total{model="m",monitor="n"} 3.0' + chr(10)
        >>> Earlier.parse(text, "m", "n").errors, Earlier.parse(text, "m", "other").errors
        (3.0, 0.0)
        """
        errors, evaluated = 0.0, {}
        # only what is ours: others may export what this parser refuses
        ours = "".join(
            f"{line}\n" for line in text.splitlines() if line.startswith((series.ERRORS + "{", series.EVALUATED + "{"))
        )
        try:
            for family in text_string_to_metric_families(ours):
                for sample in family.samples:
                    if (sample.labels.get("model"), sample.labels.get("monitor")) != (model, monitor):
                        continue
                    if sample.name == series.ERRORS and sample.value >= 0:
                        errors = sample.value
                    elif sample.name == series.EVALUATED and sample.value >= 0:
                        evaluated[sample.labels.get("signal", "")] = sample.value
        except (ValueError, KeyError, IndexError):
            return cls()
        return cls(errors, evaluated)
