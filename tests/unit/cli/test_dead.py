"""Rules of `task_core.cli.dead`."""

import json

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message
from task_core.dead import DeadLetter, encode_dead

OLD, NEW = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
TASK = b'{"type":"load","info":"a.csv"}'
BUS = ("--bus", "sqlite")


@pytest.fixture
def bus(folder):
    """The database in the current folder, as another process sees it."""
    opened = sqlite.open(SqliteOptions(), BusContext())
    yield opened
    opened.close()


@pytest.fixture
def put(bus):
    """Put a dead letter on the dead topic of `load`."""

    def send(body, reason="no reason", *, time=OLD):
        letter = DeadLetter(reason=reason, topic="load", time=time)
        bus.producer().send([Message("load.dead", encode_dead(letter, body))])

    return send


@pytest.fixture
def dead(task):
    """Run `task dead WORDS` on the database; return what was printed as JSON."""

    def run(command, *words):
        done = task("dead", command, "load", *BUS, "--json", *words)
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    return run


def test_nothing_that_a_letter_says_steers_a_terminal(task, put):
    """Not its reason, not its type, not its bytes."""
    put(b'{"type":"a\\u001bb","info":"\xc2\x9b"}', "why\x1b[2J\nnot")
    for command in ("list", "show"):
        for words in ((), ("--json",)):
            out = task("dead", command, "load", *BUS, *words).out
            assert not {"\x1b", "\x9b"} & {*out}
            assert "[2J" in out


def bodies(bus, topic):
    consumer = bus.subscribe(topic, "test")
    return [delivery.body for delivery in consumer.receive(100, 0)]


def test_a_list_shows_since_when_what_and_why(task, put):
    """The type stays empty when it is no task."""
    put(TASK, "killed its workers")
    put(b"junk", "not JSON")
    lines = task("dead", "list", "load", *BUS).out.splitlines()
    assert [line.split(maxsplit=2) for line in lines] == [
        ["SINCE", "TYPE", "REASON"],
        [OLD, "load", "killed its workers"],
        [OLD, "not", "JSON"],
    ]


def test_no_letters_are_told_to_people_alone(task, bus):
    """A program gets an empty list."""
    bus.producer().send([Message("load", TASK)])
    assert task("dead", "list", "load", *BUS).err == "no dead letters\n"
    assert json.loads(task("dead", "list", "load", *BUS, "--json").out) == []


def test_looking_changes_nothing(dead, put):
    """Every look shows the same letters, and at once."""
    put(TASK)
    assert dead("list") == dead("list")


LOOKS = [
    ("list",),
    ("show",),
    ("redrive",),
    ("drop", "--type", "load"),
]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_looking_makes_nothing(task, bus, put, words):
    """Who begins to read the topic afterwards gets all of it, for the first time."""
    put(TASK)
    command, *more = words
    for _ in range(2):
        done = task("dead", command, "load", *BUS, *more)
        assert done.code == 0
        assert "load" in done.out
        assert list(bus.channels("load.dead")) == []
    [delivery] = bus.subscribe("load.dead", "alerter").receive(9, 0)
    assert delivery.attempt == 1


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_looking_shows_what_would_be_taken(task, bus, put, words):
    """Where others read the topic already, that is what comes from now on."""
    bus.subscribe("load.dead", "alerter")
    put(TASK)
    command, *more = words
    assert task("dead", command, "load", *BUS, *more).out == ""
    assert task("dead", "redrive", "load", *BUS, "--yes").err == "0 sent back\n"
    put(TASK)
    assert "load" in task("dead", command, "load", *BUS, *more).out


def test_what_was_sent_back_is_not_seen_any_more(dead, task, bus, put):
    """Though another channel has it yet."""
    put(TASK)
    assert task("dead", "redrive", "load", *BUS, "--yes").err == "1 sent back\n"
    bus.subscribe("load.dead", "alerter")
    put(TASK, "again")
    assert [letter["reason"] for letter in dead("list")] == ["again"]
    assert task("dead", "drop", "load", *BUS, "--yes").err == "1 dropped\n"
    assert bus.depth("load.dead", "alerter") == 1
    assert dead("list") == []


def test_the_dead_topic_may_be_named_itself(task, put):
    """Somebody who has just read its name uses that."""
    put(TASK)
    named = task("dead", "list", "load.dead", *BUS, "--json")
    assert len(json.loads(named.out)) == 1


def test_a_dead_topic_may_be_redriven_by_its_own_name(task, put, bus):
    """Its letters go to where they came from."""
    put(TASK)
    assert task("dead", "redrive", "load.dead", *BUS, "--yes").err == "1 sent back\n"
    assert bodies(bus, "load") == [TASK]


def test_a_topic_that_is_not_there_is_an_error_and_stays_so(task, bus):
    """Of a typing error one must hear; looking makes nothing."""
    bus.producer().send([Message("load", TASK)])
    done = task("dead", "list", "laod", *BUS)
    assert done.code == 4
    assert done.err == "task: bus 'sqlite' has no topic 'laod': did you mean 'load'?\n"
    task("dead", "list", "load", *BUS)
    assert bus.topics() == ["load"]


def test_a_letter_that_does_not_say_where_it_came_from_holds_up_none(task, bus, put):
    """It goes to the topic that was asked for."""
    letter = encode_dead(DeadLetter(reason="a", topic=""), TASK)
    bus.producer().send([Message("load.dead", letter)])
    put(b"other")
    assert task("dead", "redrive", "load", *BUS, "--yes").err == "2 sent back\n"
    assert bodies(bus, "load") == [TASK, b"other"]


