"""The boards that ship: all SLOs, one SLO, drift, and the GPU fleet."""

from failsoft.alerts.dashboards.gpu import GPU_FLEET
from failsoft.alerts.dashboards.panels import Board, Limit, Panel, Query, Variable
from failsoft.slo.series import (
    BAD,
    BUDGET_OF_ALL,
    BUDGET_REMAINING,
    BURN_RATE,
    COVERAGE,
    DRIFT_CRITICAL,
    DRIFT_EVALUATED,
    DRIFT_INPUT_MOVED,
    DRIFT_SCORE,
    ERROR_RATIO,
    EXCLUDED_TIME,
    EXCLUSION_ACTIVE,
    EXHAUSTION,
    FRESH,
    MODEL_STATE,
    OBJECTIVE,
    SLO_STATE,
    TOTAL,
    TOTAL_SUM,
)

__all__ = ["BOARDS", "DRIFT", "OVERVIEW", "SLO"]

_CHOSEN = '{team=~"$team", model=~"$model"}'
_ONE = '{slo=~"$slo"}'
_BAD_BELOW_ZERO: tuple[Limit, ...] = ((-1e9, "bad"), (0.0, "warning"), (0.25, "good"))


def _latest(series: str, matchers: str, window: str = "15m") -> str:
    # records may be further apart than Prometheus looks back for a plain name
    return f"last_over_time({series}{matchers}[{window}])"


OVERVIEW = Board(
    "failsoft-overview",
    "failsoft: all SLOs",
    (Variable("team", OBJECTIVE, "team"), Variable("model", OBJECTIVE, "model")),
    (
        (
            "Now",
            (
                Panel(
                    "SLOs",
                    "figure",
                    "count",
                    (Query(f"count({_latest(OBJECTIVE, _CHOSEN)})"),),
                    "How many SLOs are recorded.",
                    width=6,
                ),
                Panel(
                    "Budgets overspent",
                    "figure",
                    "count",
                    (Query(f"count({_latest(BUDGET_REMAINING, _CHOSEN)} < 0) or vector(0)"),),
                    "SLOs that failed more than they may in their period.",
                    ((0.0, "good"), (1.0, "bad")),
                    6,
                ),
                Panel(
                    "Pages firing",
                    "figure",
                    "count",
                    (
                        Query(
                            'count(ALERTS{alertstate="firing", severity="page", failure_mode!="", team=~"$team"})'
                            " or vector(0)"
                        ),
                    ),
                    "Alerts that woke somebody, or should have.",
                    ((0.0, "good"), (1.0, "bad")),
                    6,
                ),
                Panel(
                    "Open incidents",
                    "figure",
                    "count",
                    (Query('sum(failsoft_incidents{state="open"})'),),
                    "As failsoft serve has them. Nothing here means that failsoft is not scraped.",
                    ((0.0, "good"), (1.0, "warning")),
                    6,
                ),
            ),
        ),
        (
            "Budgets",
            (
                Panel(
                    "Budget left, worst first",
                    "table",
                    "share",
                    (Query(f"sort({_latest(BUDGET_REMAINING, _CHOSEN)})", "{{slo}} {{group}}"),),
                    "What is left of each period's error budget: 100 % untouched, below 0 overspent.",
                ),
                Panel(
                    "Budget left",
                    "lines",
                    "share",
                    (Query(_latest(BUDGET_REMAINING, _CHOSEN), "{{slo}} {{group}}"),),
                    "A steep fall is an incident; a slow one is a service that does not keep its promise.",
                ),
                Panel(
                    "Lasts, at today's burn",
                    "table",
                    "seconds",
                    (Query(f"sort({_latest(EXHAUSTION, _CHOSEN)})", "{{slo}} {{group}}"),),
                    "How long what is left lasts if it goes on like this. SLOs that burn nothing are not listed.",
                ),
                Panel(
                    "Recorded, of the period",
                    "lines",
                    "share",
                    (Query(_latest(COVERAGE, _CHOSEN), "{{slo}} {{group}}"),),
                    "A budget knows only what was recorded. Below 100 % scrapes were lost, or the SLO is young.",
                ),
            ),
        ),
        (
            "Is it there?",
            (
                Panel(
                    "Models",
                    "table",
                    "plain",
                    (Query(f"{MODEL_STATE}{_CHOSEN}", "{{model}}: {{state}}"),),
                    "Alerts are quiet in each of these, and mean another thing by it.",
                ),
                Panel(
                    "What each SLO can see",
                    "table",
                    "plain",
                    (Query(_latest(SLO_STATE, _CHOSEN), "{{slo}}: {{state}}"),),
                    "Vanished: the model is up, and what the SLO counts is there no more.",
                ),
            ),
        ),
        (
            "Alerts",
            (
                Panel(
                    "Firing",
                    "table",
                    "plain",
                    (
                        Query(
                            'ALERTS{alertstate="firing", failure_mode!="", team=~"$team"}',
                            "{{alertname}} {{slo}} {{group}} {{severity}} {{burn_tier}}",
                        ),
                    ),
                    "Every alert that failsoft compiled and that fires now.",
                    width=24,
                ),
            ),
        ),
    ),
)

