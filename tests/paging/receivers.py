"""Where alerts end, as servers on loopback: Slack, PagerDuty and webhooks over HTTP, and a mail server."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.daemon.programs import Json


@dataclass(frozen=True)
class Delivery:
    """One HTTP request that came in, and what stood in its `Authorization`."""

    path: str
    body: Json
    authorization: str | None


@dataclass
class Receivers:
    """All that came, in order. `port` takes HTTP on any path, `mail_port` SMTP."""

    port: int = 0
    mail_port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    mail_logins: list[str] = field(default_factory=list)

    def at(self, path: str) -> list[Delivery]:
        """What came at this path."""
        return [one for one in self.deliveries if one.path == path]

    def alerts(self, path: str, name: str, status: str = "firing") -> list[Json]:
        """The alerts of this name that webhooks told at this path."""
        told = [alert for one in self.at(path) for alert in one.body["alerts"]]
        return [alert for alert in told if alert["labels"]["alertname"] == name and alert["status"] == status]


@contextmanager
def receiving() -> Iterator[Receivers]:
    """Servers on free ports of 127.0.0.1, until the block is left."""
    receivers = Receivers()
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), _http(receivers)) as web,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), _smtp(receivers)) as mail,
    ):
        receivers.port, receivers.mail_port = web.server_address[1], mail.server_address[1]
        for server in (web, mail):
            server.daemon_threads = True
            server.block_on_close = False
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield receivers
        for server in (web, mail):
            server.shutdown()


def _http(receivers: Receivers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receivers.deliveries.append(Delivery(self.path, body, self.headers["Authorization"]))
            answer = b'{"status": "success", "dedup_key": "x"}' if "enqueue" in self.path else b"ok"
            self.send_response(202 if "enqueue" in self.path else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called in the library
            return

    return Handler


def _smtp(receivers: Receivers) -> type[socketserver.StreamRequestHandler]:
    """As much of RFC 5321 and of AUTH PLAIN (RFC 4954) as a client needs to leave a mail."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.split(maxsplit=1)[0].upper()
                if word == "AUTH":
                    receivers.mail_logins.append(base64.b64decode(line.split()[2]).decode())
                    self.say("235 welcome")
                elif word == "DATA":
                    self.say("354 go on")
                    receivers.mails.append(self.mail())
                    self.say("250 kept")
                elif word == "EHLO":
                    self.say("250-here\r\n250 AUTH PLAIN")
                else:
                    self.say("221 bye" if word == "QUIT" else "250 well")

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def mail(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            parsed = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            return parsed

    return Handler