def test_letters_may_be_where_a_launcher_was_told_to_put_them(task, bus):
    """By its `--dead-topic`; they go back to where they came from."""
    letter = encode_dead(DeadLetter(reason="a", topic="load"), TASK)
    bus.producer().send([Message("morgue", letter)])
    words = ("load", *BUS, "--dead-topic", "morgue")
    assert len(json.loads(task("dead", "list", *words, "--json").out)) == 1
    assert task("dead", "redrive", *words, "--yes").err == "1 sent back\n"
    assert bodies(bus, "load") == [TASK]


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        ((), ["a", "b", "c"]),
        (("--type", "load"), ["a", "c"]),
        (("--type", "other"), []),
        (("--reason", "b"), ["b"]),
        (("--older-than", "24h"), ["a", "b"]),
        (("--newer-than", "24h"), ["c"]),
        (("--type", "load", "--newer-than", "24h"), ["c"]),
    ],
    ids=str,
)
def test_filters_narrow_down(dead, put, words, reasons):
    """A letter must pass all of them."""
    put(TASK, "a")
    put(b"junk", "b")
    put(TASK, "c", time=NEW)
    assert [letter["reason"] for letter in dead("list", *words)] == reasons


@pytest.mark.parametrize("time", ["", "yesterday"])
def test_a_letter_that_does_not_say_when_is_neither_old_nor_new(dead, put, time):
    """So no filter by age can drop it by mistake."""
    put(TASK, time=time)
    assert dead("list", "--older-than", "1s") == []
    assert dead("list", "--newer-than", "1s") == []
    assert len(dead("list")) == 1


def test_a_wrong_age_names_its_flag(task, bus):
    """Before anything is looked at."""
    done = task("dead", "list", "load", *BUS, "--older-than", "soon")
    assert done.code == 2
    assert done.err.startswith("task: --older-than: not a duration")


def test_show_prints_every_fact_on_a_line(task, put):
    """The bytes in base64 when they are no text."""
    put(b"\xff", "no UTF-8")
    lines = task("dead", "show", "load", *BUS).out.splitlines()
    assert lines == [
        "reason   no UTF-8",
        "topic    load",
        "attempt  1",
        f"time     {OLD}",
        "body64   /w==",
        "",
    ]


def test_a_letter_tells_where_its_message_was(task, bus, dead):
    """As the lines of the log do, where the bus knows."""
    bus.producer().send([Message("load", TASK), Message("load", b"no task")])
    words = ("--worker", "nop", "--topic", "load", "--drain")
    assert task("launch", *words, *BUS).code == 0
    assert dead("show")["position"] == "2"


def test_nothing_is_done_without_yes(task, bus, dead, put):
    """What would be done is shown first."""
    put(TASK, "a")
    for command in ("redrive", "drop"):
        done = task("dead", command, "load", *BUS)
        assert "1 would be" in done.err
        assert done.err.endswith("; do it with --yes\n")
        assert "a" in done.out
        none = task("dead", command, "load", *BUS, "--reason", "no such")
        assert none.err.startswith("0 would be")
        assert "--yes" not in none.err
    assert len(dead("list")) == 1
    assert bodies(bus, "load") == []


def test_a_letter_goes_back_with_its_very_bytes(task, bus, dead, put):
    """To where it came from, and from the dead topic it is gone."""
    put(b"\xff\x00", "no UTF-8")
    task("dead", "redrive", "load", *BUS, "--yes")
    assert bodies(bus, "load") == [b"\xff\x00"]
    assert dead("list") == []


def test_a_letter_may_go_elsewhere(task, bus, put):
    """To be looked at by another worker."""
    put(TASK)
    task("dead", "redrive", "load", *BUS, "--to", "repair", "--yes")
    assert bodies(bus, "repair") == [TASK]
    assert bodies(bus, "load") == []


@pytest.mark.parametrize("body", [b"\xff\x00", b"[]", b'{"reason":1}'])
def test_what_is_no_letter_keeps_its_bytes(task, bus, dead, body):
    """Others may write to the dead topic; it goes where that belongs to."""
    bus.producer().send([Message("load.dead", body)])
    [letter] = dead("list")
    assert letter["reason"].startswith("not a dead letter")
    task("dead", "redrive", "load", *BUS, "--yes")
    assert bodies(bus, "load") == [body]


def test_only_what_is_meant_is_dropped(task, dead, put):
    """The others stay where they are."""
    put(TASK, "a")
    put(TASK, "b")
    done = task("dead", "drop", "load", *BUS, "--reason", "a", "--yes")
    assert done.err == "1 dropped\n"
    assert [letter["reason"] for letter in dead("list")] == ["b"]


def test_a_bus_that_cannot_acknowledge_is_only_read(task, folder):
    """Dropping from a file would be a lie."""
    letter = encode_dead(DeadLetter(reason="a", topic="load"), TASK)
    (folder / "load.dead").write_bytes(letter + b"\n")
    assert '"reason": "a"' in task("dead", "list", "load", "-b", "file", "--json").out
    done = task("dead", "drop", "load", "-b", "file", "--yes")
    assert done.code == 2
    assert "bus 'file' cannot do this: it does not offer 'ack'" in done.err
