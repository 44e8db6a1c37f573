"""When the alerts on Web Vitals must fire, and when chance or hysteresis keeps them silent or firing."""

from __future__ import annotations

from tests.alerts.case import Case


def vital(window: str, share: str, *verdicts: tuple[str, str, str], promised: str = "0.75") -> tuple[str, ...]:
    """A good share by the minute, and the verdicts with their confidence and when they stand."""
    where = f'metric="LCP",window="{window}"'
    told = [
        f'web_vitals_verdict_info{{{where},verdict="{verdict}",confidence="{confidence}"}} {values}'
        for verdict, confidence, values in verdicts
    ]
    objective = f"web_vitals_objective_ratio{{{where}}} {promised}x300"
    return (f"web_vitals_good_ratio{{{where}}} {share}", objective, *told)


CLEAR = ("missed", "clear", "1x100 _x200")
BORDERLINE = ("missed", "borderline", "_x101 1x200")
PAGE, TICKET = ("severity=page",), ("severity=ticket",)

VITAL_CASES = (
    Case("WebVitalsMissed", "missed and clear", vital("28d", "0.7x100", ("missed", "clear", "1x100")), "62m", PAGE),
    Case("WebVitalsMissed", "not for an hour yet", vital("28d", "0.7x100", ("missed", "clear", "1x100")), "59m"),
    Case("WebVitalsMissed", "borderline", vital("28d", "0.74x100", ("missed", "borderline", "1x100")), "90m"),
    Case("WebVitalsMissed", "met", vital("28d", "0.8x100", ("met", "clear", "1x100")), "90m"),
    Case("WebVitalsMissed", "no data", vital("28d", "_x100", ("no_data", "", "1x100")), "90m"),
    Case(
        "WebVitalsMissed", "the month alone is missed", vital("month", "0.7x100", ("missed", "clear", "1x100")), "90m"
    ),
    Case("WebVitalsMissed", "it is hardly better", vital("28d", "0.7x100 0.76x200", CLEAR, BORDERLINE), "200m", PAGE),
    Case("WebVitalsMissed", "it is well better", vital("28d", "0.7x100 0.78x200", CLEAR, BORDERLINE), "200m"),
    Case(
        "WebVitalsMissed",
        "it is hardly better than 90 %",
        vital("28d", "0.8x100 0.905x200", CLEAR, BORDERLINE, promised="0.9"),
        "200m",
        PAGE,
    ),
    Case(
        "WebVitalsMissed",
        "it is well better than 90 %",
        vital("28d", "0.8x100 0.91x200", CLEAR, BORDERLINE, promised="0.9"),
        "200m",
    ),
    Case(
        "WebVitalsMissed",
        "half are promised, and it is well better",
        vital("28d", "0.4x100 0.56x200", CLEAR, BORDERLINE, promised="0.5"),
        "200m",
    ),
    Case("WebVitalsMissed", "what was never clear is not held", vital("28d", "0.76x300", BORDERLINE), "250m"),
    Case("WebVitalsMonthMissed", "missed and clear", vital("month", "0.7x100", CLEAR), "62m", TICKET),
    Case("WebVitalsMonthMissed", "borderline", vital("month", "0.74x300", BORDERLINE), "250m"),
)
