"""What stands before every request: whose host, who asks, how much, and what the browser may do with the reply."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import secrets
import socket
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4_000_000
# gradio compiles its templates in the page (unsafe-eval) and sets itself up in inline scripts and styles.
POLICY = "; ".join(  # noqa: FLY002 - a line each
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    b"cross-origin-opener-policy": b"same-origin",
}
# What of gradio's own routes the page and its API use; the rest (uploads, files, proxies, recordings) is not served.
_GRADIO = "/gradio_api/"
_GRADIO_OPEN = tuple(
    "info openapi.json queue/ call/ run/ api/ cancel reset heartbeat/ startup-events theme.css app_id".split()
)
_CLOSED = ("/svelte/", "/monitoring", "/gradio_api/deep_link", "/openapi.json", "/docs", "/redoc", "/login", "/logout")
HEALTH = "/healthz"


class Guard:
    """ASGI middleware around the whole application; `auth` is `user:password` or None."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], auth: str | None) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        status, words = self._refusal(scope["path"], headers)
        if status:
            await _refuse(send, status, words)
            return
        await self._app(scope, _bounded(receive), _with_headers(send))

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> tuple[int, str]:
        host = headers.get(b"host", b"").decode("latin-1")
        if not is_own_host(host, self._hosts):
            remedy = "whoever runs it can allow that name: DUIZHAO_ALLOWED_HOSTS, or allowed_hosts in duizhao.toml"
            return 400, f"this page does not answer to the host name {_name(host)!r}; {remedy}"
        if path != HEALTH and self._auth and not _is_authorised(headers.get(b"authorization", b""), self._auth):
            return 401, "a user name and a password are needed"
        closed = path.startswith(_CLOSED) or (
            path.startswith(_GRADIO) and not path.removeprefix(_GRADIO).startswith(_GRADIO_OPEN)
        )
        if closed:
            return 404, "not found"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return 413, f"a request may have at most {LARGEST_BODY:,} bytes"
        return 0, ""


def own_hosts(bound: str, further: Iterable[str] = ()) -> frozenset[str]:
    """The names a page bound to `bound` answers to; "*" among them stands for any plain address.

    `further` are names it has elsewhere: the one that a reverse proxy in front of it is known by.
    """
    names = {"localhost", "127.0.0.1", "::1", bound, *further}
    if not is_loopback(bound):
        names |= {"*", socket.gethostname(), socket.getfqdn()}
    return frozenset(name.lower() for name in names)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a page bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_own_host(header: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header names this page. With "*" among `hosts` any plain address does.

    A page elsewhere that has its own name resolve to this machine is known by that name, and refused.
    """
    name = _name(header)
    if name in hosts:
        return bool(name)
    if "*" not in hosts:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(header: str) -> str:
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _is_authorised(header: bytes, auth: str) -> bool:
    scheme, _, given = header.partition(b" ")
    if scheme.lower() != b"basic":
        return False
    try:
        return secrets.compare_digest(base64.b64decode(given, validate=True), auth.encode())
    except binascii.Error:
        return False


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS.items()]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="duizhao", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": (words + "\n").encode()})


def _bounded(receive: Receive) -> Receive:
    """`receive` that hangs up on a body without a length that goes on too long."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= LARGEST_BODY else {"type": "http.disconnect"}

    return bounded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message.get("headers", ())}
            added = [(name, value) for name, value in _HEADERS.items() if name not in own]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return sending
