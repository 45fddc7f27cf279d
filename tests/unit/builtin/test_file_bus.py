"""Rules of `task_core.builtin.file_bus`."""

import os
import resource
import threading

import pytest

from task_core.api.bus import BusContext, Role
from task_core.api.message import Message
from task_core.builtin import buses
from task_core.builtin.bus_options import FileOptions
from task_core.errors import BusError, PayloadError, SendError


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def open_bus():
    opened = []

    def open_bus(path="", follow=False, **context):
        options = FileOptions(path=path, follow=follow)
        opened.append(buses.file.open(options, BusContext(**context)))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()


def read_all(consumer):
    found = []
    while not consumer.exhausted:
        found += [delivery.body for delivery in consumer.receive(100, 10)]
    return found


def test_the_path_is_read_or_else_the_topic(tmp_path, open_bus):
    """`--bus file --topic tasks.json` and `--bus file://tasks.json` are alike."""
    (tmp_path / "tasks.json").write_bytes(b"a\nb")
    assert read_all(open_bus().subscribe("tasks.json", "x")) == [b"a", b"b"]
    assert read_all(open_bus("tasks.json").subscribe("load", "x")) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gone", "cannot read 'gone': No such file or directory"),
        (".", "cannot read '.': Is a directory"),
        ("a/b", "cannot read 'a/b': No such file or directory"),
        ("a\0b", "cannot read 'a\\x00b': no name of a file"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(open_bus, path, text):
    """With the path and the reason."""
    with pytest.raises(BusError) as error:
        open_bus(path).subscribe("load", "load")
    assert str(error.value) == text


def test_a_missing_file_of_dead_letters_says_that_there_are_none(open_bus):
    """It is made with the first one, so who looks before is not wrong."""
    with pytest.raises(BusError, match="no task of 'nosuch' has become a dead letter"):
        open_bus().subscribe("nosuch.dead", "dead")


@pytest.mark.parametrize("torn", [b"", b"a", b"a\n"])
def test_what_is_appended_never_joins_a_torn_last_line(tmp_path, open_bus, torn):
    """A file made by hand, or by who was killed, may have no last newline."""
    path = tmp_path / "load"
    path.write_bytes(torn)
    open_bus().producer().send([Message(str(path), b"b")])
    assert path.read_bytes().split() == [*torn.split(), b"b"]


def test_more_topics_than_may_be_open_are_written_all_the_same(tmp_path, open_bus):
    """Each message of a batch may have its own."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    messages = [Message(f"t{n % 300}", b"x") for n in range(600)]
    open_now = max(map(int, os.listdir("/proc/self/fd")))  # by other tests as well
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 150, limits[1]))
    try:
        open_bus().producer().send(messages)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"x\nx\n"}
    assert len(list(tmp_path.iterdir())) == 300


def test_of_many_topics_those_that_were_not_written_are_named(tmp_path, open_bus):
    """By their place in the batch."""
    (tmp_path / "t150").mkdir()
    messages = [Message(f"t{n}", b"x") for n in range(200)]
    with pytest.raises(SendError, match="'t150': Is a directory") as raised:
        open_bus().producer().send(messages)
    with pytest.raises(PayloadError) as refused:
        open_bus().producer().send(messages[150:] + messages[:50])
    assert refused.value.refused == (0,)
    written = {n for n in range(200) if (tmp_path / f"t{n}").is_file()}
    empty = {n for n in written if not (tmp_path / f"t{n}").read_bytes()}
    assert {*raised.value.unsent} == {*range(200)} - written | empty


def test_a_file_that_is_not_ours_to_read_is_told(tmp_path, open_bus):
    """Root may read everything, so there it is not refused."""
    (tmp_path / "secret").write_bytes(b"a\n")
    (tmp_path / "secret").chmod(0)
    if os.access("secret", os.R_OK):
        assert read_all(open_bus("secret").subscribe("a", "a")) == [b"a"]
        return
    with pytest.raises(BusError, match="^cannot read 'secret': Permission denied$"):
        open_bus("secret").subscribe("a", "a")


def test_a_named_pipe_is_waited_for_and_read_to_its_end(tmp_path, open_bus):
    """It need not have a writer yet; what was read ahead is handed over."""
    os.mkfifo("fifo")
    consumer = open_bus("fifo").subscribe("a", "a")
    assert consumer.receive(1, 0) == ()
    assert not consumer.exhausted
    write = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=[b"a\nb\nc"])
    write.start()
    assert [d.body for d in consumer.receive(1, 10)] == [b"a"]
    write.join()
    assert read_all(consumer) == [b"b", b"c"]


def test_topics_are_files_that_are_appended_to(tmp_path, open_bus):
    """What was there stays."""
    (tmp_path / "done").write_bytes(b"old\n")
    producer = open_bus().producer()
    producer.send(
        [Message("done", b"a"), Message("other", b"b"), Message("done", b"c")]
    )
    producer.send([Message("done", b"d")])
    assert (tmp_path / "done").read_bytes() == b"old\na\nc\nd\n"
    assert (tmp_path / "other").read_bytes() == b"b\n"


def test_a_bus_that_only_writes_puts_all_topics_into_its_path(tmp_path, open_bus):
    """And dead letters beside it."""
    producer = open_bus("out.json", role=Role.OUT).producer()
    producer.send([Message("done", b"a"), Message("b", b"b"), Message("b.dead", b"c")])
    assert (tmp_path / "out.json").read_bytes() == b"a\nb\n"
    assert (tmp_path / "out.json.dead").read_bytes() == b"c\n"


def test_a_dash_is_the_data_stream(tmp_path, open_bus):
    """As with most tools."""
    with (tmp_path / "stdout").open("wb") as file:
        bus = open_bus("-", role=Role.OUT, stdout=file.fileno())
        bus.producer().prepare(["done"])
        bus.producer().send([Message("done", b"a")])
    assert (tmp_path / "stdout").read_bytes() == b"a\n"


def test_a_file_that_was_moved_away_is_made_anew(tmp_path, open_bus):
    """Log rotation must not swallow tasks."""
    producer = open_bus().producer()
    producer.send([Message("done", b"a")])
    os.rename("done", "done.1")
    producer.send([Message("done", b"b")])
    assert (tmp_path / "done.1").read_bytes() == b"a\n"
    assert (tmp_path / "done").read_bytes() == b"b\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the bus is: links in it lead out of it, into it, and to another folder."""
    folder = tmp_path / "bus"
    folder.mkdir()
    (tmp_path / "secret").write_text("kept\n")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)
    (folder / "within").symlink_to("done")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("topic", ["out", "up/secret", "up/new", "./out"])
