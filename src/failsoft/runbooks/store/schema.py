"""The tables: what was alerted, what is being done about it, who was asked, and what is still to be told."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "approvals",
    "clicks",
    "deliveries",
    "episodes",
    "incidents",
    "leases",
    "locks",
    "metadata",
    "outbox",
    "plans",
    "runs",
    "schema_version",
    "settings",
    "steps",
    "timeline",
    "wakes",
]

metadata = MetaData()

# SQLite numbers rows by itself only where the type is INTEGER to the letter.
_Id = BigInteger().with_variant(Integer(), "sqlite")


def _moment(name: str, *, nullable: bool = False) -> Column[float]:
    """A time, in seconds since the epoch."""
    return Column(name, Double, nullable=nullable)


def _text(name: str, *, nullable: bool = False, default: str | None = "") -> Column[str]:
    return Column(name, Text, nullable=nullable, default=None if nullable else default)


schema_version = Table("failsoft_schema", metadata, Column("version", Integer, primary_key=True), _moment("at"))

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Id, primary_key=True),
    _moment("at"),
    _text("receiver"),
    _text("group_key"),
    _text("status"),
    Column("truncated", Integer, nullable=False, default=0),
    # [fingerprint, startsAt, status] of each alert: which deliveries told of an episode
    Column("alerts", JSON, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("slo"),
    _text("model"),
    _text("team"),
    _text("state"),  # open, resolved
    _text("origin"),  # alert, hand
    _text("severity"),  # page, ticket
    _text("failure_mode"),
    _moment("opened_at"),
    _moment("resolved_at", nullable=True),
    # where its first message is, as the announcer gave it back: {"channel": ..., "ts": ...}
    Column("posted", JSON(none_as_null=True)),
    Index(
        "one_open_incident",
        "slo",
        "model",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

episodes = Table(
    "episodes",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("fingerprint"),
    _text("starts_at"),  # ISO 8601 in UTC, with microseconds
    _text("status"),  # firing, resolved
    _text("alertname"),
    _text("slo"),
    _text("model"),
    _text("severity"),
    _text("burn_tier"),
    _text("failure_mode"),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    _moment("first_seen"),
    _moment("last_seen"),
    _moment("resolved_at", nullable=True),
    Column("reopened", Integer, nullable=False, default=0),
    Column("incident_id", ForeignKey("incidents.id"), index=True),
    _text("note"),  # why it has no incident
    UniqueConstraint("fingerprint", "starts_at"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    _text("runbook"),
    Column("spec", JSON, nullable=False),  # the runbook as it was when the run began; never read again from a file
    _text("mode"),
    _text("slo"),
    _text("model"),
    _text("team"),
    _text("requester", nullable=True),  # who started it, or the experiment that it answers, by hand
    _text("state", default="queued"),  # queued, running, waiting, undoing, ended
    _text("outcome"),
    _text("phase", default="do"),  # do, undo
    Column("position", Integer, nullable=False, default=0),
    Column("page_after_undo", Boolean, nullable=False, default=False),
    _moment("created_at"),
    _moment("ended_at", nullable=True),
    # who drives it: a worker, and a number that grows whenever somebody else takes over
    _text("owner", nullable=True),
    Column("fence", Integer, nullable=False, default=0),
    _moment("handed_at", nullable=True),
    Column("claims", Integer, nullable=False, default=0),  # since it last got on
    # what it waits for: wake-ups are sent to this topic
    _text("topic", nullable=True),
    Index("runs_to_drive", "owner", sqlite_where=text("state <> 'ended'"), postgresql_where=text("state <> 'ended'")),
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    _text("phase"),
    Column("position", Integer, nullable=False),
    _text("kind"),
    _text("state"),  # trying, started, done, skipped, failed
    Column("effect", JSON(none_as_null=True)),  # the intent: what is about to be changed, from what to what
    _text("said"),
    Column("tries", Integer, nullable=False, default=0),  # of what may be done any number of times
    Column("attempts", Integer, nullable=False, default=0),  # to change the world
    Column("interrupted", Integer, nullable=False, default=0),
    Column("doubt", Boolean, nullable=False, default=False),  # the other side may have done it, and nobody knows
    _moment("started_at"),
    _moment("ended_at", nullable=True),
    PrimaryKeyConstraint("run_id", "phase", "position"),
)

locks = Table(
    "locks",
    metadata,
    Column("key", Text, primary_key=True),  # such as model/chat
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    _moment("at"),
)

plans = Table(
    "plans",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    _text("hash"),
    Column("effects", JSON, nullable=False),  # {position of the action: effect}
    _moment("at"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("position", Integer, nullable=False),
    _text("purpose"),  # plan, doubt-<attempt>
    Column("round", Integer, nullable=False),
    Column("token", Text, nullable=False, unique=True),  # all that a button carries
    _text("topic"),  # run, step and nonce: a stale click cannot wake a later question
    Column("plan_id", ForeignKey("plans.id"), nullable=False),
    _text("plan_hash"),
    _text("question"),
    _text("note"),
    _text("state", default="waiting"),  # waiting, approved, denied, expired, withdrawn, stale
    _text("who"),  # oncall, people
    _text("otherwise"),  # page, stop
    _moment("asked_at"),
    _moment("expires_at"),
    _text("decided_by", nullable=True),
    _moment("decided_at", nullable=True),
    _moment("used_at", nullable=True),  # from then on a denial comes too late
    Column("posted", JSON(none_as_null=True)),
    UniqueConstraint("run_id", "position", "purpose", "round"),
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", _Id, primary_key=True),
    _moment("at"),
    Column("approval_id", ForeignKey("approvals.id"), index=True),
    _text("token"),
    _text("verdict"),  # approve, deny
    _text("via"),  # slack, cli
    _text("user"),  # as it came from outside
    _text("person", nullable=True),  # the person of the workspace, where it is one
    Column("honoured", Boolean, nullable=False),
    _text("reply"),
    Index(
        "honoured_once",
        "approval_id",
        "verdict",
        unique=True,
        sqlite_where=text("honoured"),
        postgresql_where=text("honoured"),
    ),
)

leases = Table(
    "leases",
    metadata,
    Column("worker", Text, primary_key=True),
    _text("host"),
    Column("pid", Integer, nullable=False),
    _moment("since"),
    _moment("expires_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("lane"),  # rows of one lane are sent in order, one at a time
    _text("kind"),  # page, incident, entry, ask
    Column("payload", JSON, nullable=False),
    _text("state", default="pending"),  # pending, sent, dead
    Column("attempts", Integer, nullable=False, default=0),
    _moment("at"),
    _moment("next_try"),
    _text("claimed_by", nullable=True),  # the worker that sends it now
    _moment("claimed_until", nullable=True),
    _moment("sent_at", nullable=True),
    _text("error"),
    Index(
        "outbox_pending",
        "lane",
        "id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", _Id, primary_key=True),
    _moment("at"),
    Column("incident_id", ForeignKey("incidents.id"), index=True),
    Column("run_id", ForeignKey("runs.id"), index=True),
    _text("kind"),
    _text("text"),
    Column("data", JSON(none_as_null=True)),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    _text("by"),
    _moment("at"),
)

wakes = Table(
    "wakes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    _text("topic"),
    _moment("at"),
)
