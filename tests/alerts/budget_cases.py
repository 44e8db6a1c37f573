"""When the alerts on burn, on the budget and on unknown time must fire, and when they must be silent."""

from __future__ import annotations

from tests.alerts.case import Case
from tests.alerts.series import ENDED, MONTH_S, RUNS, ends_at, month

UNKNOWN = ',account="unknown",class=""'
LENGTH = month("sla_month_length_seconds", f"{MONTH_S}x3000")


def burn(long: str, long_value: float, short: str, short_value: float) -> tuple[str, ...]:
    return (
        f'sla_burn_rate{{service="app",window="{long}"}} {long_value}x60',
        f'sla_burn_rate{{service="app",window="{short}"}} {short_value}x60',
    )


def exhaustion(window: str, values: str) -> str:
    return f'sla_budget_exhaustion_timestamp_seconds{{service="app",window="{window}"}} {values}'


def _used(percent: str, below: str, at: str) -> tuple[Case, ...]:
    ratio = "sla_error_budget_burned_ratio"
    return (
        Case("SlaBudgetUsed", f"{percent} % is reached", (month(ratio, f"{at}x5"), RUNS), "2m", _steps(at)),
        Case("SlaBudgetUsed", f"{percent} % is not reached", (month(ratio, f"{below}x5"), RUNS), "2m", _steps(below)),
        Case(
            "SlaBudgetUsed",
            f"{percent} % of the month before",
            (month(ratio, f"{at}x5", "1969-12"), RUNS, ENDED),
            "2m",
        ),
    )


def _steps(ratio: str) -> tuple[str, ...]:
    return tuple(f"used={step}" for step in ("50", "75", "90", "100") if float(ratio) * 100 >= int(step))