SLO = Board(
    "failsoft-slo",
    "failsoft: one SLO",
    (Variable("slo", OBJECTIVE, "slo", several=False),),
    (
        (
            "Now",
            (
                Panel("Objective", "figure", "share", (Query(f"max({_latest(OBJECTIVE, _ONE)})"),), width=4),
                Panel(
                    "Budget left",
                    "figure",
                    "share",
                    (Query(f"min({_latest(BUDGET_REMAINING, _ONE)})"),),
                    "Of the whole period's error budget.",
                    _BAD_BELOW_ZERO,
                    5,
                ),
                Panel(
                    "Lasts",
                    "figure",
                    "seconds",
                    (Query(f"min({_latest(EXHAUSTION, _ONE)})"),),
                    "At the burn rate of the fastest alert's long window; empty while nothing burns.",
                    width=5,
                ),
                Panel("Events seen", "figure", "count", (Query(f"sum({_latest(TOTAL_SUM, _ONE)})"),), width=5),
                Panel(
                    "Recorded, of the period",
                    "figure",
                    "share",
                    (Query(f"min({_latest(COVERAGE, _ONE)})"),),
                    "How much of the period these numbers know.",
                    ((0.0, "bad"), (0.5, "warning"), (0.95, "good")),
                    5,
                ),
            ),
        ),
        (
            "Errors",
            (
                Panel(
                    "Share of bad events, by window",
                    "lines",
                    "share",
                    (
                        Query(f"max by (window) ({_latest(ERROR_RATIO, _ONE)})", "{{window}}"),
                        Query(f"1 - max({_latest(OBJECTIVE, _ONE)})", "allowed"),
                    ),
                    "Short windows move first. Above the allowed share the budget shrinks.",
                ),
                Panel(
                    "Burn rate, by window",
                    "lines",
                    "plain",
                    (Query(f"max by (window) ({_latest(BURN_RATE, _ONE)})", "{{window}}"),),
                    "At 1 the budget lasts exactly its period; at 14.4 an hour takes 2 % of 30 days.",
                ),
                Panel(
                    "Budget left",
                    "lines",
                    "share",
                    (Query(f"min by (group) ({_latest(BUDGET_REMAINING, _ONE)})", "budget left {{group}}"),),
                    "One line for each group, where the SLO has groups; the figures above are those of the worst one.",
                ),
                Panel(
                    "Events in a step",
                    "lines",
                    "count",
                    (
                        Query(f"sum({_latest(TOTAL, _ONE, '10m')})", "all"),
                        Query(f"sum({_latest(BAD, _ONE, '10m')})", "bad"),
                    ),
                    "A gap is a time about which nothing is known; it is not counted as good.",
                ),
            ),
        ),
        (
            "Left out of the budget",
            (
                Panel(
                    "Budget left if nothing were left out",
                    "figure",
                    "share",
                    (Query(f"min({_latest(BUDGET_OF_ALL, _ONE)} or {_latest(BUDGET_REMAINING, _ONE)})"),),
                    "The same as the budget left where no Exclusion concerns the SLO.",
                    _BAD_BELOW_ZERO,
                    6,
                ),
                Panel(
                    "Left out of the period",
                    "figure",
                    "seconds",
                    (Query(f"max({_latest(EXCLUDED_TIME, _ONE)}) or vector(0)"),),
                    "How long the budget does not count; alerts count always.",
                    width=6,
                ),
                Panel(
                    "Who leaves out, and why",
                    "table",
                    "plain",
                    (Query(EXCLUSION_ACTIVE, "{{exclusion}}, {{author}}: {{reason}}"),),
                    "Of all SLOs; 1 while it excludes.",
                ),
            ),
        ),
        (
            "Alerts",
            (
                Panel(
                    "Firing",
                    "lines",
                    "plain",
                    (
                        Query(
                            'count by (alertname, burn_tier) (ALERTS{alertstate="firing", slo=~"$slo"})',
                            "{{alertname}} {{burn_tier}}",
                        ),
                    ),
                    width=24,
                ),
            ),
        ),
    ),
)

_DRIFTING = '{model=~"$model"}'

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
                    (Query(f"{DRIFT_SCORE}{_DRIFTING}", "{{monitor}} {{signal}} {{statistic}}"),),
                    "A score that could not be judged is not there: a gap is no good news.",
                ),
                Panel(
                    "Rows in the window",
                    "lines",
                    "count",
                    (Query(f"failsoft_drift_window_rows{_DRIFTING}", "{{monitor}} {{signal}}"),),
                    "Few rows make restless scores.",
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
                    "Drift SLOs that see",
                    "lines",
                    "plain",
                    (Query(_latest(FRESH, _DRIFTING), "{{slo}}"),),
                    "1 where the evaluation behind the SLO is fresh, 0 where it is blind.",
                ),
                Panel(
                    "Budget left of drift SLOs",
                    "lines",
                    "share",
                    (
                        Query(
                            f"{_latest(BUDGET_REMAINING, _DRIFTING)} and on(slo) {_latest(FRESH, _DRIFTING)}",
                            "{{slo}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)

BOARDS = (OVERVIEW, SLO, DRIFT, GPU_FLEET)
"""All of them."""
