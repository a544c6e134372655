"""What arrives at real servers, and what is made of servers that fail, hang and answer rubbish."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.errors import PermanentError
from stance_service.alerts import build
from stance_service.alerts.channels.base import Channel, DeliveryError, Notice
from tests.alerting.changes import change, rulebook
from tests.alerting.receiver import SILENCE, Answer, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECONDS = 20.0


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as found:
        yield found


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    return file


def notice(*names: str, digest: bool = False, **fields: Any) -> Notice:
    changes = tuple(change(name, **fields) for name in names or ("a",))
    return Notice("f" * 64 if digest else changes[0].id, "labs", changes, datetime.now(UTC), digest)


def channel(client: httpx2.AsyncClient, spec: str, seconds: float = SECONDS) -> Channel:
    """From its description in a file of rules."""
    book = rulebook(f"channels: {{here: {spec}}}\nrules: [{{name: all, channels: [here]}}]")
    return build.channels(book.channels, client, seconds)["here"]


async def test_a_webhook_verifies_and_holds_the_change(client: httpx2.AsyncClient, secret: Path) -> None:
    sent = notice()
    async with receiving() as receiver:
        await channel(client, f"{{kind: webhook, url: '{receiver.url}', secret_file: {secret}}}").send(sent)
    request = receiver.received[0]
    said = Webhook(SECRET).verify(request.body, request.headers)
    assert request.headers["webhook-id"] == sent.changes[0].id
    assert said["type"] == "stance.change.shift"
    assert said["data"] == {"rule": "labs", "changes": [sent.changes[0].model_dump(mode="json")]}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)


async def test_a_digest_is_one_webhook_with_all_its_changes(client: httpx2.AsyncClient, secret: Path) -> None:
    async with receiving() as receiver:
        await channel(client, f"{{kind: webhook, url: '{receiver.url}', secret_file: {secret}}}").send(
            notice("a", "b", digest=True)
        )
    said = receiver.received[0].json
    assert said["type"] == "stance.digest"
    assert [each["id"] for each in said["data"]["changes"]] == [change("a").id, change("b").id]


async def test_alertmanager_gets_an_alert_for_each_change(client: httpx2.AsyncClient) -> None:
    async with receiving() as receiver:
        url = receiver.url.removesuffix("/hook")
        await channel(client, f"{{kind: alertmanager, url: '{url}'}}").send(notice("a", "b", digest=True))
    request = receiver.received[0]
    assert request.path == "/api/v2/alerts"
    assert [each["labels"]["change"] for each in request.json] == [change("a").id, change("b").id]
    assert request.json[0]["labels"]["actor"] == "openai"
    assert datetime.fromisoformat(request.json[0]["startsAt"]) < datetime.fromisoformat(request.json[0]["endsAt"])


async def test_slack_gets_words_that_mark_nothing_up(client: httpx2.AsyncClient, tmp_path: Path) -> None:
    cause = change().causes[0].model_copy(update={"evidence": "<!channel> & <http://evil.example|here>"})
    async with receiving() as receiver:
        (tmp_path / "url").write_text(receiver.url)
        slack = channel(client, f"{{kind: slack, url_file: {tmp_path / 'url'}}}")
        await slack.send(notice(causes=(cause,)))
    text = receiver.received[0].json["text"]
    assert "openai, openness: for openness → against openness from 2020-09-22 (shift, 97%)" in text
    assert "&lt;!channel&gt; &amp; &lt;http" in text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (500, "answered 500"),
        (302, "answered 302"),
        (400, "answered 400"),
        (SILENCE, "no answer for 0 s"),
        (b"220 mail.example ESMTP\r\n\r\n", "RemoteProtocolError"),
        (b"\x00\xff\x00\xff" * 1000, "RemoteProtocolError"),
        (b"", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000, "RemoteProtocolError"),
    ],
    ids=["error", "redirect", "refusal", "silence", "smtp", "bytes", "hangs-up", "endless-header"],
)
async def test_an_endpoint_that_does_not_take_it_is_told_of(
    client: httpx2.AsyncClient, answer: Answer, reason: str
) -> None:
    async with receiving(answer) as receiver:
        seconds = 0.3 if answer == SILENCE else SECONDS
        with pytest.raises(DeliveryError, match=reason) as failure:
            await channel(client, f"{{kind: alertmanager, url: '{receiver.url}'}}", seconds).send(notice())
    assert not failure.value.gone


async def test_an_answer_is_taken_whatever_its_body_says(client: httpx2.AsyncClient) -> None:
    async with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{rubbish") as receiver:
        await channel(client, f"{{kind: alertmanager, url: '{receiver.url}'}}").send(notice())


async def test_wishes_of_an_endpoint_are_heard(client: httpx2.AsyncClient) -> None:
    async with receiving(429, 410) as receiver:
        pager = channel(client, f"{{kind: alertmanager, url: '{receiver.url}'}}")
        with pytest.raises(DeliveryError) as busy:
            await pager.send(notice())
        with pytest.raises(DeliveryError) as gone:
            await pager.send(notice())
    assert busy.value.retry_after == timedelta(seconds=7)
    assert gone.value.gone


async def test_an_endpoint_that_is_not_there_is_told_of_without_its_secret_address(
    client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("http://127.0.0.1:1/secret")
    with pytest.raises(DeliveryError, match="ConnectError") as failure:
        await channel(client, f"{{kind: slack, url_file: {tmp_path / 'url'}}}").send(notice())
    assert "secret" not in str(failure.value)


class Mailbox:
    """Keeps what an SMTP server takes; with `answer` it refuses instead."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.answer = answer
        self.taken: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return self.answer


