"""The boards that ship: all SLOs and one SLO here, drift and the GPU fleet beside it."""

from failsoft.alerts.dashboards.drift import DRIFT
from failsoft.alerts.dashboards.gpu import GPU_FLEET
from failsoft.alerts.dashboards.panels import Board, Limit, Panel, Query, Variable, latest
from failsoft.slo.series import (
    BAD,
    BUDGET_OF_ALL,
    BUDGET_REMAINING,
    BURN_RATE,
    COVERAGE,
    ERROR_RATIO,
    EXCLUDED_TIME,
    EXCLUSION_ACTIVE,
    EXHAUSTION,
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
                    (Query(f"count({latest(OBJECTIVE, _CHOSEN)})"),),
                    "How many SLOs are recorded.",
                    width=6,
                ),
                Panel(
                    "Budgets overspent",
                    "figure",
                    "count",
                    (Query(f"count({latest(BUDGET_REMAINING, _CHOSEN)} < 0) or vector(0)"),),
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
                    (Query(f"sort({latest(BUDGET_REMAINING, _CHOSEN)})", "{{slo}} {{group}}"),),
                    "What is left of each period's error budget: 100 % untouched, below 0 overspent.",
                ),
                Panel(
                    "Budget left",
                    "lines",
                    "share",
                    (Query(latest(BUDGET_REMAINING, _CHOSEN), "{{slo}} {{group}}"),),
                    "A steep fall is an incident; a slow one is a service that does not keep its promise.",
                    first="lowest",
                ),
                Panel(
                    "Lasts, at today's burn",
                    "table",
                    "seconds",
                    (Query(f"sort({latest(EXHAUSTION, _CHOSEN)})", "{{slo}} {{group}}"),),
                    "How long what is left lasts if it goes on like this. SLOs that burn nothing are not listed.",
                ),
                Panel(
                    "Recorded, of the period",
                    "lines",
                    "share",
                    (Query(latest(COVERAGE, _CHOSEN), "{{slo}} {{group}}"),),
                    "A budget knows only what was recorded. Below 100 % scrapes were lost, or the SLO is young.",
                    first="lowest",
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
                    (Query(latest(SLO_STATE, _CHOSEN), "{{slo}}: {{state}}"),),
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
                Panel("Objective", "figure", "share", (Query(f"max({latest(OBJECTIVE, _ONE)})"),), width=4),
                Panel(
                    "Budget left",
                    "figure",
                    "share",
                    (Query(f"min({latest(BUDGET_REMAINING, _ONE)})"),),
                    "Of the whole period's error budget.",
                    _BAD_BELOW_ZERO,
                    5,
                ),
                Panel(
                    "Lasts",
                    "figure",
                    "seconds",
                    (Query(f"min({latest(EXHAUSTION, _ONE)})"),),
                    "At the burn rate of the fastest alert's long window; empty while nothing burns.",
                    width=5,
                ),
                Panel("Events seen", "figure", "count", (Query(f"sum({latest(TOTAL_SUM, _ONE)})"),), width=5),
                Panel(
                    "Recorded, of the period",
                    "figure",
                    "share",
                    (Query(f"min({latest(COVERAGE, _ONE)})"),),
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
                        Query(f"max by (window) ({latest(ERROR_RATIO, _ONE)})", "{{window}}"),
                        Query(f"1 - max({latest(OBJECTIVE, _ONE)})", "allowed"),
                    ),
                    "Short windows move first. Above the allowed share the budget shrinks.",
                ),
                Panel(
                    "Burn rate, by window",
                    "lines",
                    "plain",
                    (Query(f"max by (window) ({latest(BURN_RATE, _ONE)})", "{{window}}"),),
                    "At 1 the budget lasts exactly its period; at 14.4 an hour takes 2 % of 30 days.",
                ),
                Panel(
                    "Budget left",
                    "lines",
                    "share",
                    (Query(f"min by (group) ({latest(BUDGET_REMAINING, _ONE)})", "budget left {{group}}"),),
                    "One line for each group, where the SLO has groups; the figures above are those of the worst one.",
                    first="lowest",
                ),
                Panel(
                    "Events in a step",
                    "lines",
                    "count",
                    (
                        Query(f"sum({latest(TOTAL, _ONE, '10m')})", "all"),
                        Query(f"sum({latest(BAD, _ONE, '10m')})", "bad"),
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
                    (Query(f"min({latest(BUDGET_OF_ALL, _ONE)} or {latest(BUDGET_REMAINING, _ONE)})"),),
                    "The same as the budget left where no Exclusion concerns the SLO.",
                    _BAD_BELOW_ZERO,
                    6,
                ),
                Panel(
                    "Left out of the period",
                    "figure",
                    "seconds",
                    (Query(f"max({latest(EXCLUDED_TIME, _ONE)}) or vector(0)"),),
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

BOARDS = (OVERVIEW, SLO, DRIFT, GPU_FLEET)
"""All of them."""
