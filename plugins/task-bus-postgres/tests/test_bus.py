"""What the bus promises beyond the contract: it costs PostgreSQL little."""

import threading
import time
import uuid
from datetime import timedelta

import psycopg
import pytest
from brokers.insist import present, until
from postgres_pooler import PgBouncer
from task_bus_postgres.binary import to_int
from task_bus_postgres.schema import sql_of

from task_core.api import BusError, Message, PayloadError

LONG = timedelta(seconds=60)


@pytest.fixture
def listener(server):
    """A connection that hears what readers of a topic are told."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def heard(listener, sql, topic):
    """Listen to a topic; return a function that counts what was heard."""
    ((bell,),) = sql(
        "SELECT 'task_' || 'task.message'::regclass::oid::int || '_' || id"
        " FROM task.channel WHERE topic = %s",
        topic,
    )
    listener.execute(f'LISTEN "{bell}"')

    told = []
    listener.add_notify_handler(told.append)

    def count():
        listener.execute("SELECT 1")  # what was said before comes with the answer
        return len(told)

    return count


def test_nobody_is_notified_while_all_are_busy(open_bus, listener, sql, topic):
    """A notification costs a lock on the whole database at commit."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    count = heard(listener, sql, topic)
    for number in range(20):
        producer.send([Message(topic, b"%d" % number)])
    assert count() == 0
    assert len(consumer.receive(10, 5)) == 10
    producer.send([Message(topic, b"more")])
    assert count() == 0


def test_who_sleeps_is_notified_once(open_bus, listener, sql, topic):
    """After that it is awake, until it sleeps again."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    count = heard(listener, sql, topic)
    assert consumer.receive(1, 0.2) == ()
    producer.send([Message(topic, b"1")])
    assert len(consumer.receive(1, 5)) == 1
    producer.send([Message(topic, b"2")])
    assert count() == 1


def test_who_sleeps_is_woken_by_a_send_and_by_a_return(open_bus, topic):
    """And need not look for it: it would do so in a minute here."""
    consumer = open_bus(poll=LONG).subscribe(topic, "c")
    other = open_bus()
    holder, producer = other.subscribe(topic, "c"), other.producer()
    producer.send([Message(topic, b"a")])
    (held,) = holder.receive(1, 5)
    timer = threading.Timer(1, holder.nack, [[held]])
    timer.start()
    assert [one.body for one in consumer.receive(1, 30)] == [b"a"]
    timer.join()  # it has yet to hear that it is given back


def test_a_reader_without_notifications_looks_for_itself(open_bus, topic):
    """As behind PgBouncer; it holds no lock and hears nothing."""
    consumer = open_bus(notify=False).subscribe(topic, "c")
    assert consumer.receive(1, 0.2) == ()
    producer = open_bus().producer()
    timer = threading.Timer(0.3, producer.send, [[Message(topic, b"a")]])
    timer.start()
    assert [one.body for one in consumer.receive(1, 30)] == [b"a"]
    timer.join()


def test_an_idle_reader_asks_once_a_second(open_bus, topic):
    """More seldom only if it is told so; and once to fall asleep."""
    consumer = open_bus().subscribe(topic, "c")
    asked = []
    run = consumer._link.call

    def call(*words):
        asked.append(words)
        return run(*words)

    consumer._link.call = call
    consumer.receive(1, 0)
    assert len(asked) == 1
    consumer.receive(1, 1.5)
    asked.clear()
    consumer.receive(1, 3.0)
    assert len(asked) <= 5


def test_looks_skip_what_is_deleted_while_somebody_keeps_it(
    open_bus, server, sql, topic
):
    """A look begins where the last one ended, so an old transaction costs little."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    with psycopg.connect(server.url) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")
        for _ in range(10):
            producer.send([Message(topic, b"x")] * 500)
            left = 500
            while left:
                found = consumer.receive(100, 5)
                consumer.ack(found)
                left -= len(found)
        time.sleep(0.1)  # the mark is a little before what was taken last
        producer.send([Message(topic, b"last")] * 50)
        consumer.receive(1, 5)
        (channel,) = sql("SELECT id FROM task.channel WHERE topic = %s", topic)[0]
        (mark,) = consumer._sleep._marks.values()
        from_start = buffers(sql, channel, "'-infinity'::timestamptz")
        since = f"'2000-01-01Z'::timestamptz + {to_int(mark)} * interval '1 us'"
        from_mark = buffers(sql, channel, since)
        assert from_mark * 5 < from_start


