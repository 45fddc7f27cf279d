"""What the checks share: a broker that is a few lines of Python."""

import socket
import sys

import pytest
from brokers.ports import free_address, split
from brokers.process import Broker

LISTEN = """
import pathlib, signal, socket, sys
def end(*_):
    pathlib.Path("ended").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == "deaf" else end)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("at your service", flush=True)
while True:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"hello")
"""


class Listener(Broker):
    """Says hello to everybody."""

    name = "listener"
    implementation = "listener 1.0"

    def __init__(self, *, folder=None, script=LISTEN, manners="polite"):
        super().__init__(folder=folder)
        self.address = free_address()
        self.script, self.manners = script, manners

    def command(self):
        port = str(split(self.address)[1])
        return [sys.executable, "-c", self.script, port, self.manners]

    def answers(self):
        with socket.create_connection(split(self.address), timeout=0.5) as connection:
            return connection.recv(5) == b"hello"


@pytest.fixture
def make():
    made = []

    def one(**arguments):
        made.append(Listener(**arguments))
        return made[-1]

    yield one
    for broker in made:
        broker.close()
