"""What the bus promises beyond the contract."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from brokers.insist import until
from nats_backdoor import Client
from task_bus_nats import topics
from task_bus_nats.jetstream import JetStream
from task_bus_nats.names import Names, escaped
from task_bus_nats.options import NatsOptions

from task_core.api import BusError, Message


@pytest.fixture
def ask(nats):
    """Ask the server's API by hand."""

    def ask(verb, **request):
        with Client(nats.address, NatsOptions()) as client:
            return client.api(verb, **request)

    return ask


@pytest.mark.parametrize(
    "name", ["a.b", "a b", "*", "a.>", "/x\\y", "größe", "=2E", "%d"]
)
def test_any_name_is_written_so_that_nats_takes_it(open_bus, topic, name):
    """And read back as it was."""
    topic = f"{topic}{name}"
    assert Names("task").topic(f"task_{escaped(topic)}") == topic
    bus = open_bus()
    bus.producer().send([Message(topic, b"1")])
    assert topic in bus.topics()
    assert [one.body for one in bus.subscribe(topic, name).receive(1, 5)] == [b"1"]
    assert [one.name for one in bus.channels(topic)] == [name]
    bus.forget(topic)


@pytest.fixture
def late(monkeypatch):
    """Make what is asked of streams first be answered as it was a moment ago."""

    def late(answer):
        ask, answers = JetStream.stream, [answer]

        def stream(self, name):
            return answers.pop() if answers else ask(self, name)

        monkeypatch.setattr(JetStream, "stream", stream)

    return late


def test_a_stream_that_others_make_at_the_same_moment_is_theirs_as_well(
    open_bus, topic, late
):
    """Not a stream of somebody else, with other settings."""
    consumer = open_bus().subscribe(topic, "c")
    late(None)
    open_bus().producer().send([Message(topic, b"1")])
    assert [one.body for one in consumer.receive(1, 5)] == [b"1"]


def test_a_stream_whose_maker_has_died_is_made_ready_by_another(
    open_bus, ask, topic, monkeypatch
):
    """What was sent before the first channel is kept, and nothing beyond."""
    monkeypatch.setattr(topics, "MAKING", 0.05)
    staging = [f"{Names('task').place(topic).later}.staging"]
    made = {"name": f"task_{topic}", "subjects": staging, "retention": "interest"}
    ask(f"STREAM.CREATE.task_{topic}", **made)
    bus = open_bus()
    bus.producer().send([Message(topic, b"1")])
    assert [one.body for one in bus.subscribe(topic, "c").receive(1, 5)] == [b"1"]
    assert ask(f"CONSUMER.NAMES.task_{topic}")["consumers"] == ["c"]


def test_who_makes_a_stream_and_is_late_takes_no_more_than_it_must(
    open_bus, ask, topic, late, monkeypatch
):
    """What stands in for the first channel goes with it, however late it came."""
    monkeypatch.setattr(topics, "MAKING", 0.0)
    open_bus().subscribe(topic, "c")
    config = ask(f"STREAM.INFO.task_{topic}")["config"]
    staging = [f"{Names('task').place(topic).later}.staging"]
    late({"config": {**config, "subjects": staging}})
    open_bus().producer().send([Message(topic, b"1")])
    assert ask(f"CONSUMER.NAMES.task_{topic}")["consumers"] == ["c"]


def test_many_that_make_a_topic_at_one_moment_send_to_one_stream(open_bus, topic):
    """Once each, and to a stream that is ready."""
    for number in range(10):
        name, gate, count = f"{topic}-{number}", threading.Barrier(6), 3

        def send(name=name, gate=gate):
            bus = open_bus()
            gate.wait()
            bus.producer().send([Message(name, b"1")])

        def read(name=name, gate=gate):
            bus = open_bus()
            gate.wait()
            bus.subscribe(name, "c")

        with ThreadPoolExecutor(6) as threads:
            done = [threads.submit(act) for act in (send, read) * count]
        assert [one.result() for one in done] == [None] * 6
        assert open_bus().depth(name, "c") == count


