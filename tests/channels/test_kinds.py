"""Each kind against a server that speaks its dialect: what is taken, what is refused and why, text that stays text."""

from __future__ import annotations

import asyncio
import email
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message as Mail

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from monitor.channels import KINDS, Message, Refused, Sent, WaysOut
from monitor.channels.kind import Reply, judged
from monitor.channels.slack import SECTION_LIMIT, escaped
from monitor.channels.slack_app import SlackApp
from monitor.channels.ways import WebPost, in_its_own_thread
from monitor.settings import Secret
from tests.channels.services import limited, refusing, slack

HOSTILE = "<!channel> <https://evil.example|click> & \x1b[31m\n@here"
TOLD = Message("outage/app/1/start", "outage/app/1", HOSTILE, (HOSTILE, "second"), "bad")
TOKEN = "xoxb-secret"


async def send(kind: str, settings: object, root: str | None = None, message: Message = TOLD) -> Sent | Refused:
    async with aiohttp.ClientSession() as session:
        ways = WaysOut(WebPost(session, 5.0), in_its_own_thread)
        return await KINDS[kind].send(settings, message, root, ways)


def app_at(url: str) -> SlackApp:
    return SlackApp.model_construct(token=Secret(TOKEN), channel="#status", api_url=url)


async def test_a_webhook_of_slack_takes_text_in_which_nothing_of_a_vendor_works() -> None:
    async with slack() as (server, url):
        assert await send("slack", Secret(f"{url}/hook")) == Sent()
    [(_, body, _)] = server.posted
    text = str(body)
    assert "<" not in text
    assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp;" in text
    assert "\x1b" not in text
    assert body["attachments"][0]["blocks"][0]["text"]["verbatim"] is True  # type: ignore[index,call-overload]


def test_an_escape_is_never_cut_in_half() -> None:
    assert escaped("a" * 9 + "&", 10) == "a" * 8 + "…"
    assert len(escaped("<" * 5_000, SECTION_LIMIT)) <= SECTION_LIMIT
    assert escaped("fits & stays", 100) == "fits &amp; stays"


async def test_an_app_posts_first_then_updates_in_place_and_answers_in_the_thread() -> None:
    async with slack() as (server, url):
        first = await send("slack_app", app_at(url))
        assert first == Sent("C1 171.1")
        assert await send("slack_app", app_at(url), "C1 171.1", TOLD._replace(key="k2", tone="good")) == Sent(
            "C1 171.3"
        )
    assert server.methods() == ["chat.postMessage", "chat.update", "chat.postMessage"]
    (_, root, headers), (_, update, _), (_, below, _) = server.posted
    assert (root["channel"], headers["Authorization"]) == ("#status", f"Bearer {TOKEN}")
    assert root["metadata"] == {"event_type": "told_by_minutebook", "event_payload": {"key": TOLD.key}}
    assert (update["channel"], update["ts"], "thread_ts" in update) == ("C1", "171.1", False)
    assert (below["channel"], below["thread_ts"]) == ("C1", "171.1")


async def test_a_first_message_that_is_gone_does_not_keep_the_thread_from_going_on() -> None:
    async with slack() as (server, url):
        server.answers = [refusing("message_not_found")]
        assert isinstance(await send("slack_app", app_at(url), "C1 171.1"), Sent)
        server.answers = [refusing("token_revoked")]
        assert await send("slack_app", app_at(url), "C1 171.1") == Refused("token_revoked")


@pytest.mark.parametrize("kind", ["slack", "slack_app", "webhook"])
async def test_a_200_that_says_not_ok_is_a_refusal_with_its_error(kind: str) -> None:
    async with slack() as (server, url):
        server.answers = [
            refusing("channel_not_found"),
            refusing("<b>no word</b>"),
            limited(7),
            lambda: web.Response(status=404, text="no_service"),
            lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
            refusing("msg_too_long"),
        ]
        settings = app_at(url) if kind == "slack_app" else Secret(f"{url}/hook")
        answers = [await send(kind, settings) for _ in range(6)]
    assert answers == [
        Refused("channel_not_found"),
        Refused("not_ok"),
        Refused("rate_limited", 7),
        Refused("no_service"),
        Refused("status_302"),
        Refused("msg_too_long", for_good=True),
    ]


async def test_a_webhook_is_told_the_key_by_which_it_knows_what_came_twice() -> None:
    async with slack() as (server, url):
        assert await send("webhook", Secret(f"{url}/hook")) == Sent()
    [(_, body, headers)] = server.posted
    assert headers["Idempotency-Key"] == body["key"] == TOLD.key
    assert body["lines"] == [HOSTILE, "second"]


async def test_nobody_at_home_and_an_answer_that_never_comes_are_values() -> None:
    assert await send("webhook", Secret("http://127.0.0.1:1/")) == Refused("unreachable")
    assert await send("webhook", Secret("no address")) == Refused("unreachable")
    async with slack() as (server, url), aiohttp.ClientSession() as session:
        server.answering = asyncio.Event()
        ways = WaysOut(WebPost(session, 0.2), in_its_own_thread)
        assert await KINDS["webhook"].send(Secret(f"{url}/hook"), TOLD, None, ways) == Refused("timeout")
        server.answering.set()


def test_an_answer_that_is_no_json_and_one_that_is_deep_are_judged_by_their_status() -> None:
    for body in (b"", b"\xff\xfe", b"[" * 100_000, b"[1]", b'{"ok": NaN}'):
        assert not isinstance(judged(Reply(200, body)), Refused)
        assert judged(Reply(500, body)) == Refused("status_500")


# ---------------------------------------------------------------- mail


class Mailbox:
    """What a real mail server took; it refuses what says so."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        if b"refuse" in content:
            return "554 refused"
        self.taken.append(email.message_from_bytes(content))
        return "250 OK"


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    async with server:
        yield mailbox, server.sockets[0].getsockname()[1]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # by apprise, where it still is
async def test_mail_goes_out_by_a_real_server_and_a_refusal_is_a_value(caplog: pytest.LogCaptureFixture) -> None:
    async with mail_server() as (mailbox, port):
        address = Secret(f"mailto://127.0.0.1:{port}/?from=minutebook@example.com&to=acme@example.com&mode=insecure")
        with caplog.at_level(logging.DEBUG):
            assert await send("apprise", address) == Sent()
            refused = TOLD._replace(title="refuse")
            assert await send("apprise", address, None, refused) == Refused("not_taken")
            assert await send("apprise", Secret("nothing://of/that/kind")) == Refused("unreadable_address")
    [mail] = mailbox.taken
    assert "acme@example.com" in mail["To"]
    assert "channel" in mail["Subject"]
    assert str(port) not in caplog.text
