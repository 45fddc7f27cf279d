"""The server that nsqd asks whom it may let in (`--auth-http-address`)."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from brokers.ports import HOST

EVERYTHING = {
    "ttl": 3600,
    "identity": "tester",
    "identity_url": "",
    "authorizations": [
        {"topic": ".*", "channels": [".*"], "permissions": ["subscribe", "publish"]}
    ],
}


class AuthServer:
    """Lets in who knows one secret, to everything; nobody else.

    Args:
        secret: what clients must say.
    """

    def __init__(self, secret: str = "s3cret-of-nsq") -> None:
        self.secret = secret
        self.asked: list[str] = []
        """The secrets that were shown, in order."""
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.daemon = True
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str) -> dict[str, object] | None:
        """Return what the one who asks for `path` may do; None for nothing."""
        asked = urlsplit(path)
        shown = parse_qs(asked.query).get("secret", [""])[0]
        if asked.path != "/auth":
            return None
        self.asked.append(shown)
        return EVERYTHING if shown == self.secret else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = server.answer(self.path)
                body = json.dumps(answer or {"message": "NOT_AUTHORIZED"}).encode()
                self.send_response(200 if answer else 403)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-NSQ-Content-Type", "nsq; version=1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet: the address holds the secret."""

        return Handler