def test_a_consumer_that_is_just_being_deleted_is_none(monkeypatch):
    """NATS 2.9 lists it as null."""
    pages = [{"consumers": [None, {"name": "a"}], "total": 3}]
    pages.append({"consumers": [{"name": "b"}], "total": 3})
    asked = []

    def call(self, name, request):
        asked.append(request["offset"])
        return pages[len(asked) - 1]

    monkeypatch.setattr(JetStream, "call", call)
    found = JetStream(link=None, domain="").consumers("s")
    assert ([one["name"] for one in found], asked) == (["a", "b"], [0, 2])


def test_what_all_channels_have_done_is_deleted(open_bus, ask, topic):
    """Streams do not only grow."""
    bus = open_bus()
    readers = [bus.subscribe(topic, name) for name in ("a", "b")]
    bus.producer().send([Message(topic, b"x")] * 1000)
    for reader in readers:
        left = 1000
        while left:
            came = reader.receive(1000, 5)
            reader.ack(came)
            left -= len(came)
    bus.ping()
    for _ in range(100):
        if not ask(f"STREAM.INFO.task_{topic}")["state"]["messages"]:
            break
        readers[0].receive(1, 0.1)
    assert ask(f"STREAM.INFO.task_{topic}")["state"]["messages"] == 0


def test_an_idle_reader_leaves_nothing_waiting_in_the_server(open_bus, ask, topic):
    """What comes while nobody asks stays for whoever does."""
    bus = open_bus()
    consumer = bus.subscribe(topic, "c")
    assert consumer.receive(1, 0.1) == ()
    assert ask(f"CONSUMER.INFO.task_{topic}.c")["num_waiting"] == 0
    bus.producer().send([Message(topic, b"a")])
    assert ask(f"CONSUMER.INFO.task_{topic}.c")["num_ack_pending"] == 0


def test_the_longest_lease_of_a_channel_counts_until_nobody_reads(open_bus, ask, topic):
    """`ack_wait` belongs to all readers of it."""

    def ack_wait():
        config = ask(f"CONSUMER.INFO.task_{topic}.c")["config"]
        return int(config["ack_wait"] / 1e9)

    first = open_bus(lease=10.0)
    reader = first.subscribe(topic, "c")
    assert ack_wait() == 10
    first.producer().send([Message(topic, b"a")])
    held = reader.receive(1, 5)
    open_bus(lease=20.0).subscribe(topic, "c")
    open_bus(lease=5.0).subscribe(topic, "c")
    assert ack_wait() == 20
    reader.ack(held)
    first.ping()
    for _ in range(50):
        if not ask(f"CONSUMER.INFO.task_{topic}.c")["num_ack_pending"]:
            break
        reader.receive(1, 0.1)
    open_bus(lease=5.0).subscribe(topic, "c")
    assert ack_wait() == 5


def test_what_is_sent_after_the_last_channel_is_kept_for_the_next(open_bus, topic):
    """It is the first again; what the deleted one had not done went with it."""
    bus = open_bus()
    bus.subscribe(topic, "a").close()
    producer = bus.producer()
    producer.send([Message(topic, b"old")])
    bus.forget(topic, "a")
    producer.send([Message(topic, b"new")])
    assert bus.depth(topic, "b") == 1
    assert [one.body for one in bus.subscribe(topic, "b").receive(9, 5)] == [b"new"]


def test_two_who_delete_the_last_channels_at_one_moment_leave_a_keeper(
    open_bus, ask, topic, monkeypatch
):
    """Each sees that the other's channel is there; what comes then is kept for good."""
    one, other = open_bus(), open_bus()
    for channel in ("a", "b"):
        one.subscribe(topic, channel).close()
    server = one._server
    delete = server.delete

    def just_then(kind, name):
        monkeypatch.setattr(server, "delete", delete)
        other.forget(topic, "b")
        delete(kind, name)

    monkeypatch.setattr(server, "delete", just_then)
    one.forget(topic, "a")
    assert not one.channels(topic)
    keeper = ask(f"CONSUMER.INFO.task_{topic}.=")
    assert not keeper["config"].get("inactive_threshold")
    one.producer().send([Message(topic, b"kept")])
    assert [it.body for it in one.subscribe(topic, "c").receive(9, 5)] == [b"kept"]


