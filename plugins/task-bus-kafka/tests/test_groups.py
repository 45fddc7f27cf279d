"""What holds when partitions move, tasks are long and processes die."""

import contextlib
import subprocess
import sys
import threading
import time
import uuid
from datetime import timedelta

import pytest
from kafka import KafkaProducer
from kafka_backdoor import KafkaBackdoor
from task_bus_kafka.options import Client, KafkaOptions, Key, ReadFrom
from task_bus_kafka.plugin import kafka as plugin

from task_core.api import BusContext, LeaseLostError, Message

TWENTY = [b"%02d" % number for number in range(20)]
DIES_HOLDING_ONE = """
import os, sys
from task_bus_kafka import consumer
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka
from task_core.api import BusContext
bootstrap, client, topic = sys.argv[1:]
consumer.COMMIT_PATIENCE = 60.0  # a busy broker is not what this is about
options = KafkaOptions(bootstrap=(bootstrap,), client=Client(client), partitions=1)
consumer = kafka.open(options, BusContext(lease=1.5)).subscribe(topic, "group")
(held,) = consumer.receive(1, 60)
print(held.body.decode(), held.attempt, flush=True)
os._exit(9)
"""


@pytest.fixture
def topic():
    return f"group-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def backdoor(kafka):
    with contextlib.closing(KafkaBackdoor(kafka, partitions=4)) as backdoor:
        yield backdoor


@pytest.fixture
def start(kafka, client):
    """Open a bus and subscribe; all are closed at the end."""
    opened = []

    def start(
        topic, lease=30.0, partitions=4, channel="group", temporary=False, **more
    ):
        options = KafkaOptions(
            bootstrap=(kafka.bootstrap,), client=client, partitions=partitions, **more
        )
        opened.append(plugin.open(options, BusContext(lease=lease)))
        return opened[-1].subscribe(topic, channel, temporary=temporary)

    yield start
    for bus in opened:
        bus.close()


def receive(consumer, count, seconds=60.0):
    """Return so many deliveries, or what came in time."""
    found, deadline = [], time.monotonic() + seconds
    while len(found) < count and (left := deadline - time.monotonic()) > 0:
        found += consumer.receive(count - len(found), left)
    return found


def receive_all(consumer, count):
    """Return what comes: so many, and whatever more there is."""
    return [*receive(consumer, count), *consumer.receive(100, 1.0)]


def bodies(deliveries):
    return sorted(delivery.body for delivery in deliveries)


def test_who_joins_takes_over_and_nothing_is_lost(start, topic, backdoor):
    """What moves is refused to who had it; a partition may move more than once.

    Older versions of librdkafka give all up when they commit at the wrong moment of a
    change (its issue 4059): then all is handed out anew, to whomever gets it.
    """
    put_evenly(backdoor, topic, TWENTY, partitions=4)
    first = start(topic)
    before = held = receive(first, 20)
    second = start(topic)
    moved, deadline = [], time.monotonic() + 120  # partitions move one by one
    while not (moved and bodies([*held, *moved]) == TWENTY):
        assert time.monotonic() < deadline, (bodies(held), bodies(moved))
        moved = kept_of(second, [*moved, *second.receive(20, 0.5)])
        held = kept_of(first, [*held, *first.receive(20, 0.1)])
    with pytest.raises(LeaseLostError) as caught:
        first.settle(before, [])
    assert set(bodies(caught.value.deliveries)) >= set(bodies(moved))
    done = set()
    while first.bus.depth(topic, "group"):
        assert time.monotonic() < deadline, done
        done |= settle_kept(first, held) | settle_kept(second, moved)
        held, moved = first.receive(20, 0.1), second.receive(20, 0.1)
    assert sorted(done) == TWENTY


def test_who_never_asks_leaves_the_messages_to_others(start, topic, backdoor):
    backdoor.put(topic, TWENTY)
    idle = start(topic, lease=4.0)
    other = start(topic, lease=4.0)
    came = set()
    while len(came) < 20 and (found := receive(other, 1)):
        came |= settle_kept(other, found)
    assert sorted(came) == TWENTY
    other.close()
    backdoor.put(topic, [b"more"])
    assert bodies(receive(idle, 1)) == [b"more"]


def test_what_was_done_out_of_order_is_not_done_again(start, topic, backdoor):
    backdoor.put(topic, TWENTY)
    first = start(topic)
    held = sorted(receive(first, 20), key=lambda delivery: delivery.body)
    first.ack(held[1::2])
    first.close()
    again = receive_all(start(topic), 10)
    assert bodies(again) == TWENTY[0::2]


def test_progress_is_written_down_by_the_clock_with_nobody_calling(
    start, topic, backdoor
):
    backdoor.put(topic, TWENTY)
    first = start(topic, commit_interval=timedelta(seconds=0.1))
    first.ack(receive(first, 20))
    other = start(f"{topic}-other")
    deadline = time.monotonic() + 60
    while other.bus.depth(topic, "group") and time.monotonic() < deadline:
        pass
    assert other.bus.depth(topic, "group") == 0


