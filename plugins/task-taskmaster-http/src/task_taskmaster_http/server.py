"""The web server, in a thread of its own."""

import contextlib
import ipaddress
import logging
import socket
import threading
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from task_core.api import OptionError

GRACE = 3
"""Seconds in which requests are answered that are there when it stops."""
_NO_HTTP = b'{"error":"this is no HTTP request"}\n'


class Protocol(HttpToolsProtocol):
    """As uvicorn's own, but what is no request is answered as all else is."""

    def send_400_response(self, msg: str) -> None:
        """Answer with a line of JSON, and close the connection."""
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b"
            % (len(_NO_HTTP), _NO_HTTP)
        )
        self.transport.close()


class WebServer:
    """Serves an application at a socket until it is stopped.

    Args:
        app: The application.
        socket: Where it listens; closed in the end.
        on_end: Called in its thread when it has ended.
    """

    def __init__(self, app: Any, socket: socket.socket, on_end: Any) -> None:
        for name in ("uvicorn", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.WARNING)
        config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        self._server = uvicorn.Server(config)
        self._socket = socket
        self._on_end = on_end
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests; those that are there are answered."""
        self._server.should_exit = True

    def wait(self, seconds: float) -> None:
        """Wait for its end, at most so long."""
        self._thread.join(seconds)

    def check(self) -> None:
        """Raise what ended it, if that was an error."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001  raised again by `check`
            self._error = error
        finally:
            self._socket.close()
            self._on_end()


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OptionError: The address is of another machine, or taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        with contextlib.ExitStack() as undo:
            undo.callback(made.close)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(2048)
            undo.pop_all()
    except OSError as error:
        text = f"address: cannot listen at {host}:{port}: {error.strerror}"
        raise OptionError([text]) from None
    return made


def read_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT.

    Raises:
        OptionError: It is none.

    Example:
        >>> read_address("[::1]:80")
        ('::1', 80)
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        problem = (
            f"address: HOST:PORT is wanted, for example 127.0.0.1:8080, not {text!r}"
        )
        raise OptionError([problem])
    return host, int(port)


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
