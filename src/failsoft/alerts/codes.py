"""What can be wrong with routes, and with a proof."""

from failsoft.findings import Code, Severity

__all__ = [
    "CODES",
    "IDLE_CAUSE",
    "MISROUTED",
    "MONITOR_WITHOUT_SLO",
    "NOT_PROVABLE",
    "NO_PAGER",
    "NO_RUNBOOK",
    "PAGER_UNREACHABLE",
    "PROOF_FAILED",
    "PROOF_UNENDED",
    "ROUTES_REFUSED",
    "ROUTES_UNREADABLE",
    "ROUTE_COLLISION",
    "RULES_REFUSED",
    "SECRET_RELATIVE",
    "SILENCED_BY_STRANGERS",
    "SILENT_CIRCLE",
    "STALE_OUTPUT",
    "TIER_ORDER",
    "UNKNOWN_ZONE",
    "UNPROVEN",
    "WEBHOOK_OPEN",
    "WEBHOOK_SECRET",
]

TIER_ORDER = Code("FS421", "tier-order", "Two AlertWindows whose tiers would inhibit each other.")
WEBHOOK_SECRET = Code("FS422", "webhook-secret", "A webhook secret that Alertmanager cannot read.")
WEBHOOK_OPEN = Code("FS423", "webhook-open", "A webhook that takes alerts from anybody.", Severity.WARNING)
PAGER_UNREACHABLE = Code(
    "FS424", "pager-unreachable", "A pager that Alertmanager cannot use while failsoft is down.", Severity.WARNING
)
SECRET_RELATIVE = Code(
    "FS429", "secret-relative", "A secret's file that Alertmanager looks for elsewhere than failsoft.", Severity.WARNING
)
NO_PAGER = Code("FS425", "no-pager", "A team that nothing pages while failsoft is down.", Severity.INFO)
NO_RUNBOOK = Code("FS426", "no-runbook", "An SLO whose alerts no runbook answers.", Severity.WARNING)
MONITOR_WITHOUT_SLO = Code(
    "FS427", "monitor-without-slo", "A drift monitor of which nothing alerts, not even its silence.", Severity.WARNING
)

RULES_REFUSED = Code("FS441", "rules-refused", "A rule file that promtool refuses.")
ROUTES_REFUSED = Code("FS442", "routes-refused", "An Alertmanager configuration that amtool refuses.")
PROOF_FAILED = Code("FS443", "proof-failed", "An alert that does not do what its SLO promises.")
UNPROVEN = Code("FS444", "unproven", "An alert without a test that it fires, or that it is quiet.")
MISROUTED = Code("FS445", "misrouted", "An alert that does not reach its owner, or that reaches nobody.")
ROUTES_UNREADABLE = Code("FS446", "routes-unreadable", "An Alertmanager configuration that cannot be read.")
ROUTE_COLLISION = Code("FS447", "route-collision", "A name that two Alertmanager configurations use for two things.")
IDLE_CAUSE = Code(
    "FS448", "idle-cause", "A cause or a symptom of which no alert about a model exists.", Severity.WARNING
)
UNKNOWN_ZONE = Code("FS430", "unknown-zone", "A team whose hours are in a time zone that is not known.")
SILENCED_BY_STRANGERS = Code(
    "FS450", "silenced-by-strangers", "An inhibition rule by which one SLO silences another one.", Severity.WARNING
)
STALE_OUTPUT = Code("FS451", "stale-output", "A compiled file that is not what its workspace compiles to now.")
SILENT_CIRCLE = Code("FS494", "silent-circle", "Causes and symptoms that silence each other.")
NOT_PROVABLE = Code("FS490", "not-provable", "A proof that this promtool cannot evaluate.", Severity.WARNING)
PROOF_UNENDED = Code("FS487", "proof-unended", "A proof that does not end within its time.")

CODES = (
    TIER_ORDER,
    WEBHOOK_SECRET,
    WEBHOOK_OPEN,
    PAGER_UNREACHABLE,
    NO_PAGER,
    NO_RUNBOOK,
    MONITOR_WITHOUT_SLO,
    RULES_REFUSED,
    SECRET_RELATIVE,
    ROUTES_REFUSED,
    PROOF_FAILED,
    PROOF_UNENDED,
    UNPROVEN,
    MISROUTED,
    ROUTES_UNREADABLE,
    ROUTE_COLLISION,
    IDLE_CAUSE,
    UNKNOWN_ZONE,
    SILENCED_BY_STRANGERS,
    STALE_OUTPUT,
    NOT_PROVABLE,
    SILENT_CIRCLE,
)
