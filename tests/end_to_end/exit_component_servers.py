"""Real servers for ready-made exit tasks to talk to."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Webhook:
    """An HTTP server that takes JSON.

    Attributes:
        url: Where it listens.
        taken: The bodies of the posts that it got, oldest first.
        answers: What it answers to each post, (status, headers); then 200 to all others.
    """

    url: str
    answers: list[tuple[int, dict[str, str]]]
    taken: list[Any] = field(default_factory=list)

    def answer(self, body: bytes) -> tuple[int, dict[str, str]]:
        self.taken.append(json.loads(body))
        return self.answers.pop(0) if self.answers else (200, {})


@contextmanager
def webhook(*answers: tuple[int, dict[str, str]]) -> Iterator[Webhook]:
    """A webhook on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, headers = hook.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"ok" if status == 200 else b"no_team")

        def log_message(self, *_: object) -> None:
            """Say nothing on the test's stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook = Webhook(url=f"http://127.0.0.1:{server.server_port}/services/secret", answers=list(answers))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield hook
        finally:
            server.shutdown()


@dataclass
class MailServer:
    """An SMTP server.

    Attributes:
        users: Who logged in, with what.
        mails: What was delivered: recipients and message.
        refused: Recipients that it does not take.
    """

    refused: Sequence[str] = ()
    host: str = "localhost"
    port: int = 0
    users: list[tuple[bytes, bytes]] = field(default_factory=list)
    mails: list[tuple[list[str], Message]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append((data.login, data.password))
        return AuthResult(success=data.password == b"pass word")


def free_port() -> int:
    """A port that nobody listens on: the controller cannot be asked to choose one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def mail_server(*, refused: Sequence[str] = (), authority: trustme.CA | None = None) -> Iterator[MailServer]:
    """An SMTP server on the loopback interface; with an authority, one that wants STARTTLS and a login."""
    server = MailServer(refused=refused)
    secured: dict[str, Any] = {}
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        secured = {"tls_context": context, "require_starttls": True, "auth_required": True}
    server.port = free_port()
    controller = Controller(server, "127.0.0.1", server.port, authenticator=server.authenticate, **secured)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
