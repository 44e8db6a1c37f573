"""The fault catalogue (design/faults.md) row by row: which test shows that each is recorded as that page says.

A row is `number: (condition, test, ...)`; a test is a pytest node, `file::function`, under tests/. test_table.py holds
this table to the tests there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.http_rows import HTTP_ROWS

NOT_YET: frozenset[int] = frozenset()
"""Rows that have no test yet: it only shrinks, and test_table.py refuses a row here that has one."""

OF_LATER_WORK: Mapping[int, str] = {102: "comes with the command `agent`"}
"""Rows of what minutebook does not have yet."""

ROWS: Mapping[int, tuple[str, ...]] = {
    # connect level
    1: ("port closed", "faults/test_connect_rows.py::test_a_closed_port_is_refused"),
    2: (
        "black hole (nft drop)",
        "faults/test_connect_rows.py::test_a_black_hole_is_the_target_s_while_the_canaries_answer",
        "faults/test_connect_rows.py::test_a_black_hole_that_swallows_the_canaries_too_is_our_own_network",
    ),
    3: (
        "SYN accepted, RST at once (SO_LINGER 0)",
        "faults/test_connect_rows.py::test_a_reset_of_the_connection_at_once",
    ),
    4: ("RST after request sent", "faults/test_connect_rows.py::test_a_reset_after_the_request"),
    5: (
        "accept backlog full (listen 0, never accept)",
        "faults/test_connect_rows.py::test_a_full_backlog_ends_at_the_deadline",
    ),
    6: (
        "half-open: server gone silently (drop after handshake)",
        "faults/test_connect_rows.py::test_a_server_that_is_gone_after_the_handshake",
    ),
    7: (
        "admin-prohibited ICMP",
        "faults/test_connect_rows.py::test_a_prohibited_target_is_unreachable_while_the_canaries_answer",
    ),
    8: (
        "no route / link down here",
        "faults/test_connect_rows.py::test_no_way_out_of_this_host_is_our_own_network",
        "faults/test_connect_rows.py::test_no_default_route_is_our_own_network",
    ),
    9: (
        "own firewall drops/rejects output",
        "faults/test_connect_rows.py::test_a_firewall_of_our_own_that_stops_everything_is_ours",
        "faults/test_connect_rows.py::test_a_firewall_of_our_own_that_stops_one_target_looks_like_the_target",
        "faults/test_connect_rows.py::test_a_firewall_of_our_own_that_refuses_everything_is_seen_by_many_checks",
    ),
    10: (
        "5 % / 30 % packet loss",
        "faults/test_connect_rows.py::test_a_few_lost_packets_are_never_an_outage",
        "faults/test_connect_rows.py::test_many_lost_packets_are_up_or_a_timeout",
    ),
    11: ("3 s RTT", "faults/test_connect_rows.py::test_a_round_trip_of_three_seconds_is_up_and_slow"),
    12: ("IPv6 black hole, IPv4 good", "faults/test_connect_rows.py::test_an_ipv6_black_hole_hides_no_living_ipv4"),
    13: ("IPv4 black hole, IPv6 good", "faults/test_connect_rows.py::test_an_ipv4_black_hole_hides_no_living_ipv6"),
    14: (
        "AAAA only, host has no IPv6",
        "faults/test_connect_rows.py::test_ipv6_only_is_our_own_network_where_there_is_no_ipv6",
        "faults/test_connect_rows.py::test_ipv6_that_ends_beyond_this_host_is_the_target_s",
        "faults/test_connect_rows.py::test_check_config_warns_of_ipv6_where_there_is_none",
    ),
    15: (
        "10 addresses, first 9 dead",
        "faults/test_connect_rows.py::test_the_tenth_address_answers_when_nine_are_dead",
    ),
    16: (
        "ephemeral ports exhausted",
        "faults/test_connect_rows.py::test_without_a_free_port_of_our_own_nothing_is_said_of_the_target",
    ),
    17: (
        "fd limit reached",
        "faults/test_shortages.py::test_a_full_descriptor_table_is_ours",
        "faults/test_shortages.py::test_authorities_that_could_not_be_read_for_want_of_descriptors_are_read_later",
    ),
    18: (
        "ENOMEM/ENOBUFS, memory cgroup full",
        "faults/test_shortages.py::test_a_kernel_without_memory_is_ours",
        "faults/test_shortages.py::test_a_process_without_memory_says_nothing_of_the_target_and_goes_on",
    ),
    19: (
        "port reuse / TIME_WAIT storm at target",
        "faults/test_connect_rows.py::test_a_storm_of_closed_connections_is_seen_as_it_is",
    ),
    20: (
        "captive portal / transparent proxy answers 200 for all",
        "faults/test_portals.py::test_a_portal_that_answers_for_all_says_nothing_of_the_target",
        "faults/test_portals.py::test_a_fail_behind_a_portal_is_void_from_the_first_look_on",
        "faults/test_portals.py::test_a_pass_behind_a_portal_is_void_from_the_first_look_on",
    ),
    # DNS
    21: (
        "NXDOMAIN, confirmed by 2 resolvers",
        "faults/test_dns_rows.py::test_a_name_that_two_servers_do_not_know_does_not_exist",
        "faults/test_dns_rows.py::test_a_name_that_one_server_does_not_know_and_another_does_is_up",
    ),
    22: ("NODATA (no A/AAAA)", "faults/test_dns_rows.py::test_a_name_without_an_address"),
    23: (
        "SERVFAIL from both resolvers, other names fine",
        "faults/test_dns_rows.py::test_servfail_for_this_name_alone_is_the_target_s",
    ),
    24: ("SERVFAIL for every name", "faults/test_dns_rows.py::test_servfail_for_every_name_is_our_own_resolvers"),
    25: (
        "resolver A dead, B fine",
        "faults/test_dns_rows.py::test_a_dead_server_is_shown_and_the_other_one_answers",
        "faults/test_dns_rows.py::test_a_server_that_nobody_is_is_shown_at_once",
        "faults/test_dns_rows.py::test_the_metric_shows_which_server_is_dead",
    ),
    26: (
        "all resolvers time out",
        "faults/test_dns_rows.py::test_servers_that_are_all_silent_are_our_own_trouble_and_others_go_on",
    ),
    27: (
        "authoritative times out for this name only",
        "faults/test_dns_rows.py::test_a_name_whose_own_servers_are_silent_is_the_target_s",
        "faults/test_dns_rows.py::test_a_name_whose_own_servers_are_silent_delays_no_other",
    ),
    28: ("4 s slow answer", "faults/test_dns_rows.py::test_a_slow_answer_is_taken_and_its_time_is_the_look_up_s"),
    29: (
        "rotating / round robin with a dead member",
        "faults/test_dns_rows.py::test_a_rotating_name_with_a_dead_member_is_up_at_the_living_address",
    ),
    30: (
        "TTL 0, address changes each time",
        "faults/test_dns_rows.py::test_an_address_that_changes_each_time_is_followed_each_time",
    ),
    31: (
        "truncated (TC) → TCP refused",
        "faults/test_dns_rows.py::test_an_answer_that_is_cut_and_not_to_be_had_over_tcp",
    ),
    32: (
        "wrong id / spoofed / malformed / compression loop",
        "faults/test_dns_rows.py::test_only_answers_that_are_none_are_a_timeout",
        "faults/test_dns_rows.py::test_what_is_no_answer_is_ignored",
        "faults/test_dns_rows.py::test_a_huge_answer_is_taken_or_ignored_without_an_exception",
        "faults/test_address_rows.py::test_a_name_with_thousands_of_addresses_costs_little_and_reaches_few",
        "faults/test_large_answers.py::test_an_answer_of_64_kilobytes_stays_within_the_memory_of_a_look",
        "faults/test_large_answers.py::test_a_datagram_of_60_kilobytes_is_not_read",
        "faults/test_large_answers.py::test_the_longest_datagram_that_is_read_stays_within_the_memory_of_a_look",
    ),
    33: ("CNAME loop, chain > 16", "faults/test_dns_rows.py::test_a_chain_of_names_that_does_not_end"),
    34: (
        "answer contains only denied addresses",
        "faults/test_address_rows.py::test_only_denied_addresses_are_our_own_policy_and_nothing_is_sent",
    ),
    35: (
        "rebinding: public first, 127.0.0.1 second",
        "faults/test_address_rows.py::test_only_the_vetted_address_of_several_is_connected_to",
        "faults/test_address_rows.py::test_a_name_that_turns_to_loopback_is_vetted_at_each_look_and_hop",
        "faults/test_address_rows.py::test_a_redirect_to_a_name_that_has_turned_to_loopback_is_blocked",
    ),
    # TLS
    36: ("expired", "faults/test_tls.py::test_36_an_expired_certificate_is_down"),
    37: (
        "not yet valid (or our clock wrong: check clock_synchronized)",
        "faults/test_tls.py::test_37_a_certificate_of_tomorrow_is_down",
        "faults/test_tls.py::test_37_where_nothing_keeps_our_clock_right_it_is_unknown",
    ),
    38: ("wrong host", "faults/test_tls.py::test_38_a_certificate_of_another_host_is_down"),
    39: (
        "self-signed / unknown CA / missing intermediate",
        "faults/test_tls.py::test_39_a_certificate_that_nobody_vouches_for_is_down",
        "faults/test_tls.py::test_39_without_its_intermediate_a_certificate_is_down_and_with_it_up",
    ),
    40: (
        "RSA-1024, weak digest in chain",
        "faults/test_tls.py::test_40_weak_keys_and_digests_are_down_as_weak",
        "faults/test_tls.py::test_40_a_weak_digest_of_a_certificate_that_is_its_own_anchor_is_no_fault",
    ),
    41: ("revoked", "faults/test_tls.py::test_41_a_revoked_certificate_is_up_and_its_revocations_are_not_asked_for"),
    42: ("only TLS 1.0/1.1", "faults/test_tls.py::test_42_only_old_versions_are_down"),
    43: (
        "ALPN mismatch / only h2",
        "faults/test_tls.py::test_43_a_target_that_insists_on_h2_is_down_and_one_that_does_not_is_up",
        "probes/test_tls_kind.py::test_one_of_the_protocols_of_alpn_must_be_agreed_on",
    ),
    44: ("hang after ClientHello", "faults/test_tls.py::test_44_silence_after_the_hello_ends_at_the_deadline"),
    45: (
        "one byte per second in the handshake",
        "faults/test_tls.py::test_45_a_handshake_of_a_byte_at_a_time_ends_at_the_deadline",
    ),
    46: ("RST / EOF in handshake", "faults/test_tls.py::test_46_a_connection_that_ends_in_the_handshake_is_down"),
    47: ("plain HTTP on the TLS port", "faults/test_tls.py::test_47_another_protocol_on_the_tls_port_is_down"),
    48: (
        "100 KB certificate chain, 1000 SANs",
        "faults/test_tls.py::test_48_a_large_chain_is_judged_as_any_other",
        "faults/test_tls.py::test_48_beyond_the_bound_a_chain_is_down",
        "faults/test_tls.py::test_48_a_handshake_without_end_is_down",
        "faults/test_tls.py::test_48_neither_takes_more_memory_than_a_look_may",
        "faults/test_any_tls.py::test_tickets_without_end_are_down",
    ),
    49: (
        "client certificate demanded",
        "faults/test_tls.py::test_49_a_client_certificate_that_is_demanded_is_down_in_these_words",
        "faults/test_tls.py::test_49_also_where_the_target_is_gone_as_soon_as_it_has_said_so",
    ),
    50: (
        "our CA bundle missing",
        "faults/test_tls.py::test_50_no_daemon_starts_without_authorities",
        "faults/test_tls.py::test_50_authorities_that_go_away_later_make_no_downtime",
    ),
    51: (
        "cert expires in < N days",
        "faults/test_tls.py::test_51_a_certificate_that_ends_soon_is_up_and_the_earliest_of_all_hops_is_recorded",
    ),
    **HTTP_ROWS,
    # our own faults during a probe
    88: (
        "wall clock ±1 h mid-probe",
        "daemon/test_own_faults.py::test_a_stepped_clock_is_unknown",
        "probes/test_prober.py::test_a_look_that_a_stepped_clock_overlapped_is_void",
    ),
    89: (
        "loop blocked 3 s",
        "probes/test_prober.py::test_a_fail_during_a_stall_is_void_and_looked_at_once_more",
        "daemon/test_own_faults.py::test_a_look_that_times_out_while_the_process_stands_is_void_and_looked_at_once_more",
    ),
    90: (
        "SIGSTOP 5 min",
        "daemon/test_stop.py::test_a_process_that_was_stopped_knows_nothing_of_that_time",
        "probes/test_process.py::test_a_stopped_process_makes_no_downtime_and_no_burst",
        "probes/test_prober.py::test_a_look_that_a_suspension_overlapped_is_void",
        "probes/test_prober.py::test_missed_slots_are_one_void_up_to_the_next_slot",
        "probes/test_scheduler.py::test_what_a_suspension_skipped_is_told_once_a_check_without_a_burst",
    ),
    91: (
        "VM pause (monotonic stands still, wall jumps)",
        "probes/test_own_trouble.py::test_a_machine_that_slept_during_a_look_makes_it_void",
        "probes/test_watch.py::test_a_machine_that_slept_was_suspended_and_its_clock_was_not_stepped",
    ),
    92: (
        "CPU starved (stress-ng --cpu 8, nice)",
        "probes/test_own_trouble.py::test_a_timeout_for_half_of_which_the_loop_was_late_is_void",
        "probes/test_own_trouble.py::test_a_late_loop_makes_durations_unreliable_and_says_so",
    ),
    93: ("memory pressure / swap storm", "daemon/test_own_faults.py::test_a_daemon_short_of_memory_books_no_downtime"),
    94: (
        "store locked, full, damaged",
        "daemon/test_own_faults.py::test_a_store_that_another_program_locks_costs_no_look_its_time",
        "daemon/test_full_disk.py::test_a_full_disk_loses_nothing_and_is_over_by_itself",
        "daemon/test_bad_input.py::test_a_damaged_store_is_refused_and_left_as_it_is",
        "store/test_recorder.py::test_what_the_buffer_cannot_hold_becomes_a_void_over_that_stretch",
        "store/test_recorder.py::test_what_waiting_does_not_mend_stops_the_process",
    ),
    95: ("SIGTERM mid-probe", "daemon/test_stop.py::test_a_stop_is_recorded_and_the_look_under_way_is_void"),
    96: ("kill -9 mid-probe", "daemon/test_kill.py::test_a_restart_after_a_kill_shows_its_gap_as_unknown"),
    97: (
        "started later than one interval",
        "probes/test_prober.py::test_a_look_that_starts_over_an_interval_late_is_void_and_not_made",
        "probes/test_scheduler.py::test_a_start_tells_the_slots_since_the_last_result",
    ),
    98: (
        "config reload removes the monitor mid-probe",
        "probes/test_prober.py::test_a_reload_keeps_the_run_of_an_unchanged_check_and_ends_looks_as_they_began",
    ),
    99: (
        "log disk full / stderr closed / journald blocked",
        "daemon/test_stderr.py::test_looks_go_on_whatever_becomes_of_the_log",
    ),
    100: (
        "two monitors with the same URL, 1,000 monitors on one host",
        "probes/test_own_trouble.py::test_a_thousand_checks_of_one_host_are_all_looked_at_so_many_at_once",
        "probes/test_own_trouble.py::test_no_check_starves_behind_others_that_wait",
        "probes/test_runs.py::test_a_host_has_room_for_all_its_checks_though_every_look_lasts_until_its_timeout",
        "probes/test_scheduler.py::test_many_checks_are_spread_over_the_interval",
    ),
    101: (
        "second daemon on the same store",
        "daemon/test_bad_input.py::test_a_second_daemon_is_told_who_holds_the_store",
    ),
    102: ("agent cut from the store, still sees targets", ""),
}


def nodes(number: int) -> tuple[str, ...]:
    """The row's tests as pytest names them from the root of the tree."""
    return tuple(f"tests/{test}" for test in ROWS[number][1:] if test)
