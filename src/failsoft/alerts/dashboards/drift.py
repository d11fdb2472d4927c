"""The board on drift: what `failsoft serve`, counters in serving processes and jobs found out, and who is looking."""

from failsoft.alerts.dashboards.panels import Board, Panel, Query, Variable, latest
from failsoft.alerts.drift.names import BIN_SHARE
from failsoft.slo.series import (
    BUDGET_REMAINING,
    DRIFT_CRITICAL,
    DRIFT_EVALUATED,
    DRIFT_INPUT_MOVED,
    DRIFT_SCORE,
    FRESH,
)

__all__ = ["DRIFT"]

_DRIFTING = '{model=~"$model"}'
_DISTANCES = '{model=~"$model", statistic=~"psi|js|tvd|ks"}'
_SHARES = '{model=~"$model", statistic=~"missing|new"}'

# the text of a bin stands beside the reference's rows, by feature
_HOLDS = (
    "max by (model, reference, signal, bin, holds) "
    f'(label_replace(failsoft_drift_reference_rows{_DRIFTING}, "signal", "$1", "feature", "(?s)(.*)"))'
)
_BY_SIDE = f'{BIN_SHARE}{{model=~"$model", side="%s"}}'
_MOVED = (
    f"topk(12, abs({_BY_SIDE % 'window'} - ignoring (side) {_BY_SIDE % 'reference'}))"
    f" * on (model, reference, signal, bin) group_left (holds) (0 * {_HOLDS} + 1)"
)

DRIFT = Board(
    "failsoft-drift",
    "failsoft: drift",
    (Variable("model", DRIFT_EVALUATED, "model"),),
    (
        (
            "Scores",
            (
                Panel(
                    "Distance from the reference",
                    "lines",
                    "plain",
                    (Query(f"{DRIFT_SCORE}{_DISTANCES}", "{{monitor}} {{signal}} {{statistic}}"),),
                    "A score that could not be judged is not there: a gap is no good news.",
                ),
                Panel(
                    "Rows in the window",
                    "lines",
                    "count",
                    (Query(f"failsoft_drift_window_rows{_DRIFTING}", "{{monitor}} {{signal}}"),),
                    "Few rows make restless scores.",
                ),
                Panel(
                    "Missing rows, and new categories",
                    "lines",
                    "share",
                    (Query(f"{DRIFT_SCORE}{_SHARES}", "{{monitor}} {{signal}} {{statistic}}"),),
                    "Signals of their own: rows without a value are in no distribution.",
                ),
                Panel(
                    "What moved, by bin",
                    "table",
                    "share",
                    (Query(_MOVED, "{{monitor}} {{signal}}: {{holds}}"),),
                    "By how much the share of a bin differs from the reference, for features that processes count.",
                ),
            ),
        ),
        (
            "Within what is promised?",
            (
                Panel(
                    "Of its critical value",
                    "lines",
                    "plain",
                    (
                        Query(
                            f"{DRIFT_SCORE}{_DRIFTING} / ignoring(severity) group_right() {DRIFT_CRITICAL}{_DRIFTING}",
                            "{{monitor}} {{signal}} {{statistic}} {{severity}}",
                        ),
                    ),
                    "Above 1 a window is bad (pooled_psi), or small changes have added up (cusum).",
                ),
                Panel(
                    "How many times its limit",
                    "lines",
                    "plain",
                    (Query(f'{DRIFT_SCORE}{{model=~"$model", statistic="excess"}}', "{{monitor}} {{signal}}"),),
                    "Of counted features: above 1 the worst of distribution, missing and new rows calls for a page.",
                ),
                Panel(
                    "Features of jobs, by what they call for",
                    "lines",
                    "count",
                    (Query(f"failsoft_drift_features{_DRIFTING}", "{{monitor}}: {{severity}}"),),
                    "What failsoft drift score found out at its last run.",
                ),
                Panel(
                    "The input moved",
                    "lines",
                    "plain",
                    (Query(f"{DRIFT_INPUT_MOVED}{_DRIFTING}", "{{monitor}}"),),
                    "At 1 what people send has moved: a change of the prompts may be no change of the model.",
                ),
            ),
        ),
        (
            "Is anybody looking?",
            (
                Panel(
                    "Age of the last evaluation",
                    "lines",
                    "seconds",
                    (Query(f"time() - {DRIFT_EVALUATED}{_DRIFTING}", "{{monitor}} {{signal}}"),),
                    "Rises where Prometheus does not answer, the reference cannot be read, or failsoft is down.",
                ),
                Panel(
                    "What became of the last evaluation",
                    "table",
                    "plain",
                    (Query(f"failsoft_drift_verdict{_DRIFTING} == 1", "{{monitor}} {{signal}}: {{verdict}}"),),
                ),
                Panel(
                    "Jobs: since the last attempt, in runs",
                    "lines",
                    "plain",
                    (
                        Query(
                            f"(time() - failsoft_drift_attempted_timestamp_seconds{_DRIFTING})"
                            f" / failsoft_drift_every_seconds{_DRIFTING}",
                            "{{monitor}}",
                        ),
                    ),
                    "Up to 1 it is on time; above 2 DriftJobSilent tells.",
                ),
                Panel(
                    "Jobs: runs that came to nothing in a day",
                    "lines",
                    "count",
                    (Query(f"increase(failsoft_drift_evaluation_errors_total{_DRIFTING}[1d])", "{{monitor}}"),),
                    "After a run that failed no score is shown.",
                ),
                Panel(
                    "References that processes count with",
                    "table",
                    "count",
                    (
                        Query(
                            f"count by (model, reference, revision) (failsoft_drift_reference_info{_DRIFTING})",
                            "{{model}} {{revision}} ({{reference}})",
                        ),
                    ),
                    "How many processes there are of each. Rules read only those that their monitor names.",
                ),
                Panel(
                    "Values that were not counted",
                    "lines",
                    "count",
                    (
                        Query(
                            f"sum by (model, reason) (increase(failsoft_drift_rows_dropped_total{_DRIFTING}[30m]))",
                            "{{model}}: {{reason}}",
                        ),
                    ),
                    "Within half an hour, by processes. unknown-feature is no fault: the reference has no such column.",
                ),
                Panel(
                    "Drift SLOs that see",
                    "lines",
                    "plain",
                    (Query(latest(FRESH, _DRIFTING), "{{slo}}"),),
                    "1 where the evaluation behind the SLO is fresh, 0 where it is blind.",
                ),
                Panel(
                    "Budget left of drift SLOs",
                    "lines",
                    "share",
                    (
                        Query(
                            f"{latest(BUDGET_REMAINING, _DRIFTING)} and on(slo) {latest(FRESH, _DRIFTING)}",
                            "{{slo}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
