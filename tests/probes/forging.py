"""Answers every ICMP echo wrongly, from a process of its own: `python -m tests.probes.forging [rightly]`.

It prints a line once it listens. With `rightly` each echo is answered rightly as well, after all the wrong answers.
"""

from __future__ import annotations

import socket
import struct
import sys

from monitor.probes.echo import checksum

REQUEST, REPLY = 8, 0
IP_HEADER = 20


def answer(identity: int, sequence: int, payload: bytes, code: int = 0) -> bytes:
    bare = struct.pack("!BBHHH", REPLY, code, 0, identity, sequence) + payload
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]


def wrong_answers(identity: int, sequence: int, payload: bytes) -> list[bytes]:
    """Each is right but for one thing."""
    return [
        answer(identity ^ 1, sequence, payload),
        answer(identity, sequence + 1000, payload),
        answer(identity, sequence, bytes(len(payload))),
        answer(identity, sequence, payload[:-2]),
        answer(identity, sequence, payload + b"\0\0"),
        answer(identity, sequence, b""),
        answer(identity, sequence, payload, code=1),
    ]


def main(rightly: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        print("listening", flush=True)
        while True:
            packet, (address, _) = sock.recvfrom(2048)
            kind, _, _, identity, sequence = struct.unpack_from("!BBHHH", packet, IP_HEADER)
            if kind != REQUEST:
                continue
            payload = packet[IP_HEADER + 8 :]
            right = [answer(identity, sequence, payload)] if rightly else []
            for each in [*wrong_answers(identity, sequence, payload), *right]:
                sock.sendto(each, (address, 0))


if __name__ == "__main__":
    main("rightly" in sys.argv)