def mail(port: int) -> str:
    return (
        f"{{kind: email, host: 127.0.0.1, port: {port}, security: none, from: s@example.org, "
        "to: [a@example.org, b@example.org]}"
    )


@pytest.mark.parametrize("answer", ["250 OK", "451 later", "554 never"])
async def test_mail_reaches_an_smtp_server_or_its_refusal_is_told(client: httpx2.AsyncClient, answer: str) -> None:
    mailbox = Mailbox(answer)
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        if answer.startswith("250"):
            await channel(client, mail(server.port)).send(notice())
        else:
            with pytest.raises(DeliveryError, match=answer[4:]):
                await channel(client, mail(server.port)).send(notice())
    finally:
        server.stop()
    envelope = mailbox.taken[0]
    assert envelope.rcpt_tos == ["a@example.org", "b@example.org"]
    message = bytes(envelope.original_content or b"")
    assert f"Message-ID: <{change().id}@stancewatch>".encode() in message
    assert b"licensed it exclusively" in message


@pytest.mark.parametrize("answer", [SILENCE, b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silence", "http"])
async def test_what_is_no_mail_server_is_told_of(client: httpx2.AsyncClient, answer: bytes | str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeliveryError):
            await channel(client, mail(port), 0.5).send(notice())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("whsec_", "holds no secret"),
        ("whsec_ä", "holds no secret"),
        ("hunter2", "holds no secret"),
        ("whsec_aHVudGVy", "24 to 64 bytes"),
        (None, "No such file"),
    ],
)
def test_a_wrong_secret_is_named_before_anything_is_sent(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content)
    spec = f"{{kind: webhook, url: 'http://localhost/', secret_file: {tmp_path / 'secret'}}}"
    with pytest.raises(PermanentError, match=f"channel here, secret_file: .*{said}"):
        channel(httpx2.AsyncClient(), spec)


def test_a_file_without_an_address_is_named_without_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("s3cret")
    with pytest.raises(PermanentError, match=r"channel here, url_file: .*holds no address") as refused:
        channel(httpx2.AsyncClient(), f"{{kind: slack, url_file: {tmp_path / 'url'}}}")
    assert "s3cret" not in str(refused.value)


def free_port() -> int:
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
