"""The names that failsoft's rules record and its alerts carry; the contract of every room that reads them."""

__all__ = [
    "ALL_SIGNALS",
    "BAD",
    "BAD_SUM",
    "BUDGET_OF_ALL",
    "BUDGET_REMAINING",
    "BURN_ALERT",
    "BURN_RATE",
    "COVERAGE",
    "CREEP_ALERT",
    "CREEP_TIER",
    "DOWN_ALERT",
    "DRIFT_CREEPS",
    "DRIFT_CRITICAL",
    "DRIFT_DEGREES",
    "DRIFT_EVALUATED",
    "DRIFT_INPUT_MOVED",
    "DRIFT_ROWS",
    "DRIFT_SCORE",
    "DRIFT_VERDICT",
    "ERROR_RATIO",
    "EXCESS",
    "EXCLUDED",
    "EXCLUDED_BAD",
    "EXCLUDED_BAD_SUM",
    "EXCLUDED_TIME",
    "EXCLUDED_TOTAL",
    "EXCLUDED_TOTAL_SUM",
    "EXCLUSION_ACTIVE",
    "EXHAUSTION",
    "FRESH",
    "GROUP",
    "GROUPS",
    "GROUPS_DROPPED",
    "INFO",
    "LABELS",
    "MODEL_DOWN_ALERT",
    "MODEL_STARTING_ALERT",
    "MODEL_STATE",
    "MODEL_UNSEEN_ALERT",
    "NO_GROUP",
    "OBJECTIVE",
    "OTHER_GROUP",
    "PULSE_BAD",
    "PULSE_TOTAL",
    "QUALITY_ALERT",
    "QUALITY_TIER",
    "SLO_STATE",
    "STALE_ALERT",
    "STALE_TIER",
    "TOTAL",
    "TOTAL_SUM",
    "UNHEARD_ALERT",
    "UPDATED",
    "VANISHED_ALERT",
    "VANISHED_TIER",
]

BAD = "failsoft:slo_events_bad:increase"
"""Bad events (or slices of time) of one step, of which budgets are made; labels slo, model, team, definition."""

TOTAL = "failsoft:slo_events_total:increase"
"""All events (or judged slices of time) of one step; labels slo, model, team, definition."""

PULSE_BAD = "failsoft:slo_pulse_bad:increase"
"""Bad events (or slices of time) of one pulse, of which alerts are made; labels slo, model, team, definition."""

PULSE_TOTAL = "failsoft:slo_pulse_total:increase"
"""All events (or judged slices of time) of one pulse; labels slo, model, team, definition."""

ERROR_RATIO = "failsoft:slo_error_ratio"
"""Bad among all events of a window, event-weighted; absent without events; labels slo, model, team, window."""

BAD_SUM = "failsoft:slo_events_bad:sum"
"""Bad events of a long window; labels slo, model, team, window."""

BUDGET_REMAINING = "failsoft:slo_budget_remaining:ratio"
"""The share of the period's error budget that is left, 1 untouched, below 0 overspent; labels slo, model, team."""

BUDGET_OF_ALL = "failsoft:slo_budget_remaining_of_all:ratio"
"""The same with nothing excluded; recorded only where an Exclusion concerns the SLO; labels slo, model, team."""

EXCESS = "failsoft:slo_ratio_excess:ratio"
"""How far an SLO's raw ratio lies outside of 0 to 1 in the last step; labels slo, model, team."""

EXCLUDED = "failsoft:slo_excluded:bool"
"""1 while the events of a step are left out of the budget, else 0; only where an Exclusion concerns the SLO."""

EXCLUDED_BAD = "failsoft:slo_excluded_bad:increase"
"""Bad events of a step that are left out of the budget; labels as of the events themselves."""

EXCLUDED_TOTAL = "failsoft:slo_excluded_total:increase"
"""All events of a step that are left out of the budget; labels as of the events themselves."""

EXCLUDED_BAD_SUM = "failsoft:slo_excluded_bad:sum"
"""Bad events of the period that are left out of the budget; labels slo, model, team, window."""

EXCLUDED_TOTAL_SUM = "failsoft:slo_excluded_total:sum"
"""All events of the period that are left out of the budget; labels slo, model, team, window."""

EXCLUDED_TIME = "failsoft:slo_excluded:seconds"
"""How much of the period is left out of the budget; labels slo, model, team, window."""

EXCLUSION_ACTIVE = "failsoft:exclusion_active:bool"
"""1 while an Exclusion excludes, else 0; labels exclusion, author, reason."""

COVERAGE = "failsoft:slo_coverage:ratio"
"""Steps of the period that are there among those expected; labels slo, model, team."""

OBJECTIVE = "failsoft:slo_objective:ratio"
"""The objective, such as 0.99; labels slo, model, team, window (the period)."""

BURN_RATE = "failsoft:slo_burn_rate:ratio"
"""The error ratio of a window in budgets: 1 spends exactly the budget; labels slo, model, team, window."""

EXHAUSTION = "failsoft:slo_budget_exhaustion:seconds"
"""How long what is left of the budget lasts at the burn rate of the label `window`; absent while nothing burns."""

