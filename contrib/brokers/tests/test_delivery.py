"""Who gets which message, how often, and how many at once."""

import socket
import time

from brokers.tests.raw import Raw, batch, body, channel_stats, until


def test_each_channel_gets_each_message_and_its_clients_share_them(
    connect, publish, topic
):
    first, second, other = connect(), connect(), connect()
    for client, channel in ((first, "c"), (second, "c"), (other, "d")):
        client.subscribe(topic, channel, ready=10)
    bodies = [b"%d" % number for number in range(20)]
    publish(topic, *bodies)
    shared, own = [], []
    for number in range(10):
        shared += [client.message().body for client in (first, second)]
        own.append(other.message())
        assert own[number].attempts == 1
        other.send(b"FIN " + own[number].id + b"\n")
    own += [other.message() for _ in range(10)]
    assert sorted(shared) == sorted(bodies)
    assert [message.body for message in own] == bodies


def test_no_more_is_in_flight_than_a_client_is_ready_for(connect, publish, nsqd, topic):
    client = connect().subscribe(topic, "c", ready=3)
    publish(topic, *[b"x"] * 10)
    messages = [client.message() for _ in range(3)]
    assert client.quiet()
    assert channel_stats(nsqd.http, topic, "c")["in_flight_count"] == 3
    client.send(b"FIN " + messages[0].id + b"\n")
    client.message()
    assert client.quiet()


def test_a_client_that_is_not_ready_gets_nothing(connect, publish, topic):
    client = connect().subscribe(topic, "c", ready=1)
    client.send(b"RDY 0\n")
    client.sync()
    publish(topic, b"x")
    assert client.quiet()
    client.send(b"RDY 1\n")
    assert client.message().body == b"x"


def test_an_unfinished_message_comes_again_when_it_is_late(
    connect, publish, nsqd, topic
):
    client = connect().subscribe(topic, "c", ready=1, msg_timeout=1000)
    publish(topic, b"x")
    first, began = client.message(), time.monotonic()
    second = client.message()
    assert time.monotonic() - began >= 0.99
    assert (first.attempts, second.attempts) == (1, 2)
    assert (first.id, first.timestamp) == (second.id, second.timestamp)
    told = channel_stats(nsqd.http, topic, "c")
    assert (told["timeout_count"], told["in_flight_count"]) == (1, 1)


def test_touch_gives_more_time(connect, publish, topic):
    client = connect().subscribe(topic, "c", ready=1, msg_timeout=1000)
    publish(topic, b"x")
    message, began = client.message(), time.monotonic()
    assert client.quiet(0.6)
    client.send(b"TOUCH " + message.id + b"\n")
    assert client.message().attempts == 2
    assert time.monotonic() - began >= 1.59


def test_a_late_message_is_no_longer_its_clients(connect, publish, topic):
    late = connect().subscribe(topic, "c", ready=1, msg_timeout=1000)
    publish(topic, b"x")
    message = late.message()
    late.send(b"RDY 0\n")
    other = connect().subscribe(topic, "c", ready=1)
    assert other.message().id == message.id
    for command in (b"FIN %s\n", b"REQ %s 0\n", b"TOUCH %s\n"):
        text = late.refused(command % message.id)
        assert text.endswith(
            f"{message.id.decode()} failed client does not own message"
        )
    other.send(b"FIN " + message.id + b"\n")
    text = other.refused(b"FIN " + message.id + b"\n")
    assert text.endswith(f"{message.id.decode()} failed ID not in flight")


def test_what_a_lost_client_had_comes_again_only_when_it_is_late(
    connect, publish, topic
):
    lost = connect().subscribe(topic, "c", ready=1, msg_timeout=2000)
    publish(topic, b"x")
    lost.message()
    began = time.monotonic()
    lost.close()
    other = connect().subscribe(topic, "c", ready=1)
    assert other.message().attempts == 2
    assert time.monotonic() - began >= 1.9


def test_req_with_delay_is_never_early(connect, publish, nsqd, topic):
    client = connect().subscribe(topic, "c", ready=1)
    publish(topic, b"x")
    message = client.message()
    began = time.monotonic()
    client.send(b"REQ " + message.id + b" 700\n")
    client.sync()
    told = channel_stats(nsqd.http, topic, "c")
    assert (told["deferred_count"], told["in_flight_count"]) == (1, 0)
    assert client.message().attempts == 2
    assert time.monotonic() - began >= 0.69