def buffers(sql, channel, since):
    """Return how many pages a look reads."""
    plan = sql(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT 1 FROM task.message"
        f" WHERE channel = {channel} AND rank = 0 AND due >= {since}"
        " AND due <= clock_timestamp() + interval '1 h' ORDER BY due, id LIMIT 1"
    )[0][0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_plans_made_on_empty_tables_do_not_read_full_ones(open_bus, sql, server, topic):
    """The server keeps a plan: one that reads all of an empty table would stay."""
    first = open_bus()
    first.ping()
    first.close()  # with it goes, counted, what made the tables and read them
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    for _ in range(10):
        producer.send([Message(topic, b"1")])
        consumer.ack(consumer.receive(1, 5))
    before = scans(sql)
    for _ in range(10):
        producer.send([Message(topic, b"1")] * 100)
    for _ in range(10):
        found = consumer.receive(50, 5)
        consumer.extend(found)
        consumer.settle(found, [Message(topic, b"2"), Message(f"{topic}-b", b"3")])
    consumer.nack(consumer.receive(10, 5))
    consumer.close()
    assert scans(sql) == before


def test_a_batch_is_looked_up_one_by_one_whatever_the_planner_knows(
    open_bus, sql, topic
):
    """Statistics are older than many a channel: all of one is not read for a few."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    producer.send([Message(f"{topic}-b", b"x")] * 1000)
    sql("ANALYZE task.message")
    producer.send([Message(topic, b"x")] * 2000)
    found = consumer.receive(100, 5)
    before = scans(sql, "idx_tup_fetch")
    consumer.extend(found)
    consumer.settle(found[:50], [])
    consumer.nack(found[50:])
    consumer.close()
    assert scans(sql, "idx_tup_fetch") - before < 1000


def scans(sql, what="seq_scan"):
    """Return how often all messages were read one by one, or another figure."""
    time.sleep(1.2)  # the server counts that late
    if sql("SELECT 1 FROM pg_proc WHERE proname = 'pg_stat_force_next_flush'"):
        sql("SELECT pg_stat_force_next_flush()")  # from 15 on
    ((number,),) = sql(
        f"SELECT {what} FROM pg_stat_user_tables"
        " WHERE schemaname = 'task' AND relname = 'message'"
    )
    return number


def test_priorities_come_first_and_last_whoever_waits(open_bus, topic):
    """Also one that the reader has never heard of, and what was given back."""
    bus = open_bus()
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    wanted = [(b"0", 0), (b"low", -7), (b"high", 3), (b"highest", 10**9), (b"0b", 0)]
    producer.send([Message(topic, body, priority=rank) for body, rank in wanted])
    found = consumer.receive(1, 5)
    assert [one.body for one in found] == [b"highest"]
    consumer.nack(found)
    found = [*consumer.receive(3, 5), *consumer.receive(9, 5)]
    bodies = [one.body for one in found]
    assert bodies == [b"highest", b"high", b"0", b"0b", b"low"]


def test_a_priority_reaches_a_channel_that_is_made_meanwhile(
    open_bus, listener, sql, topic
):
    """Its sender has seen to the ranks of those that it saw, and waits for one."""
    bus, other, third = open_bus(), open_bus(), open_bus()
    one, producer = bus.subscribe(topic, "one"), other.producer()
    producer.send([Message(topic, b"plain")])
    listener.execute("BEGIN")  # of an application; it has the row of the channel
    listener.execute(
        "SELECT task.send(ARRAY[%s], ARRAY['own'::bytea], NULL, NULL, '{-7}', NULL)",
        [topic],
    )
    urgent = [Message(topic, b"urgent", priority=5)]
    sender = threading.Thread(target=producer.send, args=[urgent])
    sender.start()
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    until(lambda: sql(waiting))
    two = third.subscribe(topic, "two")
    listener.execute("COMMIT")
    sender.join()
    assert {it.body for _ in range(3) for it in one.receive(9, 1)} == {
        b"plain",
        b"own",
        b"urgent",
    }
    assert [it.body for it in two.receive(9, 5)] == [b"urgent"]


def test_what_is_sent_with_a_settle_to_the_own_topic_is_seen_at_once(open_bus, topic):
    """The reader sleeps, and is not notified by itself; it looks once a minute here."""
    bus = open_bus(poll=LONG)
    consumer = bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"1")])
    (first,) = consumer.receive(1, 5)
    assert not consumer.receive(1, 0.5)
    consumer.settle([first], [Message(topic, b"2")])
    assert [one.body for one in consumer.receive(1, 30)] == [b"2"]


def test_what_nobody_can_carry_is_told_apart(open_bus, topic):
    """The others can be sent without it."""
    producer = open_bus().producer()
    odd = [
        Message(topic, b"1"),
        Message("a\0b", b"2"),
        Message("x" * 2000, b"3"),
        Message("\udc80", b"4"),
        Message(topic, b"5", headers={"a": "\udc80"}),
    ]
    with pytest.raises(PayloadError) as caught:
        producer.send(odd)
    assert set(caught.value.refused) == {1, 2, 3, 4}
    for name in ("a\0b", "\udc80"):
        with pytest.raises(BusError):
            open_bus().subscribe(name, "c")
        with pytest.raises(BusError):
            open_bus().depth(name, "c")


def test_a_temporary_channel_becomes_one_for_good(open_bus, topic):
    """When somebody reads it for work: it gets what waits for the first channel."""
    bus = open_bus()
    producer = bus.producer()
    producer.send([Message(topic, b"1")])
    bus.subscribe(topic, "c", temporary=True)
    producer.send([Message(topic, b"2")])
    reader = open_bus().subscribe(topic, "c")
    found = [*reader.receive(9, 5), *reader.receive(9, 0.2)]
    assert {one.body for one in found} == {b"1", b"2"}


def test_what_a_dead_reader_left_is_swept(open_bus, sql, topic):
    """By whoever subscribes next; nothing is written to it before."""
    bus = open_bus()
    bus.subscribe(topic, "t", temporary=True)
    sql("UPDATE task.channel SET expires = now() WHERE topic = %s", topic)
    bus.producer().send([Message(topic, b"1")])
    assert [it.name for it in bus.channels(topic)] == []
    open_bus().subscribe(f"{topic}-other", "c")
    left = sql("SELECT name FROM task.channel WHERE topic = %s", topic)
    assert left == [("",)]


def test_what_was_sent_to_a_channel_as_it_went_is_swept(open_bus, sql, topic):
    """Who sends and who deletes do not wait for one another."""
    bus = open_bus()
    bus.subscribe(topic, "c")
    bus.producer().send([Message(topic, b"stays")])
    sql("INSERT INTO task.message (channel, rank, due, body) VALUES (-7, 0, now(), '')")
    open_bus().subscribe(f"{topic}-other", "c")
    assert sql("SELECT 1 FROM task.message WHERE channel = -7") == []
    assert bus.depth(topic, "c") == 1


def test_many_who_come_first_make_one_schema(open_bus, sql):
    """Under a lock: the others wait, and find it."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    buses = [open_bus(schema=schema) for _ in range(4)]
    failed = []

    def ping(bus):
        try:
            bus.ping()
        except BusError as error:
            failed.append(error)

    threads = [threading.Thread(target=ping, args=[bus]) for bus in buses]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert sql(f"SELECT count(*) FROM {schema}.version") == [(1,)]
    for bus in buses:
        bus.close()
    sql(f"DROP SCHEMA {schema} CASCADE")


def test_the_sql_names_the_schema_alone():
    """Nothing of it is found by a search path."""
    text = sql_of("elsewhere")
    assert "{schema}" not in text
    assert '"elsewhere".message' in text


@pytest.fixture
def pooler(server):
    """PgBouncer, which gives a session for one transaction."""
    pooler = PgBouncer(server)
    present(pooler.start)
    yield pooler
    pooler.close()


def test_pgbouncer_in_transaction_mode_is_no_hindrance(open_bus, pooler, topic):
    """With `notify=false`, several readers share its few sessions."""
    buses = [open_bus(of_server=pooler, notify=False, lease=1.0) for _ in range(3)]
    readers = [bus.subscribe(topic, "c") for bus in buses]
    producer = buses[0].producer()
    for number in range(30):
        producer.send([Message(topic, b"%d" % number)])
    found = []
    while len(found) < 29:
        for reader in readers:
            came = reader.receive(3, 5)
            reader.extend(came)
            reader.settle(came[:-1], [Message(f"{topic}-b", b"x")])
            reader.ack(came[-1:])
            found += came
    assert len({one.body for one in found}) >= 29
    for bus in buses:
        bus.close()
