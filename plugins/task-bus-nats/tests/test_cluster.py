"""A cluster: what its majority has confirmed outlives any one of its servers."""

import threading

import pytest
from brokers.insist import again, present, until
from brokers.nats import cluster_of
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest

from task_core import connect
from task_core.api import (
    BusConnectionError,
    BusContext,
    LeaseLostError,
    Message,
    SendError,
)

MORE = 300
"""Messages that are sent after a kill, and before the next."""


@pytest.fixture(scope="module")
def cluster():
    """Three servers; each takes over from any other."""
    servers = cluster_of(3)
    try:
        for server in servers:
            present(server.start)
        yield servers
    finally:
        for server in servers:
            server.close()


@pytest.fixture
def open_bus(cluster):
    """Open a bus at all of them; closed in the end."""
    opened = []

    def open_bus(replicas=3):
        host = ",".join(server.address for server in cluster)
        options = NatsOptions(host=host, replicas=replicas)
        opened.append(manifest.open(options, BusContext(lease=5.0)))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()


@pytest.fixture
def place(open_bus, topic):
    """A topic that is on all three; the cluster may have just begun."""
    again(lambda: open_bus().subscribe(topic, "c"))
    return topic


def leader_of(bus, topic):
    """Return the name of the server that a topic is written to."""
    told = again(lambda: bus._server.call(f"STREAM.INFO.task_{topic}"))
    return told["cluster"].get("leader")


class Work:
    """Somebody who sends, and somebody who works, until they are told to end."""

    def __init__(self, open_bus, topic):
        self.sent, self.done = [], []
        self._open, self._topic = open_bus, topic
        self._enough, self._all_sent = threading.Event(), threading.Event()
        self._sender = threading.Thread(target=self._send)
        self._worker = threading.Thread(target=self._work)

    def __enter__(self):
        self._sender.start()
        self._worker.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self._sender.join()  # it may be at its last one
        self._all_sent.set()
        self._worker.join()

    def goes_on(self):
        """Wait until some more is sent and done."""
        sent, done = len(self.sent) + MORE, len(self.done) + MORE
        until(lambda: len(self.sent) >= sent and len(self.done) >= done)

    def _send(self):
        producer = self._open().producer()
        while not self._enough.is_set():
            body = b"%d" % len(self.sent)
            again(lambda body=body: producer.send([Message(self._topic, body)]))
            self.sent.append(body)

    def _work(self):
        consumer = again(lambda: self._open().subscribe(self._topic, "c"))
        while not (self._all_sent.is_set() and set(self.done) >= set(self.sent)):
            came = again(lambda: consumer.receive(10, 0.5))
            done = [Message(f"{self._topic}-done", one.body) for one in came]
            try:
                again(lambda came=came, done=done: consumer.settle(came, done))
            except LeaseLostError:
                continue  # they come again
            self.done += [one.body for one in came]


def test_the_kill_of_each_leader_in_turn_loses_nothing(cluster, open_bus, place):
    """While somebody sends and somebody works; all of it is done in the end."""
    bus = open_bus()
    with Work(open_bus, place) as work:
        for _ in range(2):
            work.goes_on()
            until(lambda: leader_of(bus, place))
            name = leader_of(bus, place)
            (leader,) = [it for it in cluster if it.server_name == name]
            leader.kill()
            work.goes_on()
            leader.start()
        work.goes_on()
    assert set(work.done) == set(work.sent)


def told_of(act):
    """Do something until a bus says that servers are away; return that, in one line."""
    told = []

    def is_told():
        try:
            act()
        except SendError as error:
            assert error.transient
            told.append(str(error))
        except BusConnectionError as error:
            told.append(str(error))
        return told and "are away" in told[-1]

    until(is_told)
    return told[-1]


def test_a_stream_whose_only_server_is_away_is_waited_for(cluster, open_bus, topic):
    """As a server that is alone: one copy is what a cluster makes, too."""
    bus = open_bus(replicas=1)
    consumer = again(lambda: bus.subscribe(topic, "c"))
    producer = bus.producer()
    again(lambda: producer.send([Message(topic, b"before")]))
    until(lambda: leader_of(bus, topic))
    name = leader_of(bus, topic)
    (only,) = [it for it in cluster if it.server_name == name]
    only.stop()
    try:
        assert "offline" in told_of(lambda: consumer.receive(1, 0.5))
        assert "offline" in told_of(lambda: producer.send([Message(topic, b"after")]))
    finally:
        only.start()
    again(lambda: producer.send([Message(topic, b"after")]))
    found = set()  # what was not confirmed may be there all the same, and twice
    until(
        lambda: (
            found.update(it.body for it in again(lambda: consumer.receive(9, 1)))
            or found == {b"before", b"after"}
        )
    )


def test_more_copies_than_there_are_servers_are_told(open_bus, topic):
    """Some may be away, so the launcher waits for them."""
    bus = open_bus(replicas=5)

    def is_told():
        with pytest.raises(BusConnectionError) as caught:
            bus.prepare([topic])
        return "fewer servers than option replicas" in str(caught.value)

    until(is_told)  # before, the cluster may have no leader


def infos(tasks, topic):
    """Return what is there."""
    return [task.info for task in tasks.read(topic, channel="c", timeout=1)]


def test_a_url_names_servers_that_may_be_gone(cluster, place):
    """The first that answers is taken, and tells of the others."""
    gone, *rest = cluster
    gone.kill()
    try:
        hosts = ",".join(server.address for server in cluster)
        with connect(f"nats://{hosts}?replicas=3") as tasks:
            again(lambda: tasks.send(place, "a"))
            until(lambda: "a" in infos(tasks, place), BusConnectionError, SendError)
        with connect(f"nats://{rest[0].address}") as tasks:
            again(lambda: tasks.send(place, "b"))
            rest[0].kill()
            gone.start()  # two of three are enough
            again(lambda: tasks.send(place, "c"))
    finally:
        for server in (gone, rest[0]):
            server.start()
