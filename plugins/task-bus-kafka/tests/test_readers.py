"""What the readers of both client libraries owe the poller."""

import contextlib
import time
import uuid
from collections import deque
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, TopicPartition
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import CoordinatorLoadInProgressError
from kafka.future import Future
from kafka.structs import MemberState
from kafka_backdoor import KafkaBackdoor
from task_bus_kafka import confluent_reader
from task_bus_kafka.driver import Reader
from task_bus_kafka.opening import make_driver
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.progress import Progress
from task_bus_kafka.python_group import Membership
from task_bus_kafka.python_reader import PythonReader
from task_bus_kafka.settings import Settings

FOUR = range(4)


class Nobody:
    """Is told of partitions, and has no progress."""

    def release(self, partitions):
        return {}


class Rebalancing:
    """A client of librdkafka from which a partition goes between two messages."""

    def __init__(self, settings):
        self.assigned = [TopicPartition("t", number) for number in FOUR]
        self.committed = []

    def subscribe(self, topics, **told):
        self.told = told

    def poll(self, seconds):
        return self.message(1)

    def consume(self, limit, seconds):
        gone = [self.assigned.pop(1)]
        self.told["on_revoke"](self, gone)
        return [self.message(2)]

    def message(self, partition, error=None):
        facts = {"partition": partition, "offset": 7, "value": b"", "headers": None}
        returns = {name: lambda fact=fact: fact for name, fact in facts.items()}
        return SimpleNamespace(**returns, error=lambda: error)

    def commit(self, offsets, asynchronous):
        self.committed += [at.partition for at in offsets]

    def assignment(self):
        return self.assigned

    def list_topics(self, topic, seconds):
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None)})

    def consumer_group_metadata(self):
        pass


class Ending(Rebalancing):
    """One that tells of an end together with a message; then that partition goes."""

    polls = 0

    def poll(self, seconds):
        self.polls += 1
        if self.polls == 1:
            return self.message(1)
        self.told["on_revoke"](self, [self.assigned.pop(1)])
        return None

    def consume(self, limit, seconds):
        end = SimpleNamespace(code=lambda: KafkaError._PARTITION_EOF)
        return [self.message(1, end), self.message(2, end)]


@pytest.fixture(params=list(Client))
def read(request, kafka):
    """Make readers of one topic, as members of one group: each test has its own."""
    options = KafkaOptions(bootstrap=(kafka.bootstrap,), client=request.param)
    driver = make_driver(options, Settings(options, 30.0), 30.0)
    with contextlib.ExitStack() as stack:

        def read(topic):
            reader = driver.reader(topic, topic, Nobody())
            return stack.enter_context(contextlib.closing(reader))

        yield read


def poll_until(readers, done):
    """Let readers poll until something is so; return what they read."""
    found, deadline = [], time.monotonic() + 60
    while not done(found):
        assert time.monotonic() < deadline, found
        for reader in readers:
            found += reader.poll(100, 0.02)
    return found


def test_all_is_read_again_after_a_pause_in_which_partitions_came(read, kafka):
    topic = f"paused-{uuid.uuid4().hex}"
    with contextlib.closing(KafkaBackdoor(kafka, partitions=4)) as backdoor:
        backdoor.make(topic)
        for number in FOUR:
            backdoor.producer.send(topic, b"1", partition=number)
        first, second = read(topic), read(topic)
        poll_until([first, second], lambda found: len(found) >= len(FOUR))
        poll_until([first, second], lambda _: first.joined and second.joined)
        first.pause()
        second.close()
        poll_until([first], lambda _: len(first._consumer.assignment()) == len(FOUR))
        first.resume()
        for number in FOUR:
            backdoor.producer.send(topic, b"2", partition=number)
        poll_until(
            [first],
            lambda found: {r.partition for r in found if r.body == b"2"} == set(FOUR),
        )


