"""A client that knows nothing but bytes: frames in and out, HTTP, and protocol V1."""

import json
import socket
import ssl
import struct
import time
from http.client import HTTPConnection

from brokers.ports import split

KINDS = {0: "response", 1: "error", 2: "message"}
PATIENCE = 10.0
"""Seconds to wait for what must come."""


def body(data):
    """Return bytes after their size, as commands have them."""
    return struct.pack(">i", len(data)) + data


def batch(*bodies):
    """Return the body of an MPUB, with its size before it."""
    return body(struct.pack(">i", len(bodies)) + b"".join(map(body, bodies)))


def identify(**fields):
    """Return an IDENTIFY that negotiates features."""
    asked = {"client_id": "raw", "hostname": "here", "feature_negotiation": True}
    return b"IDENTIFY\n" + body(json.dumps(asked | fields).encode())


class Message:
    """One message, taken apart."""

    def __init__(self, data):
        self.timestamp, self.attempts = struct.unpack_from(">QH", data)
        self.id = data[10:26]
        self.body = data[26:]


class Raw:
    """One connection; `read` is all that has come, whatever it says."""

    def __init__(self, address, magic=b"  V2"):
        self.socket = socket.create_connection(split(address), timeout=PATIENCE)
        self._data = b""
        self.send(magic)

    def send(self, data):
        """Send bytes as they are."""
        self.socket.sendall(data)

    def _fill(self, size, wait):
        """Receive until so many bytes are there."""
        self.socket.settimeout(wait)
        while len(self._data) < size:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self._data)
            self._data += data

    def _sized(self, wait):
        """Return what follows a size; after a TimeoutError it can be tried again."""
        self._fill(4, wait)
        size = 4 + struct.unpack_from(">i", self._data)[0]
        self._fill(size, wait)
        found, self._data = self._data[4:size], self._data[size:]
        return found

    def frame(self, wait=PATIENCE):
        """Return kind and data of the next frame."""
        data = self._sized(wait)
        return KINDS[struct.unpack_from(">i", data)[0]], data[4:]

    def ask(self, data):
        """Send a command, and return the next frame."""
        self.send(data)
        return self.frame()

    def ok(self, data):
        """Send a command that must be answered with OK."""
        answer = self.ask(data)
        assert answer == ("response", b"OK"), answer

    def refused(self, data):
        """Send a command that must be answered with an error; return its text."""
        kind, text = self.ask(data)
        assert kind == "error", (kind, text)
        return text.decode()

    def message(self, wait=PATIENCE):
        """Return the next message; heartbeats before it are answered."""
        while True:
            kind, data = self.frame(wait)
            if kind == "message":
                return Message(data)
            assert (kind, data) == ("response", b"_heartbeat_"), (kind, data)
            self.send(b"NOP\n")

    def lives(self):
        """Whether a heartbeat comes; False when the connection is closed."""
        try:
            frame = self.frame()
        except (EOFError, ConnectionResetError):
            return False
        assert frame == ("response", b"_heartbeat_"), frame
        return True

    def sync(self):
        """Return when all commands sent so far are done."""
        kind, data = self.ask(b"FIN 0123456789abcdef\n")
        assert (kind, data[:12]) == ("error", b"E_FIN_FAILED"), (kind, data)

    def quiet(self, seconds=0.3):
        """Whether nothing comes for so long."""
        try:
            frame = self.frame(seconds)
        except TimeoutError:
            return True
        raise AssertionError(frame)

    def ended(self):
        """Whether the other side closes the connection, and sends nothing before."""
        self.socket.settimeout(PATIENCE)
        try:
            return self._data == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def subscribe(self, topic, channel, ready=None, **fields):
        """Introduce itself and subscribe."""
        fields = {"output_buffer_size": -1} | fields
        assert self.ask(identify(**fields))[0] == "response"
        self.ok(f"SUB {topic} {channel}\n".encode())
        if ready is not None:
            self.send(b"RDY %d\n" % ready)
        return self

    def upgrade(self, authority):
        """Go on in TLS."""
        context = ssl.create_default_context(cafile=authority)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def half_close(self):
        """Tell that no more bytes will come."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        """Be gone."""
        self.socket.close()


class Lookup(Raw):
    """A connection to nsqlookupd."""

    def __init__(self, address, magic=b"  V1"):
        super().__init__(address, magic)

    def frame(self, wait=PATIENCE):
        """Return the next answer; there are no kinds of them."""
        return "response", self._sized(wait)


def http(address, method, path, data=None):
    """Return status, headers and body of an answer."""
    connection = HTTPConnection(*split(address), timeout=PATIENCE)
    try:
        connection.request(method, path, body=data)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def until(true):
    """Wait until something is true that nothing tells."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, "it never was"
        time.sleep(0.02)


def post(address, path, data=b""):
    """Do something that must go well."""
    status, _, answer = http(address, "POST", path, data)
    assert status == 200, answer


def channel_stats(address, topic, channel):
    """Return what `/stats` tells of a channel."""
    path = f"/stats?format=json&topic={topic}&channel={channel}"
    topics = json.loads(http(address, "GET", path)[2])["topics"]
    return topics[0]["channels"][0]


def topic_stats(address, topic):
    """Return what `/stats` tells of a topic, or None."""
    path = f"/stats?format=json&topic={topic}"
    topics = json.loads(http(address, "GET", path)[2])["topics"]
    return topics[0] if topics else None
