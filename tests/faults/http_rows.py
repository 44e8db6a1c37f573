"""The rows of the fault catalogue about HTTP, 52 to 87, as rows.py has them."""

from __future__ import annotations

from collections.abc import Mapping

HTTP_ROWS: Mapping[int, tuple[str, ...]] = {
    52: ("200 OK as specified", "faults/test_http.py::test_52_a_response_as_specified_is_up"),
    53: (
        "5xx, 4xx, 3xx unexpected",
        "faults/test_http.py::test_53_a_status_that_is_not_expected_is_down_with_its_code",
    ),
    54: (
        "429/503 + Retry-After from a WAF to us",
        "faults/test_http.py::test_54_a_refusal_that_names_when_to_come_again_may_be_a_rate_limit",
    ),
    55: (
        "200 with wrong body / error page",
        "faults/test_http.py::test_55_an_error_page_with_a_good_status_is_down",
        "faults/test_http.py::test_55_no_body_holds_an_expression_for_long",
    ),
    56: ("connect, then silence", "faults/test_http.py::test_56_silence_after_the_connection_ends_at_the_deadline"),
    57: ("one header per 0.5 s for ever", "faults/test_http.py::test_57_a_header_at_a_time_ends_at_the_deadline"),
    58: ("body one byte per 0.5 s", "faults/test_http.py::test_58_a_body_a_byte_at_a_time_ends_at_the_deadline"),
    59: (
        "never-ending body at full speed",
        "faults/test_http.py::test_59_a_body_without_end_is_too_large",
        "faults/test_http.py::test_59_a_body_without_end_takes_no_more_memory_than_a_look_may",
    ),
    60: (
        "1 GB body with honest length",
        "faults/test_http.py::test_60_a_gigabyte_of_an_honest_length_is_up_where_nobody_asks_for_the_body",
        "faults/test_http.py::test_60_reading_stops_at_the_cap",
    ),
    61: ("length 100, 3 bytes sent, close", "faults/test_http.py::test_61_a_body_that_is_cut_short_is_truncated"),
    62: ("length smaller than body", "faults/test_http.py::test_62_what_comes_after_the_length_is_ignored"),
    63: ("two different Content-Length", "faults/test_http.py::test_63_two_lengths_are_no_http"),
    64: ("Content-Length + chunked", "faults/test_http.py::test_64_a_length_and_chunks_are_no_http"),
    65: (
        "bad chunk size, missing last chunk",
        "faults/test_http.py::test_65_chunks_that_are_none_are_down",
        "faults/test_http.py::test_65_chunk_extensions_without_end_are_no_http",
    ),
    66: (
        "gzip bomb of about 400 KB → 400 MB; nested; brotli",
        "faults/test_http.py::test_66_a_decompression_bomb_is_too_large",
        "faults/test_http.py::test_66_brotli_which_was_not_asked_for_is_never_unpacked",
        "faults/test_http.py::test_66_a_bomb_takes_no_more_memory_than_a_look_may",
    ),
    67: (
        "broken gzip, truncated gzip, unknown encoding",
        "faults/test_http.py::test_67_what_does_not_decompress_is_down",
        "faults/test_http.py::test_67_what_does_is_up_though_it_was_not_asked_for",
    ),
    68: ("cut in headers, close", "faults/test_http.py::test_68_an_end_in_the_headers_is_down"),
    69: ("HTTP/0.9, SSH banner, binary garbage", "faults/test_http.py::test_69_what_is_no_http_is_down"),
    70: ("status 99999, 000, negative, text", "faults/test_http.py::test_70_a_status_that_is_none_is_down"),
    71: (
        "2 MB header line; 100,000 headers",
        "faults/test_http.py::test_71_too_many_headers_are_no_http",
        "faults/test_http.py::test_71_headers_take_no_more_memory_than_a_look_may",
    ),
    72: (
        "endless 100/103 responses",
        "faults/test_http.py::test_72_interim_responses_without_end_are_no_http",
        "faults/test_http.py::test_72_interim_responses_take_no_more_memory_than_a_look_may",
        "faults/test_http.py::test_72_an_interim_response_says_nothing_of_the_final_one",
    ),
    73: (
        "duplicate headers, folded headers, NUL, invalid UTF-8 in headers/reason/body,",
        "faults/test_http.py::test_73_what_is_only_odd_is_up",
    ),
    74: (
        "redirect loop; 6 hops",
        "faults/test_redirects.py::test_74_a_loop_ends_after_five_redirects_and_six_are_too_many",
    ),
    75: (
        "redirect to file:, gopher:, ftp:, javascript:",
        "faults/test_redirects.py::test_75_another_scheme_is_blocked",
    ),
    76: (
        "redirect to 169.254.169.254, 127.0.0.1, [::ffff:…], decimal IP, port 22",
        "faults/test_redirects.py::test_76_no_other_address_of_this_host_is_connected_to",
        "faults/test_redirects.py::test_76_another_port_of_the_same_host_is_blocked",
        "faults/test_redirects.py::test_76_where_private_targets_are_denied_not_one_packet_goes_to_them",
    ),
    77: (
        "redirect to another host",
        "faults/test_redirects.py::test_77_another_host_is_followed_to_only_where_it_is_named_and_gets_nothing_of_ours",
    ),
    78: (
        "https → http downgrade",
        "faults/test_redirects.py::test_78_from_https_to_http_is_blocked_unless_it_is_allowed",
    ),
    79: (
        "redirect without / with empty / 1 MB Location",
        "faults/test_redirects.py::test_79_a_redirect_to_nowhere_is_no_http",
        "faults/test_redirects.py::test_79_any_location_is_a_sound_request_a_refusal_or_no_url",
    ),
    80: (
        "Connection: close race, server closes idle keep-alive",
        "faults/test_http_connections.py::test_80_each_look_has_a_connection_of_its_own",
    ),
    81: (
        "server closes without a byte (nginx 444)",
        "faults/test_http_connections.py::test_81_an_end_without_a_byte_is_a_reset_and_is_not_asked_again",
    ),
    82: ("Set-Cookie x 90, within the header limits", "faults/test_http_connections.py::test_82_cookies_are_ignored"),
    83: (
        "trailers, Upgrade: h2c, 101",
        "faults/test_http_connections.py::test_83_an_upgrade_that_nobody_asked_for_is_no_http",
        "faults/test_http_connections.py::test_83_an_upgrade_that_is_only_offered_and_trailers_are_up",
        "faults/test_http_connections.py::test_83_a_trailer_is_no_header",
    ),
    84: (
        "response before request is sent (early 400)",
        "faults/test_http_connections.py::test_84_an_answer_before_the_request_is_judged_by_its_status",
        "faults/test_http_connections.py::test_84_also_where_the_connection_is_gone_when_the_request_is_sent",
    ),
    85: (
        "HTTP/2 GOAWAY, RST_STREAM, SETTINGS flood, CONTINUATION flood (if h2 is offered)",
        "faults/test_http_connections.py::test_85_http2_which_is_never_offered_is_no_http",
        "faults/test_http_connections.py::test_85_a_target_that_speaks_both_is_asked_for_http_1",
        "faults/test_other_kinds.py::test_a_flood_ends_at_once_and_takes_no_more_memory_than_a_look_may",
        "probes/test_grpc.py::test_a_call_that_goes_wrong_is_down_for_its_reason",
    ),
    86: ("Date far off", "faults/test_http_connections.py::test_86_a_date_far_off_is_up_and_no_clock"),
    87: (
        "hostile body/title with '} 0\\nfake 1, =cmd(), <script>",
        "faults/test_hostile_text.py::test_87_nothing_that_a_target_writes_reaches_a_face_of_ours",
        "faults/test_hostile_text.py::test_87_nor_what_one_look_prints",
        "faults/test_hostile_text.py::test_87_where_a_redirect_led_to_is_shown_in_printable_letters",
    ),
}
