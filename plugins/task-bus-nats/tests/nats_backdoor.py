"""A way around the bus: the protocol of NATS by hand."""

import base64
import json
import socket
import ssl
from urllib.parse import quote, unquote

from brokers.ports import free_address, split
from task_bus_nats.options import NatsOptions
from task_testing import Backdoor

HIDDEN = {"=", "=later"}


class Client:
    """One connection; it is made anew for each use, so that restarts do no harm."""

    def __init__(self, address, options):
        self._socket = socket.create_connection(split(address), 10)
        self._file = self._socket.makefile("rb")
        json.loads(self._file.readline()[5:])
        if options.tls_ca:
            context = ssl.create_default_context(cafile=options.tls_ca)
            self._socket = context.wrap_socket(
                self._socket, server_hostname="localhost"
            )
            self._file = self._socket.makefile("rb")
        words = {"verbose": False, "headers": True, "no_responders": True}
        if options.user:
            words |= {"user": options.user, "pass": options.password}
        self._write(f"CONNECT {json.dumps(words)}\r\nSUB answers 1\r\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def _write(self, data):
        self._socket.sendall(data)

    def ask(self, subject, body=b""):
        """Return head and body of the answer."""
        self._write(
            b"PUB %b answers %d\r\n%b\r\n" % (subject.encode(), len(body), body)
        )
        while True:
            line = self._file.readline()
            words = line.split()
            if words[0] == b"PING":
                self._write(b"PONG\r\n")
            elif words[0] == b"MSG":
                return b"", self._read(int(words[-1]))
            elif words[0] == b"HMSG":
                size = int(words[-2])
                all_ = self._read(int(words[-1]))
                return all_[:size], all_[size:]
            elif words[0] == b"-ERR":
                raise ConnectionError(line)

    def _read(self, size):
        return self._file.read(size + 2)[:-2]

    def api(self, verb, **request):
        body = json.dumps(request).encode() if request else b""
        return json.loads(self.ask(f"$JS.API.{verb}", body)[1])


class NatsBackdoor(Backdoor):
    """Reads and writes one server.

    Args:
        server: The broker.
        options: How to log in there, and the prefix.
        refusing: Options with a wrong secret, and the secret.
    """

    def __init__(self, server, options, refusing):
        self.server = server
        self.broker = server.implementation
        self._options = options
        self._refusing = refusing

    def _client(self):
        return Client(self.server.address, self._options)

    def _stream(self, topic):
        return f"{self._options.prefix}_{_escaped(topic)}"

    def put(self, topic, bodies):
        stream, subject = (
            self._stream(topic),
            f"{self._options.prefix}.{_escaped(topic)}",
        )
        with self._client() as client:
            for body in bodies:
                if b"503" in client.ask(subject, body)[0]:
                    _make(client, stream, subject)
                    assert b"seq" in client.ask(subject, body)[1]

    def take(self, topic):
        stream, found = self._stream(topic), []
        with self._client() as client:
            state = client.api(f"STREAM.INFO.{stream}").get("state", {})
            for seq in range(state.get("first_seq", 1), state.get("last_seq", 0) + 1):
                answer = client.api(f"STREAM.MSG.GET.{stream}", seq=seq)
                if "message" in answer:
                    found.append(base64.b64decode(answer["message"].get("data", "")))
        return found

    def in_flight(self, topic, channel):
        with self._client() as client:
            name = f"{self._stream(topic)}.{_escaped(channel)}"
            return client.api(f"CONSUMER.INFO.{name}").get("num_ack_pending", 0)

    def channels(self, topic):
        with self._client() as client:
            answer = client.api(f"CONSUMER.NAMES.{self._stream(topic)}")
        return sorted(
            unquote(it.replace("=", "%"))
            for it in answer.get("consumers") or ()
            if it not in HIDDEN
        )

    def bad_topic(self):
        return "x" * 300

    def stop(self):
        self.server.stop()

    def start(self):
        self.server.start()

    def unreachable(self):
        address = free_address()
        host, port = split(address)
        return NatsOptions(host=host, port=port), address

    def refused(self):
        return self._refusing


def _escaped(name):
    return quote(name, safe="").replace(".", "%2E").replace("%", "=")


def _make(client, stream, subject):
    """Make a stream that keeps what comes."""
    config = {"name": stream, "subjects": [subject], "retention": "interest"}
    client.api(f"STREAM.CREATE.{stream}", **config)
    keeper = {"durable_name": "=", "ack_policy": "explicit", "deliver_policy": "all"}
    client.api(f"CONSUMER.DURABLE.CREATE.{stream}.=", stream_name=stream, config=keeper)
