"""Has a conversation with a server, and writes down what it answers.

What differs from one run to the next is masked: ids, ports, times, names of hosts.
"""

import re
import socket

from brokers.tests.raw import Lookup, Message, Raw, http

GOODBYE = b"GOODBYE\n"
_NUMBERS = re.compile(
    r'"(start_time|connect_ts|heap_\w+|gc_\w+|next_gc_bytes|https_port)":( ?)\d+'
)
_REMOTE = re.compile(r"127\.0\.0\.1:\d+")


class Talk:
    """One conversation.

    Args:
        server: that it is had with.
        authority: file with the certificate that the server shows.
        lookup: whether it speaks protocol V1.
    """

    def __init__(self, server, authority=None, *, lookup=False):
        self._server = server
        self._authority = authority
        self._connect = Lookup if lookup else Raw
        self._connections = {}
        self._ids = {}

    def have(self, script):
        """Return what was sent and what was answered, step by step."""
        try:
            told = [self._step(*step) for step in script]
            return told + [
                self._step("last", who, GOODBYE) for who in [*self._connections]
            ]
        finally:
            for connection in self._connections.values():
                connection.close()

    def _step(self, what, who, *more):
        try:
            return self._done(what, who, *more)
        except (OSError, EOFError) as error:
            error.add_note(f"in the step {what} {who} {more}")
            raise

    def _done(self, what, who, *more):
        if what in {"GET", "POST"}:
            sent, answers = self._http(what, who, *more)
        else:
            sent, answers = getattr(self, f"_{what}")(who, *more)
        return {"do": f"{what} {who}", "sent": sent, "answers": answers}

    def _open(self, who, *magic):
        self._connections[who] = self._connect(self._server.tcp, *magic)
        return "".join(map(shown, magic)), []

    def _say(self, who, data, frames):
        self._connections[who].send(self._with_ids(data))
        return shown(data), [self._frame(who) for _ in range(frames)]

    def _last(self, who, data):
        self._connections[who].send(self._with_ids(data))
        return shown(data), self._end(who)[1]

    def _cut(self, who, data):
        self._connections[who].send(data)
        self._connections[who].half_close()
        return shown(data), self._end(who)[1]

    def _end(self, who, frames=1):
        answers = [self._frame(who) for _ in range(frames)]
        assert self._connections[who].ended()
        self._connections.pop(who).close()
        return "", [*answers, "closed"]

    def _tls(self, who):
        self._connections[who].upgrade(self._authority)
        return "", [self._frame(who)]

    def _http(self, method, path, data=None):
        status, headers, answer = http(self._server.http, method, path, data)
        kind = headers["Content-Type"] or ""
        return shown(data or b""), [status, kind, self._masked(answer)]

    def _with_ids(self, data):
        for key, mask in self._ids.items():
            data = data.replace(mask, key)
        return data

    def _frame(self, who):
        kind, data = self._connections[who].frame()
        if kind != "message":
            return f"{kind}: {self._masked(data)}"
        message = Message(data)
        self._ids.setdefault(message.id, b"%%%d" % (len(self._ids) + 1))
        mask = self._ids[message.id].decode()
        return f"message {mask} attempt {message.attempts}: {shown(message.body)}"

    def _masked(self, data):
        for key, mask in self._ids.items():
            data = data.replace(key, mask)
        text = _NUMBERS.sub(r'"\1":\g<2>0', shown(data))
        for port in ("tcp", "http"):
            number = getattr(self._server, port).rpartition(":")[2]
            text = text.replace(f'port":{number}', f'port":"{port} port"')
        text = text.replace(f'"{socket.gethostname()}"', '"host"')
        return _REMOTE.sub("address", text)


def shown(data):
    """Return bytes as text, those that are none as escapes."""
    return data.decode("ascii", "backslashreplace")