BUDGET_CASES: tuple[Case, ...] = (
    # burn
    Case("SlaBurnFast", "both windows burn", burn("1h", 14.41, "5m", 15), "1m", ("burn_tier=14.4",)),
    Case("SlaBurnFast", "exactly 14.4 is allowed", burn("1h", 14.4, "5m", 15), "1m"),
    Case("SlaBurnFast", "it is over by now", burn("1h", 20, "5m", 14.4), "1m"),
    Case("SlaBurnFast", "nothing is known", (), "1m"),
    Case(
        "SlaBurnFast",
        "the month changes, and the outage goes on",
        (
            *burn("1h", 16, "5m", 200),
            ends_at("1970-01", "60x60"),
            ends_at("1970-02", "9000000x60"),
        ),
        "5m",
        ("burn_tier=14.4",),
    ),
    Case(
        "SlaBurnFast",
        "the daemon is gone, and another alert says so",
        ('sla_burn_rate{service="app",window="1h"} 20 stale', 'sla_burn_rate{service="app",window="5m"} 20 stale'),
        "5m",
    ),
    Case("SlaBurnSteady", "both windows burn", burn("6h", 6.1, "30m", 6.1), "1m", ("burn_tier=6",)),
    Case("SlaBurnSteady", "it is over by now", burn("6h", 6.1, "30m", 5), "1m"),
    Case("SlaBurnSlow", "both windows burn", burn("3d", 1.1, "6h", 1.1), "1m", ("burn_tier=1",)),
    Case("SlaBurnSlow", "exactly as fast as allowed", burn("3d", 1, "6h", 2), "1m"),
    Case("SlaBurnDay", "both windows burn", burn("1d", 3.1, "2h", 3.1), "1m", ("burn_tier=3",)),
    Case("SlaBurnDay", "it is over by now", burn("1d", 3.1, "2h", 0), "1m"),
    # budget
    *_used("50", "0.499", "0.5"),
    *_used("75", "0.749", "0.75"),
    *_used("90", "0.899", "0.9"),
    *_used("100", "0.999", "1"),
    Case(
        "SlaBreached",
        "a second too much",
        (month("sla_error_budget_remaining_seconds", "-1x5"), RUNS),
        "2m",
        ("month=1970-01",),
    ),
    Case("SlaBreached", "all of it used", (month("sla_error_budget_remaining_seconds", "0x5"), RUNS), "2m"),
    Case(
        "SlaBreached",
        "it was the month before",
        (month("sla_error_budget_remaining_seconds", "-1x5", "1969-12"), RUNS, ENDED),
        "2m",
    ),
    Case(
        "SlaBreached",
        "the month is over and the alert ends",
        (month("sla_error_budget_remaining_seconds", "-1x50000"), ends_at("1970-01", "600x50000")),
        "11m",
    ),
    Case(
        "SlaBreachedAgain",
        "both months",
        (
            month("sla_verdict_info", "1x5", more=',verdict="breached"'),
            month("sla_verdict_info", "1x5", "1969-12", ',verdict="breached"'),
            RUNS,
            ENDED,
        ),
        "2m",
        ("month=1970-01",),
    ),
    Case(
        "SlaBreachedAgain",
        "only this one",
        (
            month("sla_verdict_info", "1x5", more=',verdict="breached"'),
            month("sla_verdict_info", "1x5", "1969-12", ',verdict="met"'),
            RUNS,
            ENDED,
        ),
        "2m",
    ),
    Case(
        "SlaPromiseBrokenAgain",
        "another commitment than the month before",
        (
            RUNS,
            'sla_breaches{commitment="LCP",month="1970-01"} 1x5',
            'sla_breaches{commitment="availability",month="1970-01"} 0x5',
            'sla_breaches{commitment="availability",month="1969-12"} 2x5',
            ENDED,
        ),
        "2m",
        ("month=1970-01",),
    ),
    Case(
        "SlaPromiseBrokenAgain",
        "only this month",
        (
            'sla_breaches{commitment="LCP",month="1970-01"} 1x5',
            'sla_breaches{commitment="LCP",month="1969-12"} 0x5',
            RUNS,
            ENDED,
        ),
        "2m",
    ),
    Case(
        "SlaEventBudgetUsed",
        "the peak's own budget is used",
        ('sla_event_error_budget_burned_ratio{service="app",event="sale"} 1x5',),
        "2m",
        ("service=app",),
    ),
    Case(
        "SlaEventBudgetUsed",
        "some is left",
        ('sla_event_error_budget_burned_ratio{service="app",event="sale"} 0.99x5',),
        "2m",
    ),
    Case(
        "MinutebookChannelFailing",
        "for over a quarter of an hour",
        ('minutebook_channel_failing_since_timestamp_seconds{channel="acme"} 60x60',),
        "17m",
        ("channel=acme",),
    ),
    Case(
        "MinutebookChannelFailing",
        "for a few minutes",
        ('minutebook_channel_failing_since_timestamp_seconds{channel="acme"} 60x60',),
        "15m",
    ),
    Case(
        "SlaBudgetRunsOut",
        "for a quarter of an hour",
        (exhaustion("3d", "200000x60"), exhaustion("6h", "90000x60")),
        "20m",
        ("window=3d",),
    ),
    Case("SlaBudgetRunsOut", "not for long", (exhaustion("3d", "90000x60"), exhaustion("6h", "90000x5 _x60")), "20m"),
    Case("SlaBudgetRunsOut", "it is used up already", (exhaustion("3d", "60x60"), exhaustion("6h", "60x60")), "20m"),
    Case(
        "SlaBudgetRunsOut", "one minute down, early in the month, is no trend", (exhaustion("6h", "90000x60"),), "20m"
    ),
    # unknown
    Case(
        "SlaUnknownTime",
        "six minutes within the hour",
        (month("sla_account_seconds", "1000x90 1360x20", more=UNKNOWN), RUNS, LENGTH),
        "100m",
        ("account=unknown",),
    ),
    Case(
        "SlaUnknownTime",
        "five minutes",
        (month("sla_account_seconds", "1000x90 1300x20", more=UNKNOWN), RUNS, LENGTH),
        "100m",
    ),
    Case(
        "SlaUnknownTime",
        "long ago",
        (month("sla_account_seconds", "90000x120", more=UNKNOWN), RUNS, LENGTH),
        "100m",
    ),
    Case(
        "SlaUnknownTime",
        "since the month began, half an hour ago",
        (month("sla_account_seconds", "301x60", more=UNKNOWN), RUNS, LENGTH),
        "30m",
        ("account=unknown",),
    ),
    Case(
        "SlaUnknownTime",
        "two daemons are scraped, since the month began",
        (
            month("sla_account_seconds", "301x60", more=f'{UNKNOWN},instance="a"'),
            month("sla_account_seconds", "0x60", more=f'{UNKNOWN},instance="b"').replace("app", "other"),
            ends_at("1970-01", f"{MONTH_S}x60", ',instance="a"'),
            ends_at("1970-01", f"{MONTH_S}x60", ',instance="b"'),
            month("sla_month_length_seconds", f"{MONTH_S}x60", more=',instance="a"'),
            month("sla_month_length_seconds", f"{MONTH_S}x60", more=',instance="b"').replace("app", "other"),
        ),
        "30m",
        ("instance=a",),
    ),
    Case(
        "SlaUnknownTime",
        "the daemon restarts: an hour ago it had the same figure",
        (month("sla_account_seconds", "1000x50 stale _x5 1000x60", more=UNKNOWN), RUNS, LENGTH),
        "100m",
    ),
    Case(
        "SlaUnknownTime",
        "the month is over: what was unknown in it pages no more",
        (
            month("sla_account_seconds", "0x30 900x60", more=UNKNOWN),
            month("sla_account_seconds", "_x40 0x60", "1970-02", UNKNOWN),
            ends_at("1970-01", "2400x200"),
            ends_at("1970-02", f"{MONTH_S}x200"),
            LENGTH,
        ),
        "45m",
    ),
    Case(
        "SlaUnknownTime",
        "the daemon was started for the first time, late in the month",
        (month("sla_account_seconds", "_x100 900000x20", more=UNKNOWN), RUNS, LENGTH),
        "110m",
    ),
)
