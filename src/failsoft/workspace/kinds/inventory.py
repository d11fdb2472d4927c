"""Model and Team: what runs, and who owns it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from failsoft.workspace.kinds.families import Histograms
from failsoft.workspace.kinds.oneof import OneOf
from failsoft.workspace.quantities import Clock, Closing, Duration, Fixed, Name, ObjectName, SecretRef
from failsoft.workspace.texts import Url

__all__ = [
    "Gpu",
    "Hours",
    "ModelSpec",
    "PagerAt",
    "PagerDutyAt",
    "Person",
    "Route",
    "TeamSpec",
    "WebhookAt",
    "Weekday",
    "Workload",
]

type Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Gpu(Fixed):
    """What one replica needs."""

    product: str
    """The product as the node label `nvidia.com/gpu.product` says it."""

    count: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs of one replica."""


class Workload(Fixed):
    """The Kubernetes object that runs the model."""

    deployment: ObjectName


class Route(Fixed):
    """How traffic reaches the model: a backend of a Gateway API HTTPRoute."""

    http_route: ObjectName
    """The HTTPRoute whose weights decide."""

    backend: str
    """The name of this model's backendRef in it."""


class ModelSpec(Fixed):
    """A model that is served."""

    engine: Name
    """The serving engine; its indicators and buckets come from the catalogue."""

    select: Annotated[dict[str, str], Field(min_length=1)]
    """The labels of its series."""

    owner: Name
    """The Team that answers for it."""

    histograms: Histograms | None = None
    """As what Prometheus stores the histograms of its series; without it as the engine's lock says, else classic."""

    workload: Workload | None = None
    gpu: Gpu | None = None
    route: Route | None = None

    fallback: Name | None = None
    """The Model that can take its traffic."""

    cold_start: Duration | None = None
    """From a new pod to the first answer."""


class PagerDutyAt(Fixed):
    """PagerDuty, Events API v2."""

    routing_key: SecretRef
    url: Url = "https://events.pagerduty.com/v2/enqueue"


class WebhookAt(Fixed):
    """Any service that takes a JSON document."""

    url: SecretRef
    """The address, a secret where it carries a token."""


class AlertmanagerPager(Fixed):
    """The workspace's Alertmanager, whose routes page people."""


class StdoutPager(Fixed):
    """The standard output of `failsoft serve`, for a first try."""


class PagerAt(OneOf):
    """How the team is paged."""

    pagerduty: PagerDutyAt | None = None
    webhook: WebhookAt | None = None
    alertmanager: AlertmanagerPager | None = None
    stdout: StdoutPager | None = None


class Person(Fixed):
    """Somebody who may be asked."""

    name: Name
    """As `failsoft approve --as` says it."""

    slack: str = ""
    """The Slack user id, `U...`."""


class Hours(Fixed):
    """When a team is at work."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    start: Clock = "09:00"
    end: Closing = "17:00"
    time_zone: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$")] = "UTC"
    """As in `Europe/Berlin`; Alertmanager has to know it. `Local` is the zone of its own machine."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start >= self.end:
            expected = "an end after the start; hours over midnight are two teams, or none"
            raise PydanticCustomError("hours", "end before they begin", {"at": "end", "expected": expected})
        return self


class TeamSpec(Fixed):
    """A team: whom to ask, where, and how to page it."""

    slack: str
    """The Slack channel of its incidents, a name with # or an id."""

    pager: PagerAt
    people: Annotated[tuple[Person, ...], Field(min_length=1)]

    oncall: tuple[Name, ...] = ()
    """Who of them may approve; everybody when empty."""

    hours: Hours | None = None
    """When tickets are told; at any time when left out. Pages are told at any time."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = [person.name for person in self.people]
        for name in self.oncall:
            if name not in names:
                raise PydanticCustomError(
                    "unknown-person",
                    "lists {who} on call, who is not among its people",
                    {"who": name, "at": "oncall", "expected": "one of " + ", ".join(names)},
                )
        return self
