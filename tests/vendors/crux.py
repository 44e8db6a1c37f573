"""Answers of the CrUX API in the shape of recorded ones: a record, and a history with an ineligible window."""

from __future__ import annotations

from typing import Any


def date_of(text: str) -> dict[str, int]:
    year, month, day = (int(part) for part in text.split("-"))
    return {"year": year, "month": month, "day": day}


def period(first: str, last: str) -> dict[str, Any]:
    return {"firstDate": date_of(first), "lastDate": date_of(last)}


def record(origin: str, last: str = "2026-06-16") -> dict[str, Any]:
    """CLS reads 0.10, and 72.6 % of the visits are good."""
    return {
        "record": {
            "key": {"origin": origin},
            "metrics": {
                "largest_contentful_paint": {
                    "histogram": [
                        {"start": 0, "end": 2500, "density": 0.7900432900432863},
                        {"start": 2500, "end": 4000, "density": 0.13528138528138467},
                        {"start": 4000, "density": 0.0746753246753239},
                    ],
                    "percentiles": {"p75": 2312},
                },
                "interaction_to_next_paint": {
                    "histogram": [{"start": 0, "end": 200, "density": 0.75}, {"start": 200, "density": 0.25}],
                    "percentiles": {"p75": 200},
                },
                "cumulative_layout_shift": {
                    "histogram": [
                        {"start": "0.00", "end": "0.10", "density": 0.726043701171875},
                        {"start": "0.10", "end": "0.25", "density": 0.2373046875},
                        {"start": "0.25", "density": 0.036651611328125},
                    ],
                    "percentiles": {"p75": "0.10"},
                },
                "first_input_delay": {"histogram": [], "percentiles": {"p75": 17}},
            },
            "collectionPeriod": period("2026-05-20", last),
        }
    }


def history(origin: str) -> dict[str, Any]:
    """Three windows a week apart; in the second there were too few visits."""
    return {
        "record": {
            "key": {"origin": origin},
            "metrics": {
                "largest_contentful_paint": {
                    "histogramTimeseries": [
                        {"start": 0, "end": 2500, "densities": [0.8, "NaN", 0.7]},
                        {"start": 2500, "densities": [0.2, "NaN", 0.3]},
                    ],
                    "percentilesTimeseries": {"p75s": [2000, None, 2600]},
                }
            },
            "collectionPeriods": [
                period("2026-05-03", "2026-05-30"),
                period("2026-05-10", "2026-06-06"),
                period("2026-05-17", "2026-06-13"),
            ],
        }
    }