TOTAL_SUM = "failsoft:slo_events_total:sum"
"""Events seen in the period: how much the budget's numbers rest upon; labels slo, model, team, window."""

GROUP = "group"
"""The label that tells the groups of an SLO apart, whatever the label of the raw series is called."""

OTHER_GROUP = "(other)"
"""The group of all that are beyond the cap."""

NO_GROUP = "(none)"
"""The group of series that do not have the label."""

GROUPS = "failsoft:slo_group_events:increase"
"""The groups that are counted by themselves, with the traffic they are ranked by; labels slo, model, team, group."""

GROUPS_DROPPED = "failsoft:slo_groups_dropped:count"
"""How many groups are beyond the cap and counted as `(other)`; labels slo, model, team."""

FRESH = "failsoft:slo_evaluation_fresh:bool"
"""1 where the drift evaluation behind an SLO is fresh, 0 where it is stale or dead; labels slo, model, team."""

MODEL_STATE = "failsoft:model_state"
"""1 for the one state that a Model is in (`failsoft.slo.presence`); labels model, team, state."""

SLO_STATE = "failsoft:slo_state"
"""1 for the one state that an SLO is in: its Model's, or `vanished`; labels slo, model, team, state."""

LABELS = ("slo", "model", "team", "severity", "burn_tier", "failure_mode")
"""The labels of every SLO's alert."""

BURN_ALERT = "FailsoftSLOBurn"
"""A burn-rate alert; its value is the long window's error ratio, its label `window` the long window."""

STALE_ALERT = "FailsoftDriftStale"
"""The evaluation that a drift SLO reads is stale or dead: the SLO is blind. A page where the SLO has tiers that page;
its label `monitor` names who should have looked."""

STALE_TIER = "stale"
"""The `burn_tier` of `STALE_ALERT`."""

VANISHED_ALERT = "FailsoftSLOVanished"
"""The Model is up, and what the SLO counts is not there any more: the SLO is blind."""

VANISHED_TIER = "vanished"
"""The `burn_tier` of `VANISHED_ALERT`."""

QUALITY_ALERT = "FailsoftSLODataQuality"
"""An SLO counts more good, or more bad, events than there are: its numbers cannot be right."""

QUALITY_TIER = "quality"
"""The `burn_tier` of `QUALITY_ALERT`."""

MODEL_DOWN_ALERT = "FailsoftModelDown"
"""A Model is wanted, and no replica of it is up; labels model, team, severity, failure_mode, alert_rule."""

MODEL_STARTING_ALERT = "FailsoftModelStarting"
"""A Model starts for longer than its cold start takes; the same labels."""

MODEL_UNSEEN_ALERT = "FailsoftModelUnseen"
"""Nothing that is scraped says whether a Model is there; the same labels."""

CREEP_ALERT = "FailsoftDriftCreep"
"""A small drift lasts: the CUSUM of a drift SLO's scores has crossed its threshold; a ticket."""

CREEP_TIER = "cusum"
"""The `burn_tier` of `CREEP_ALERT`."""

DOWN_ALERT = "FailsoftDown"
"""failsoft itself is not seen by Prometheus; labels team, severity, failure_mode."""

UNHEARD_ALERT = "FailsoftUnheard"
"""An SLO pages while failsoft is down; goes straight to the team's pager."""

DRIFT_SCORE = "failsoft_drift_score"
"""How far a signal is from its reference, absent while there are too few rows; labels model, monitor, signal,
statistic. A gauge of `failsoft serve` or of a job, or recorded where bins are counted."""

DRIFT_CREEPS = "failsoft_drift_creeps"
"""Gauge of `failsoft serve`: 1 from when CUSUM crosses its threshold until it is back at 0; labels as evaluated."""

DRIFT_INPUT_MOVED = "failsoft_drift_input_moved"
"""Gauge of `failsoft serve`: 1 while what people send is beyond its critical value; labels model, monitor."""

DRIFT_EVALUATED = "failsoft_drift_evaluated_timestamp_seconds"
"""When a signal was last evaluated, a Unix time; labels model, monitor, signal; from where the score is from."""

DRIFT_ROWS = "failsoft_drift_window_rows"
"""Rows of the window; labels model, monitor, signal."""

DRIFT_VERDICT = "failsoft_drift_verdict"
"""1 for what became of the last evaluation; labels model, monitor, signal, verdict."""

DRIFT_CRITICAL = "failsoft_drift_score_critical"
"""The score above which a ticket or a page is due; labels model, monitor, signal, statistic, severity."""

DRIFT_DEGREES = "failsoft_drift_chi2_degrees"
"""Degrees of freedom of the score with the statistic chi2; labels model, monitor, signal."""

ALL_SIGNALS = "all"
"""The `signal` that stands for all of a monitor at once: the worst of them, evaluated when the last of them was."""

UPDATED = "failsoft_data_updated_timestamp_seconds"
"""Gauge of a pipeline: the Unix time of the newest data that are served; labels model, data."""

INFO = "failsoft_build_info"
"""Gauge of `failsoft serve`, always 1; its absence means that failsoft is down."""