def test_a_keeper_beside_a_channel_goes_by_itself(open_bus, ask, topic):
    """It would hold what the channel has done, for nobody."""
    bus = open_bus()
    for channel in ("a", "b"):
        bus.subscribe(topic, channel).close()
    bus.forget(topic, "a")
    keeper = ask(f"CONSUMER.INFO.task_{topic}.=")
    assert 0 < keeper["config"]["inactive_threshold"] < 60 * 10**9
    bus.producer().send([Message(topic, b"1")])
    bus.subscribe(topic, "b")
    assert "error" in ask(f"CONSUMER.INFO.task_{topic}.=")
    bus.forget(topic, "b")
    assert not ask(f"CONSUMER.INFO.task_{topic}.=")["config"].get("inactive_threshold")


def test_looking_takes_nothing_from_the_first_channel(open_bus, topic):
    """A temporary channel is never the first."""
    bus = open_bus()
    bus.producer().send([Message(topic, b"a")])
    looking = bus.subscribe(topic, "look", temporary=True)
    assert looking.receive(1, 0) == ()
    looking.close()
    assert [one.body for one in bus.subscribe(topic, "c").receive(9, 5)] == [b"a"]


def test_a_deleted_topic_is_made_again(open_bus, topic):
    """Somebody deleted it while others had it."""
    bus, other = open_bus(), open_bus()
    consumer, producer = bus.subscribe(topic, "c"), other.producer()
    producer.send([Message(topic, b"a")])
    bus.forget(topic)
    producer.send([Message(topic, b"b")])
    found = []
    while not found:
        found = consumer.receive(1, 5)
    assert [one.body for one in found] == [b"b"]


def test_delayed_messages_count_as_waiting_and_need_a_server_that_can(open_bus, topic):
    """So `--drain` does not end before them."""
    bus = open_bus()
    if not bus.capabilities.delay:
        pytest.skip("not offered: delay on this server")
    bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"later", delay=600.0)])
    until(lambda: bus.depth(topic, "c") == 1)  # a server counts a moment later
    bus.forget(topic)


def test_a_name_that_is_too_long_says_how_long_it_may_be(open_bus):
    """For channels as for topics; dead topics fit behind all that fit."""
    with pytest.raises(BusError, match="too long: at most 200"):
        open_bus().subscribe("t", "c" * 201)
    bus = open_bus()
    bus.prepare(["t" * 200 + ".dead"])
    bus.forget("t" * 200 + ".dead")


def test_two_systems_share_a_server_by_their_prefixes(open_bus, topic):
    """They do not see each other."""
    one, other = open_bus(), open_bus(prefix="other")
    one.producer().send([Message(topic, b"1")])
    assert topic in one.topics()
    assert topic not in other.topics()


def test_delays_go_on_when_others_have_made_the_topic_anew(open_bus, topic):
    """Its stream takes none until somebody asks for that: this one had, before."""
    bus, other = open_bus(), open_bus()
    if not bus.capabilities.delay:
        pytest.skip("not offered: delay on this server")
    producer = bus.producer()
    producer.send([Message(topic, b"before", delay=600.0)])
    other.forget(topic)
    other.producer().send([Message(topic, b"at once")])
    producer.send([Message(topic, b"late", delay=0.1), Message(topic, b"soon")])
    consumer, found = bus.subscribe(topic, "c"), []
    until(lambda: found.extend(consumer.receive(5, 1)) or len(found) == 3)
    assert {one.body for one in found} == {b"at once", b"late", b"soon"}