def test_no_link_leads_a_topic_out_of_the_folder(folder, open_bus, topic):
    """Its name may come from a task; the others of the batch can be sent."""
    producer = open_bus().producer()
    problem = "a link leads it out of the folder, to '.*': name that file"
    with pytest.raises(
        BusError, match=f"^topic '{topic}' cannot be written: {problem}"
    ):
        producer.prepare([topic])
    with pytest.raises(PayloadError, match=problem) as caught:
        producer.send([Message("done", b"a"), Message(topic, b"b")])
    assert caught.value.refused == (1,)
    assert sorted(one.name for one in folder.parent.iterdir()) == ["bus", "secret"]
    assert (folder.parent / "secret").read_text() == "kept\n"


def test_a_link_that_is_turned_later_leads_nowhere_either(folder, open_bus):
    """Each send looks whether its file is still the one that is open."""
    producer = open_bus().producer()
    producer.send([Message("within", b"a")])
    (folder / "within").unlink()
    (folder / "within").symlink_to("../secret")
    with pytest.raises(PayloadError, match="leads it out"):
        producer.send([Message("within", b"b")])
    assert (folder / "done").read_bytes() == b"a\n"


def test_who_names_a_file_may_name_a_link(folder, open_bus):
    """By a path that says where it leads, or in the URL of the bus."""
    names = "../bus/out", str(folder / "out")
    open_bus().producer().send([Message(name, b"a") for name in names])
    open_bus("out", role=Role.OUT).producer().send([Message("any", b"b")])
    assert (folder.parent / "secret").read_bytes() == b"kept\na\na\nb\n"


def test_preparing_makes_no_files(tmp_path, open_bus):
    """An empty dead-letter file would only frighten."""
    open_bus().producer().prepare(["done", "load.dead"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("topic", "problem"),
    [
        ("folder", "it is a directory"),
        ("gone/done", "there is no directory 'gone'"),
        ("file/done", "there is no directory 'file'"),
    ],
)
def test_a_topic_that_cannot_be_written_is_named_at_the_start(
    tmp_path, open_bus, topic, problem
):
    """Not after the first task was done for nothing."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    producer = open_bus().producer()
    with pytest.raises(BusError) as error:
        producer.prepare(["done", topic])
    assert str(error.value) == f"topic '{topic}' cannot be written: {problem}"
    with pytest.raises(
        PayloadError, match=f"^cannot write topic '{topic}': "
    ) as sending:
        producer.send([Message("done", b"a"), Message(topic, b"b")])
    assert sending.value.refused == (1,)


def test_a_path_that_cannot_be_written_is_named_for_any_topic(tmp_path, open_bus):
    """It is what is wrong; the topic is not."""
    (tmp_path / "folder").mkdir()
    producer = open_bus("folder", role=Role.OUT).producer()
    with pytest.raises(BusError) as error:
        producer.prepare(["hello"])
    assert str(error.value) == (
        "topic 'hello' cannot be written to 'folder': it is a directory"
    )
    with pytest.raises(PayloadError) as sending:
        producer.send([Message("hello", b"a")])
    assert str(sending.value) == (
        f"cannot write topic 'hello' to '{tmp_path}/folder': Is a directory"
    )


def test_many_topics_do_not_exhaust_descriptors(open_bus):
    """They are kept open, but not all of them for ever."""
    before = len(os.listdir("/proc/self/fd"))
    producer = open_bus().producer()
    for number in range(300):
        producer.send([Message(f"topic-{number}", b"a")])
    assert len(os.listdir("/proc/self/fd")) - before < 100
    producer.close()
    producer.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_followed_file_is_not_bounded(open_bus):
    """The bus says what holds with its options."""
    assert open_bus().capabilities.bounded
    assert not open_bus(follow=True).capabilities.bounded


def test_a_topic_that_is_no_file_name_is_refused(open_bus):
    """A child task may have any type."""
    with pytest.raises(PayloadError, match="no name of a file") as error:
        open_bus().producer().send([Message("a", b"a"), Message("b\0c", b"b")])
    assert error.value.refused == (1,)