def test_dpub_is_never_early_on_any_channel(connect, nsqd, topic):
    clients = [connect().subscribe(topic, name, ready=1) for name in "ab"]
    began = time.monotonic()
    connect().ok(f"DPUB {topic} 700\n".encode() + body(b"x"))
    assert [client.message().attempts for client in clients] == [1, 1]
    assert time.monotonic() - began >= 0.69


def test_dpub_without_a_channel_forgets_the_delay_when_nothing_is_kept_in_memory(
    connect, nsqd, topic
):
    connect().ok(f"DPUB {topic} 3600000\n".encode() + body(b"x"))
    assert connect().subscribe(topic, "c", ready=1).message().body == b"x"


def test_a_requeued_message_goes_behind_what_waits(connect, publish, nsqd, topic):
    client = connect().subscribe(topic, "c", ready=1)
    publish(topic, b"1", b"2", b"3")
    message = client.message()
    until(lambda: channel_stats(nsqd.http, topic, "c")["depth"] == 2)
    client.send(b"REQ " + message.id + b" 0\n")
    seen = []
    for _ in range(3):
        message = client.message()
        seen.append(message.body)
        client.send(b"FIN " + message.id + b"\n")
    assert sorted(seen) == [b"1", b"2", b"3"]
    assert seen[0] != b"1"


def test_a_mebibyte_of_any_bytes_survives(connect, publish, topic):
    data = bytes(range(256)) * 4096
    client = connect().subscribe(topic, "c", ready=1)
    publish(topic, data)
    message = client.message()
    assert message.body == data
    assert abs(message.timestamp / 1e9 - time.time()) < 60
    assert int(message.id, 16) > 0


def test_heartbeats_come_at_the_interval_asked_for(connect, nsqd, topic):
    client = connect()
    client.subscribe(topic, "c", heartbeat_interval=1000)
    began = time.monotonic()
    for _ in range(3):
        assert client.frame() == ("response", b"_heartbeat_")
        client.send(b"NOP\n")
    assert 2.5 <= time.monotonic() - began < 4


def test_a_client_that_does_not_answer_heartbeats_is_cut_off(connect, nsqd, topic):
    client = connect()
    client.subscribe(topic, "c", heartbeat_interval=1000)
    began = time.monotonic()
    beats = 0
    while client.lives() and beats < 5:
        beats += 1
    assert beats < 5
    assert 1.9 <= time.monotonic() - began < 5


def test_messages_wait_in_the_buffer_while_more_may_come(connect, publish, topic):
    client = connect()
    buffered = {"output_buffer_size": 16_384, "output_buffer_timeout": -1}
    client.subscribe(topic, "c", ready=2, **buffered)
    publish(topic, b"x")
    assert client.quiet()
    client.send(b"RDY 1\n")
    assert client.message().body == b"x"


def test_the_buffer_is_sent_when_its_time_is_over(connect, publish, topic):
    client = connect()
    client.subscribe(topic, "c", ready=2, output_buffer_size=0)
    publish(topic, b"x")
    assert client.message(wait=2).body == b"x"


def test_the_first_line_may_come_byte_by_byte(connect, nsqd, topic):
    client = connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in f"PUB {topic}\n".encode() + body(b"hello\n"):
        client.send(bytes([byte]))
    assert client.frame() == ("response", b"OK")


def test_a_line_without_end_is_cut_off(connect, nsqd):
    client = connect()
    client.send(b"x" * 20_000)
    assert client.ended()


def test_ten_thousand_messages_come_once_each(connect, nsqd, topic):
    clients = [connect().subscribe(topic, "c", ready=100) for _ in range(4)]
    producer = Raw(nsqd.tcp)
    for start in range(0, 10_000, 500):
        bodies = [b"%d" % number for number in range(start, start + 500)]
        producer.ok(f"MPUB {topic}\n".encode() + batch(*bodies))
    producer.close()
    seen = []
    while len(seen) < 10_000:
        for client in clients:
            try:
                message = client.message(wait=0.01)
            except TimeoutError:
                continue
            client.send(b"FIN " + message.id + b"\n")
            seen.append(int(message.body))
    assert sorted(seen) == list(range(10_000))