def test_a_task_may_be_longer_than_the_poll_interval(start, topic, backdoor, client):
    name = "max_poll_interval_ms" if client is Client.PYTHON else "max.poll.interval.ms"
    backdoor.put(topic, TWENTY)
    settings = (f"{name}=5000",)
    busy = start(topic, lease=5.0, partitions=1, settings=settings)
    held = receive(busy, 20)
    for _ in range(12):
        time.sleep(0.5)
        busy.extend(held)
    busy.settle(held, [])


def test_a_message_that_kills_is_counted_over_processes(
    start, topic, kafka, client, backdoor
):
    backdoor._partitions = 1
    backdoor.put(topic, [b"poison", b"good"])
    arguments = [kafka.bootstrap, client.value, topic]
    command = [sys.executable, "-c", DIES_HOLDING_ONE, *arguments]
    told = []
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told.append(done.stdout.split())
    assert told == [["poison", "1"], ["poison", "2"], ["poison", "3"]]
    heir = start(topic, partitions=1)
    came = {d.body: d.attempt for d in receive(heir, 2)}
    assert came == {b"poison": 4, b"good": 1}


def test_what_a_worker_that_died_had_not_begun_is_done_by_who_was_there_before(
    start, topic, kafka, client, backdoor
):
    """Also what that one had read before, and had at once when its partition moved."""
    tasks = [b"%03d" % number for number in range(700)]  # more than are read at once
    first = start(topic, partitions=2, lease=4.0)
    first.bus.producer().send([Message(topic, task) for task in tasks])
    done = settle_kept(first, receive(first, 50))
    first.extend(held := receive(first, 1))
    if client is Client.CONFLUENT:
        await_so(lambda: first._poller.reader._paused, first, held)
    dies = DIES_HOLDING_ONE.replace("lease=1.5", "lease=4.0")
    dies = dies.replace("partitions=1", "partitions=2")
    command = [sys.executable, "-c", dies, kafka.bootstrap, client.value, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as dying:
        await_so(lambda: dying.poll() is not None, first, held)
        assert dying.stdout.read()
    done |= settle_kept(first, held)
    deadline = time.monotonic() + 120
    while len(done) < len(tasks):
        assert time.monotonic() < deadline, len(done)
        done |= settle_kept(first, first.receive(100, 1.0))
    assert sorted(done) == tasks


def await_so(condition, consumer, held):
    """Await it, and give signs of life meanwhile."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
        held = kept_of(consumer, held)
    return held


def test_a_delay_outlives_the_consumer_that_waits(start, topic):
    first = start(topic)
    producer = first.bus.producer()
    sent = time.monotonic()
    producer.send([Message(topic, b"later", delay=3.0), Message(topic, b"now")])
    first.ack(receive(first, 1))
    first.close()
    (late,) = receive(start(topic), 1)
    assert late.body == b"later"
    assert time.monotonic() - sent > 2.9


def test_a_new_channel_may_begin_with_what_is_sent_from_now_on(start, topic, backdoor):
    backdoor.put(topic, TWENTY)
    consumer = start(topic, from_=ReadFrom.NEW)
    backdoor.put(topic, [b"new"])
    assert bodies(receive_all(consumer, 1)) == [b"new"]


def test_what_came_after_a_channel_was_new_is_never_skipped(start, topic, backdoor):
    consumer = start(topic, partitions=1, from_=ReadFrom.NEW)
    backdoor.put(topic, [b"forgotten", b"kept"])
    consumer.close()
    backdoor.forget(topic, before=1)
    backdoor.grow(topic, 2)
    sent = backdoor.producer.send(topic, b"elsewhere", partition=1)
    sent.get(60)
    again = start(topic, from_=ReadFrom.NEW)
    assert bodies(receive(again, 2)) == [b"elsewhere", b"kept"]


def test_who_only_looks_takes_nothing_from_a_group_that_has_a_name(
    start, topic, backdoor
):
    """Nor does it take with it, when it goes, what the group has done."""
    group = f"{topic}-named"
    worker = start(topic, partitions=2, group=group)
    looker = start(topic, partitions=2, group=group, temporary=True, channel="look")
    tasks = [Message(topic, body) for body in TWENTY]
    worker.bus.producer().send(tasks)
    shown, got = receive(looker, 20), receive(worker, 20)
    assert bodies(shown) == bodies(got) == TWENTY
    looker.ack(shown)
    worker.ack(got)
    worker.bus.close()
    looker.bus.close()
    again = start(topic, partitions=2, group=group)
    assert again.bus.depth(topic, "group") == 0
    again.bus.producer().send([Message(topic, b"more")])
    assert bodies(receive(again, 1)) == [b"more"]
    groups = {one["group_id"] for one in backdoor.admin.list_groups()}
    assert group in groups
    assert f"{topic}.look" not in groups


def test_tasks_of_one_job_keep_their_order_on_many_partitions(start, topic):
    consumer = start(topic, key=Key.JOB)
    tasks = [
        b'{"type":"t","job":"%d","info":"%d"}' % (number % 5, number)
        for number in range(50)
    ]
    producer = consumer.bus.producer()
    for at in range(0, 50, 10):
        producer.send([Message(topic, task) for task in tasks[at : at + 10]])
    came = [delivery.body for delivery in receive(consumer, 50)]
    for job in range(5):
        assert [b for b in came if b'"job":"%d"' % job in b] == tasks[job::5]


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(start, topic, backdoor):
    backdoor.put(topic, TWENTY)
    first = start(topic)
    first.ack(receive(first, 20))
    first.close()
    backdoor.remove(topic)
    backdoor.put(topic, [b"anew"])
    assert bodies(receive(start(topic), 1)) == [b"anew"]


def test_a_transaction_settles_out_of_order_exactly(start, topic, backdoor):
    backdoor.put(topic, TWENTY)
    consumer = start(topic, transactions=True)
    held = sorted(receive(consumer, 20), key=lambda delivery: delivery.body)
    done = [Message(f"{topic}-done", delivery.body) for delivery in held[10:]]
    consumer.settle(held[10:], done)
    assert sorted(backdoor.take(f"{topic}-done")) == TWENTY[10:]
    consumer.close()
    assert bodies(receive_all(start(topic), 10)) == TWENTY[:10]


def test_a_topic_written_in_transactions_is_done_when_its_end_is_reached(
    start, topic, kafka
):
    """The marks of transactions, and what was taken back, are no backlog."""
    consumer = start(topic, partitions=2)
    with transactional(kafka) as producer:
        for number in range(3):
            producer.begin_transaction()
            producer.send(topic, b"%d" % number, partition=0).get(60)
            producer.commit_transaction()
        for number in range(2):
            producer.begin_transaction()
            producer.send(topic, b"taken back", partition=number).get(60)
            producer.abort_transaction()
    consumer.ack(receive(consumer, 3))
    assert consumer.receive(1, 1.0) == ()
    deadline = time.monotonic() + 60
    while (depth := consumer.bus.depth(topic, "group")) and time.monotonic() < deadline:
        consumer.receive(1, 0.1)
    assert depth == 0


def kept_of(consumer, held):
    """Return those deliveries that have not gone to others; restart their leases."""
    return act_on_kept(consumer.extend, held)


def settle_kept(consumer, held):
    """Settle those deliveries that have not gone to others; return their bodies."""
    return set(bodies(act_on_kept(lambda kept: consumer.settle(kept, []), held)))


def act_on_kept(act, held):
    while True:
        try:
            act(held)
        except LeaseLostError as error:
            held = [one for one in held if one not in error.deliveries]
        else:
            return held


def put_evenly(backdoor, topic, bodies, partitions):
    """Send as many messages to each partition, so that it is seen where each is."""
    backdoor._partitions = partitions
    backdoor.put(topic, [])
    for number, body in enumerate(bodies):
        backdoor.producer.send(topic, body, partition=number % partitions).get(60)


@contextlib.contextmanager
def transactional(kafka):
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"test-{uuid.uuid4()}"
    )
    producer.init_transactions()
    yield producer
    producer.close()


@pytest.mark.parametrize("client", [Client.PYTHON])  # librdkafka waits, too
def test_progress_is_written_down_while_the_group_waits_for_one_that_died(
    start, topic, kafka, backdoor
):
    """Else whoever is killed then has everything done again that it did in a lease."""
    put_evenly(backdoor, topic, [b"x", b"y"], partitions=2)
    survivor = start(topic, lease=120.0)
    held = receive(survivor, 2)
    dies = DIES_HOLDING_ONE.replace("lease=1.5", "lease=120.0")
    dies = dies.replace("os._exit", "input(); os._exit")
    command = [sys.executable, "-c", dies, kafka.bootstrap, "kafka-python", topic]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as dying:
        assert dying.stdout.readline()
        await_joined(survivor, joined=True)
        dying.communicate("die\n")
    joining = threading.Thread(target=start, args=(topic, 120.0))
    joining.start()
    await_joined(survivor, joined=False)  # the group awaits the dead one
    (mine,) = kept_of(survivor, held)
    admin, group = survivor.bus._admin, f"{topic}.group"
    assert admin.lag(topic, group) == 2
    survivor.ack([mine])
    deadline = time.monotonic() + 60
    while (after := admin.lag(topic, group)) == 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not survivor._poller.reader.joined
    assert after == 1
    joining.join()


def await_joined(consumer, *, joined):
    """Await that it has a place in its group, or that the group changes."""
    deadline = time.monotonic() + 60
    while consumer._poller.reader.joined is not joined:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_clean_end_is_no_sign_of_killing(start, topic, backdoor):
    """Whoever stops in peace has given back what it held: it killed nobody."""
    backdoor._partitions = 1
    backdoor.put(topic, [b"task"])
    told = []
    for _ in range(3):
        consumer = start(topic, partitions=1)
        (one,) = receive(consumer, 1)
        told.append((one.attempt, one.returned))
        consumer.bus.close()
    assert told == [(1, 0), (2, 1), (3, 2)]
