"""HTTP that is elsewhere, as behind a port map: said at once, and not waited for."""

import threading

import pytest
from brokers.ports import free_address
from nsq_backdoor import NsqBackdoor, http
from task_bus_nsq.http import ask_each
from task_bus_nsq.names import Address

from task_core.api import (
    BusConnectionError,
    ChannelState,
    UnsupportedCapabilityError,
)


def uses_of_http(bus):
    """Return all calls that need it."""
    return (
        bus.topics,
        lambda: bus.depth("t", "c"),
        lambda: bus.channels("t"),
        lambda: bus.forget("t", "c"),
    )


def test_http_that_is_not_there_is_told_with_the_option_at_once(nsqd, buses):
    bus = buses(nsqd=(nsqd.tcp,), http=(free_address(),))
    for use in uses_of_http(bus):
        with pytest.raises(UnsupportedCapabilityError, match="set the option http"):
            use()


def test_something_else_at_its_port_is_told_in_one_line(nsqd, buses, listening):
    port = listening(greeting=b"INFO {} \r\n\r\n")
    bus = buses(nsqd=(nsqd.tcp,), http=(f"127.0.0.1:{port}",))
    with pytest.raises(UnsupportedCapabilityError, match="set the option http") as told:
        bus.topics()
    text = f"127.0.0.1:{port} does not answer /stats: it speaks something else than"
    assert text in str(told.value)
    assert "INFO" not in str(told.value)


def test_an_nsqd_that_refuses_us_is_there_and_its_http_is_not(guarded, buses):
    bus = buses(nsqd=(guarded.tcp,), http=(free_address(),), auth_secret="wrong")
    with pytest.raises(UnsupportedCapabilityError, match="set the option http"):
        bus.topics()


def test_http_of_an_nsqd_that_is_away_is_an_outage(start_nsqd, buses):
    nsqd = start_nsqd()
    new, used = (buses(nsqd=(nsqd.tcp,), http=(nsqd.http,)) for _ in range(2))
    used.topics()
    nsqd.stop()
    for bus in (new, used):
        for use in uses_of_http(bus):
            with pytest.raises(BusConnectionError):
                use()


def test_http_that_answered_before_is_an_outage_though_nsqd_is_there(nsqd, buses):
    bus = buses(nsqd=(nsqd.tcp,), http=(nsqd.http,))
    bus.topics()
    bus._stats._settings = buses(nsqd=(nsqd.tcp,), http=(free_address(),))._settings
    with pytest.raises(BusConnectionError):
        bus.topics()


def test_all_are_asked_at_once():
    """One after the other, those that are silent would add up to more than a lease."""
    all_asked = threading.Barrier(3)

    def ask(address):
        all_asked.wait(60)
        if address.host == "b":
            raise BusConnectionError("b is silent")
        return address.host

    asked = ask_each([Address(host, 1) for host in "abc"], ask, "nsqd")
    assert asked == (["a", "c"], ["b is silent"])


def test_whoever_asks_several_does_not_hold_up_the_end_of_the_program():
    """It would wait for those that are silent."""
    asking, all_asked = [], threading.Barrier(3)

    def ask(address):
        asking.append(threading.current_thread())
        all_asked.wait(60)

    ask_each([Address(host, 1) for host in "abc"], ask, "nsqd")
    others = {*asking} - {threading.current_thread()}
    assert len(others) >= 2
    assert all(one.daemon for one in others)


@pytest.fixture
def one_away(start_nsqd):
    """Two nsqds with a topic of one message each and a channel; the second is away."""
    pair = start_nsqd(), start_nsqd()
    topic = NsqBackdoor(pair[0]).topic()
    for nsqd in pair:
        NsqBackdoor(nsqd).put(topic, [b'{"type":"nop","info":"1"}'])
        http(nsqd.http, "/channel/create", b"", topic=topic, channel="c")
    pair[1].stop()
    return pair, topic


def test_what_waits_on_an_nsqd_that_is_away_does_not_count_as_nothing(one_away, buses):
    """`--drain` would end before it is done."""
    pair, topic = one_away
    bus = buses(nsqd=[it.tcp for it in pair], http=[it.http for it in pair])
    with pytest.raises(BusConnectionError, match=f"not every nsqd.*{pair[1].http}"):
        bus.depth(topic, "c")
    pair[1].start()
    assert bus.depth(topic, "c") == 2


def test_of_which_nsqds_nothing_is_shown_is_said_once(one_away, buses, caplog):
    pair, topic = one_away
    bus = buses(nsqd=[it.tcp for it in pair], http=[it.http for it in pair])
    for _ in range(2):
        assert bus.channels(topic) == [ChannelState("c", 1, 0)]
        assert bus.topics() == [topic]
    (line,) = caplog.messages
    assert "does not count" in line
    assert pair[1].http in line


@pytest.mark.parametrize("channel", ["c", ""])
def test_who_deletes_is_told_of_nsqds_that_still_have_it(one_away, buses, channel):
    """Else that channel takes in all that is sent there, for ever."""
    pair, topic = one_away
    bus = buses(nsqd=[it.tcp for it in pair], http=[it.http for it in pair])
    with pytest.raises(BusConnectionError, match=f"delete it again.*{pair[1].http}"):
        bus.forget(topic, channel)
    assert not bus.channels(topic)
    pair[1].start()
    assert bus.channels(topic)
    bus.forget(topic, channel)
    assert not bus.channels(topic)


def test_what_the_others_have_is_shown_while_one_is_away(one_away, task):
    pair, topic = one_away
    where = ",".join(it.tcp for it in pair)
    url = f"nsq://{where}?" + "&".join(f"http={it.http}" for it in pair)
    stdout, stderr = task("tail", topic, "--channel", "c", bus=url).communicate(
        timeout=300
    )
    assert "nop" in stdout, stderr


@pytest.fixture
def elsewhere(nsqd):
    """The URL of an nsqd whose HTTP is where nobody looks for it."""
    return f"nsq://{nsqd.tcp}?http={free_address()}"


def test_drain_works_without_http(nsqd, elsewhere, task):
    door = NsqBackdoor(nsqd)
    topic, done = door.topic(), door.topic()
    door.put(topic, [b'{"type":"nop","info":"%d"}' % n for n in range(3)])
    flags = ("--topic", topic, "--channel", "c", "--done-topic", done, "--drain")
    launcher = task("launch", "--worker", "nop", *flags, bus=elsewhere)
    _, stderr = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, stderr
    assert stderr.count("set the option http") == 1
    assert "is back" not in stderr
    assert len(door.take(done)) == 3


def test_dead_letters_are_read_without_http(nsqd, elsewhere, task):
    door = NsqBackdoor(nsqd)
    topic = door.topic()
    door.put(f"{topic}.dead", [b'{"reason":"it broke","topic":"t"}'])
    stdout, stderr = task("dead", "list", topic, bus=elsewhere).communicate(timeout=300)
    assert "it broke" in stdout, stderr


def test_topics_says_at_once_which_option_to_set(elsewhere, task):
    process = task("topics", bus=elsewhere)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "set the option http" in stderr
    assert not stdout
