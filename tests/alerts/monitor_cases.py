"""When the alerts on the monitor itself, its sources and its checks must fire, and when they must be silent."""

from __future__ import annotations

from tests.alerts.case import Case

EVALUATED = "minutebook_evaluation_timestamp_seconds"
RELOADED = "minutebook_config_last_reload_successful"
SYNCHRONIZED = "minutebook_clock_synchronized"
PAGE = ("severity=page",)

MONITOR_CASES: tuple[Case, ...] = (
    Case(
        "MinutebookBlind",
        "over five minutes",
        ('minutebook_void_since_timestamp_seconds{check="admin",reason="self_network"} 60x20',),
        "7m",
        ("check=admin",),
    ),
    Case(
        "MinutebookBlind",
        "five minutes",
        ('minutebook_void_since_timestamp_seconds{check="admin",reason="self_network"} 60x20',),
        "6m",
    ),
    Case("MinutebookBlind", "it knows", (f"{EVALUATED} 0+60x20",), "7m"),
    Case(
        "MinutebookBlind",
        "the reason changes on the way, and nobody is paged anew",
        (
            'minutebook_void_since_timestamp_seconds{check="admin",reason="missed"} 60x8 stale',
            'minutebook_void_since_timestamp_seconds{check="admin",reason="self_network"} _x8 60x20',
        ),
        "12m",
        ("check=admin",),
    ),
    # the monitor
    Case("MinutebookAbsent", "it was never there", (), "2m", PAGE),
    Case(
        "MinutebookAbsent",
        "it went",
        (f"{EVALUATED} 0+60x3 stale",),
        "6m",
        ("severity=page",),
    ),
    Case("MinutebookAbsent", "it is there", (f"{EVALUATED} 0+60x20",), "6m"),
    Case(
        "MinutebookAbsent",
        "the other of two daemons is there",
        (
            'up{job="minutebook",instance="b"} 1 1 0x20',
            f'{EVALUATED}{{job="minutebook",instance="b"}} 0+60x1 stale',
            f'{EVALUATED}{{job="minutebook",instance="a"}} 0+60x20',
            'up{job="minutebook",instance="a"} 1x20',
        ),
        "6m",
        ("instance=b",),
    ),
    Case("MinutebookAbsent", "it restarts", (f"{EVALUATED} 0+60x3 stale 300+60x9",), "5m"),
    Case(
        "MinutebookEvaluationStale",
        "it stands",
        (f"{EVALUATED} 0x20",),
        "4m",
        ("severity=page",),
    ),
    Case("MinutebookEvaluationStale", "it goes on", (f"{EVALUATED} 0+60x20",), "4m"),
    Case("MinutebookStoreNotWritable", "for a minute", ("minutebook_store_writable 0x20",), "2m", PAGE),
    Case("MinutebookStoreNotWritable", "only once", ("minutebook_store_writable 1 0 1x20",), "2m"),
    Case(
        "MinutebookConfigNotReloaded",
        "refused",
        (f"{RELOADED} 0x20",),
        "2m",
        ("severity=ticket",),
    ),
    Case("MinutebookConfigNotReloaded", "accepted", (f"{RELOADED} 1x20",), "2m"),
    Case(
        "MinutebookClockUnsynchronized",
        "nobody keeps it",
        (f"{SYNCHRONIZED} 0x20",),
        "11m",
        ("severity=ticket",),
    ),
    Case("MinutebookClockUnsynchronized", "not known", ("minutebook_build_info 1x20",), "11m"),
    Case("MinutebookWatchdog", "always", (), "1m", ("severity=none",)),
    Case(
        "MinutebookSourceStale",
        "a quarter of an hour and more",
        ('minutebook_source_last_success_timestamp_seconds{source="shop"} 0x60', "minutebook_build_info 1x60"),
        "22m",
        ("source=shop",),
    ),
    Case(
        "MinutebookSourceStale",
        "the daemon has restarted and not read it yet",
        (
            'minutebook_source_last_success_timestamp_seconds{source="shop"} 0+60x10 stale _x1 720+60x20',
            "minutebook_build_info 1x60",
        ),
        "13m",
    ),
    Case(
        "MinutebookSourceStale",
        "never read at all",
        ("minutebook_build_info 1x60",),
        "6m",
        ("source=shop",),
    ),
    Case(
        "MinutebookSourceStale",
        "read every minute",
        ('minutebook_source_last_success_timestamp_seconds{source="shop"} 0+60x60', "minutebook_build_info 1x60"),
        "22m",
    ),
    Case("MinutebookSourceStale", "the monitor itself is gone, which pages", (), "22m"),
    # checks
    Case(
        "CheckCertificateEnds",
        "soon",
        ('minutebook_check_warning{service="app",check="admin",warning="certificate_days"} 1x60',),
        "16m",
        ("check=admin",),
    ),
    Case(
        "CheckCertificateEnds",
        "not soon",
        ('minutebook_check_warning{service="app",check="admin",warning="certificate_days"} 0x60',),
        "16m",
    ),
    Case(
        "CheckSlow",
        "for ten minutes",
        ('minutebook_check_warning{service="app",check="admin",warning="duration"} 1x60',),
        "11m",
        ("check=admin",),
    ),
    Case(
        "CheckSlow",
        "now and then",
        ('minutebook_check_warning{service="app",check="admin",warning="duration"} 1 0 1 0 1 0 1 0 1 0 1 0 1',),
        "11m",
    ),
)
