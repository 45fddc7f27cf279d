"""What the stand-in keeps on disk, and what it makes of it."""

from brokers.nsqd_stand_in.journal import Journal
from brokers.nsqd_stand_in.message import Message, message_id
from brokers.nsqd_stand_in.replay import Replay
from brokers.tests.raw import batch

BATCH = batch(b"one", b"two", b"three")[8:]
"""Sizes and bodies, as after the count of an MPUB."""


def written(path, *, channels="c"):
    """Write a topic with three messages, numbered from 7."""
    journal = Journal(path)
    journal.note("topic", "t")
    for channel in channels:
        journal.note("channel", "t", channel)
    journal.put("t", 7, 1_000, BATCH)
    journal.flush()
    return journal


def bodies(path, channel):
    """Return what a channel (or with '' the topic) holds, in order."""
    found = Replay(path).topics["t"].messages(channel)
    return [message.body for message in found.values()]


def test_no_journal_is_an_empty_one(tmp_path):
    assert Replay(tmp_path / "none").topics == {}


def test_without_a_channel_messages_wait_and_the_first_one_gets_them(tmp_path):
    path = tmp_path / "journal"
    journal = written(path, channels="")
    assert bodies(path, "") == [b"one", b"two", b"three"]
    journal.note("channel", "t", "c")
    journal.flush()
    assert (bodies(path, ""), bodies(path, "c")) == ([], [b"one", b"two", b"three"])


def test_each_channel_finishes_for_itself(tmp_path):
    path = tmp_path / "journal"
    journal = written(path, channels="cd")
    journal.finished("t", "c", [message_id(7), message_id(9)])
    journal.flush()
    assert bodies(path, "c") == [b"two"]
    assert bodies(path, "d") == [b"one", b"two", b"three"]


def test_a_requeued_message_is_last_and_keeps_its_attempts(tmp_path):
    path = tmp_path / "journal"
    journal = written(path)
    journal.requeued("t", "c", Message(message_id(7), 1_000, b"one", 3))
    journal.flush()
    assert bodies(path, "c") == [b"two", b"three", b"one"]
    assert Replay(path).topics["t"].channels["c"][message_id(7)].attempts == 3


def test_numbers_go_on_after_the_highest_one(tmp_path):
    written(tmp_path / "journal")
    assert Replay(tmp_path / "journal").last == 9


def test_a_record_that_is_cut_off_is_as_if_it_never_was(tmp_path):
    path = tmp_path / "journal"
    journal = written(path)
    whole = path.stat().st_size
    journal.put("t", 10, 1_000, BATCH)
    journal.flush()
    data = path.read_bytes()
    for end in range(whole, len(data)):
        path.write_bytes(data[:end])
        assert len(bodies(path, "c")) == 3


def test_a_paused_topic_holds_messages_back(tmp_path):
    path = tmp_path / "journal"
    journal = written(path)
    journal.note("pause", "t")
    journal.put("t", 10, 1_000, BATCH)
    journal.flush()
    assert (len(bodies(path, "")), len(bodies(path, "c"))) == (3, 3)
    journal.note("unpause", "t")
    journal.flush()
    assert (len(bodies(path, "")), len(bodies(path, "c"))) == (0, 6)


def test_a_rewritten_journal_holds_what_is_left_and_goes_on(tmp_path):
    path = tmp_path / "journal"
    journal = written(path)
    journal._limit = 10
    assert journal.is_long
    new = journal.beside()
    new.note("topic", "t")
    new.note("channel", "t", "c")
    new.kept("t", "c", [Message(message_id(8), 1_000, b"two", 2)])
    journal.rewrite(new)
    assert not journal.is_long
    assert bodies(path, "c") == [b"two"]
    journal.put("t", 10, 2_000, BATCH)
    journal.flush()
    assert bodies(path, "c") == [b"two", b"one", b"two", b"three"]
    assert Replay(path).topics["t"].channels["c"][message_id(8)].attempts == 2
