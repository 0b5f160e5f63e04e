"""The socket the page is served on, taken before anything heavy is imported, so that a taken port is said at once."""

from __future__ import annotations

import errno
import socket

from index.errors import UserError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UserError, naming the remedy, for a taken port or an address that is not here."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise UserError(f"{host!r} is no address of this machine ({error}). Choose another with --host.") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise UserError(_why(error, host, port)) from None
    return listening


def address(listening: socket.socket) -> str:
    """The URL to open."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is taken by another program. "
            f"Choose another: python -m ui --port {port + 1 if port < 65535 else 0} (0 = any free one)."
        )
    if error.errno == errno.EACCES:
        return f"port {port} may not be opened by this user. Choose one above 1023: python -m ui --port 7860"
    return f"{host}:{port} cannot be opened ({error.strerror or error}). Choose others with --host and --port."