def test_a_partition_that_went_in_a_pause_is_read_when_it_comes_back(read, kafka):
    """Libraries may keep it as paused, while nobody knows that they do."""
    topic = f"went-{uuid.uuid4().hex}"
    with contextlib.closing(KafkaBackdoor(kafka, partitions=4)) as backdoor:
        backdoor.make(topic)
        first = read(topic)
        poll_until([first], lambda _: len(first._consumer.assignment()) == len(FOUR))
        first.pause()
        poll_until([first], lambda _: first._paused)
        second = read(topic)
        poll_until([first, second], lambda _: second.joined and second.has_partitions)
        first.resume()
        second.close()
        for number in FOUR:
            backdoor.producer.send(topic, b"1", partition=number)
        poll_until(
            [first], lambda found: {record.partition for record in found} == set(FOUR)
        )


@pytest.fixture
def rebalancing(monkeypatch):
    monkeypatch.setattr(confluent_reader, "Consumer", Rebalancing)
    return confluent_reader.ConfluentReader({}, "t", Nobody(), 1.0)


def test_what_was_read_of_a_partition_that_goes_meanwhile_is_dropped(rebalancing):
    assert [record.partition for record in rebalancing.poll(10, 0)] == [2]


def test_progress_of_a_partition_that_went_meanwhile_is_not_written_down(rebalancing):
    rebalancing.poll(10, 0)
    rebalancing.commit_soon({1: Progress(3, 3), 2: Progress(4, 4)})
    rebalancing.poll(10, 0)
    assert rebalancing._consumer.committed == [2]


def test_an_end_of_a_partition_that_went_is_not_how_far_we_are(monkeypatch):
    """It would be written down as our progress, in place of what others did since."""
    monkeypatch.setattr(confluent_reader, "Consumer", Ending)
    reader = confluent_reader.ConfluentReader({}, "t", Nobody(), 1.0)
    reader.poll(10, 0)
    assert not reader.poll(10, 0)
    assert reader.positions() == {2: 7}


@pytest.mark.parametrize("read", [Client.PYTHON], indirect=True)
def test_a_place_that_comes_between_two_polls_is_taken(read, kafka):
    """Else the whole group joins anew, again and again, and takes no progress."""
    topic = f"brief-{uuid.uuid4().hex}"
    with contextlib.closing(KafkaBackdoor(kafka, partitions=4)) as backdoor:
        backdoor.make(topic)
        members, deadline = [read(topic), read(topic)], time.monotonic() + 60
        while not all(one.joined and one.has_partitions for one in members):
            assert time.monotonic() < deadline, "the group never settles"
            for one in members:
                one.poll(1, 0)
            time.sleep(0.02)  # nothing tells that an answer has come
        assert members[0].membership.generation_id <= 6


class Moving:
    """A coordinator that has to be looked for, and then does not take commits yet."""

    state = MemberState.STABLE
    _generation = _async_commit_fenced = None
    _use_offset_apis = True
    commit_offsets_async = ConsumerCoordinator.commit_offsets_async
    _do_commit_offsets_async = ConsumerCoordinator._do_commit_offsets_async
    _invoke_completed_offset_commit_callbacks = (
        ConsumerCoordinator._invoke_completed_offset_commit_callbacks
    )

    def __init__(self):
        self._manager = SimpleNamespace(call_soon=lambda act, *given: act(*given))
        self.config = {"default_offset_commit_callback": None}
        self.completed_offset_commits = deque()
        self.lookups = []
        self.commits = []

    def coordinator_unknown(self):
        return True

    def lookup_coordinator(self):
        self.lookups.append(Future())
        return self.lookups[-1]

    def _send_offset_commit_request(self, offsets):
        self.commits.append(Future())
        return self.commits[-1]


def test_a_commit_that_is_refused_once_the_coordinator_is_found_has_failed():
    """Who takes it for written down repeats after a crash what was done long before."""
    moving = Moving()
    consumer = SimpleNamespace(
        _coordinator=moving, commit_async=moving.commit_offsets_async
    )
    reader = object.__new__(PythonReader)
    Reader.__init__(reader, "t", Nobody(), 1.0)
    reader._membership = Membership(consumer, moving._manager)
    done = reader.commit_soon({0: Progress(5, 5)})
    moving.lookups[0].success(None)
    assert not done.is_set()
    moving.commits[0].failure(CoordinatorLoadInProgressError())
    assert done.is_set()
    assert reader.has_failed
    assert not moving.completed_offset_commits  # another thread may look in there
