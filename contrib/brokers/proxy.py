"""A way to a broker that can be cut: what a network does, without a network."""

import contextlib
import socket
import threading
from typing import Self

from brokers.ports import free_address, split


class Proxy:
    """Passes bytes on between clients and a broker, until it is told to cut.

    Args:
        target: `host:port` of the broker; may be given later, before `start`.
    """

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.address = free_address()
        self._server: socket.socket | None = None
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Let clients in."""
        self._server = socket.create_server(split(self.address))
        threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()

    def cut(self) -> None:
        """Break all connections; new ones are let in."""
        with self._lock:
            cut, self._sockets = self._sockets, set()
        for one in cut:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody in any more, and break what is there."""
        if self._server is not None:
            # Closing alone would leave the thread in `accept`.
            with contextlib.suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
        self.cut()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(
                    target=self._connect, args=(client,), daemon=True
                ).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            broker = socket.create_connection(split(self.target), 5)
        except OSError:
            client.close()
            return
        broker.settimeout(None)
        for one in (client, broker):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, broker}
        back = threading.Thread(target=_pass_on, args=(broker, client), daemon=True)
        back.start()
        _pass_on(client, broker)
        back.join()
        with self._lock:
            self._sockets -= {client, broker}
        client.close()
        broker.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
