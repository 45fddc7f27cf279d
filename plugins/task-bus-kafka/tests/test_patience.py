"""What a cluster cannot say yet is asked again, and of whoever may know it by then."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, TopicPartition
from confluent_kafka import KafkaException as ConfluentError
from kafka import TopicPartition as Partition
from kafka import errors as kafka_errors
from kafka.structs import OffsetAndMetadata
from task_bus_kafka import admin as admin_module
from task_bus_kafka import confluent_reader, confluent_writer, patience
from task_bus_kafka.admin import Admin
from task_bus_kafka.errors import Errors
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.progress import Progress
from task_bus_kafka.settings import Settings

from task_core.api import BusConnectionError, BusError, ChannelState

MOVED = kafka_errors.NotCoordinatorError
HAS_MEMBERS = kafka_errors.GroupSubscribedToTopicError
AT = Partition("t", 0)


class Cluster:
    """Answers as a client of a cluster with one topic of five messages, and one group.

    Args:
        wrong: Names of questions -> what the first client that is asked says, for
            ever: it has the wrong broker in mind.
    """

    def __init__(self, wrong):
        self.wrong = wrong
        self.clients = 0
        self.pinned = {}
        self.deleted = []
        self.made = []
        self.done = 2

    def connected(self, kind, settings):
        self.clients += 1
        client = Client(self, self.wrong if self.clients == 1 else {})
        return client, SimpleNamespace(close=lambda: None)


class Client:
    """One client of the cluster; see there."""

    def __init__(self, cluster, wrong):
        self.cluster = cluster
        self.wrong = wrong

    def refuse(self, name):
        if kind := self.wrong.get(name):
            raise kind

    def list_topics(self):
        return ["t"]

    def create_topics(self, shapes, *, raise_errors):
        assert not raise_errors
        self.cluster.made += shapes
        told = {"error_code": 0, **self.wrong.get("create_topics", {})}
        return {"topics": [{"name": name, **told} for name in shapes]}

    def wait_for_topics(self, topics):
        pass

    def describe_topics(self, topics):
        if kind := self.wrong.get("describe_topics"):
            return [{"error_code": kind.errno, "partitions": []}]
        return [{"error_code": 0, "partitions": [{"partition_index": 0}]}]

    def list_partition_offsets(self, asked):
        self.refuse("list_partition_offsets")
        return {
            at: SimpleNamespace(offset=5 if spec == -1 else 0)
            for at, spec in asked.items()
        }

    def list_groups(self):
        self.refuse("list_groups")
        return [{"group_id": "t.c"}]

    def describe_groups(self, names):
        error = None
        if kind := self.wrong.get("describe_groups"):
            error = str(kind(""))
        members = [] if error else [{"member_metadata": {"topics": ["t"]}}]
        return {name: {"error": error, "members": members} for name in names}

    def list_group_offsets(self, asked):
        self.refuse("list_group_offsets")
        kept = OffsetAndMetadata(self.cluster.done, "", -1)
        return {group: dict.fromkeys(some, kept) for group, some in asked.items()}

    def alter_group_offsets(self, group, offsets):
        if kind := self.wrong.get("alter_group_offsets"):
            return dict.fromkeys(offsets, kind)
        self.cluster.pinned = {at: one.offset for at, one in offsets.items()}
        return dict.fromkeys(offsets, kafka_errors.NoError)

    def delete_topics(self, names, *, raise_errors):
        assert not raise_errors
        self.refuse("delete_topics")
        self.cluster.deleted += names
        return {"topics": [{"name": name, "error_code": 0} for name in names]}

    def delete_groups(self, names):
        kind = self.wrong.get("delete_groups")
        self.cluster.deleted += [] if kind else names
        return dict.fromkeys(names, kind.__name__ if kind else "OK")

    def delete_group_offsets(self, group, partitions):
        kind = self.wrong.get("delete_group_offsets", kafka_errors.NoError)
        if isinstance(kind, Exception):
            raise kind
        self.cluster.deleted += partitions if kind is kafka_errors.NoError else []
        return dict.fromkeys(partitions, kind)


@pytest.fixture
def ask(monkeypatch):
    """Make what asks a cluster whose first client is wrong in these things."""
    monkeypatch.setattr(patience, "PAUSE", 0.001)

    def ask(**wrong):
        cluster = Cluster(wrong)
        monkeypatch.setattr(admin_module, "connected", cluster.connected)
        options = KafkaOptions(bootstrap=("a:1",))
        return cluster, Admin(options, Settings(options, 30.0), Errors(options))

    return ask


NO_LEADER = (
    kafka_errors.UnknownTopicOrPartitionError,
    kafka_errors.LeaderNotAvailableError,
    kafka_errors.NotLeaderForPartitionError,
    kafka_errors.UnknownBrokerIdError,
    kafka_errors.OffsetNotAvailableError,
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"list_group_offsets": MOVED},
        {"list_group_offsets": kafka_errors.CoordinatorNotAvailableError},
        {"list_group_offsets": kafka_errors.CoordinatorLoadInProgressError},
        {"describe_topics": kafka_errors.UnknownTopicOrPartitionError},
        *({"list_partition_offsets": kind} for kind in NO_LEADER),
    ],
)
def test_a_depth_is_asked_of_whoever_knows_it_now(ask, wrong):
    cluster, admin = ask(**wrong)
    assert admin.lag("t", "t.c") == 3
    assert cluster.clients == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"list_groups": kafka_errors.CoordinatorLoadInProgressError},
        {"describe_groups": MOVED},
        {"list_group_offsets": MOVED},
    ],
)
def test_no_channel_is_left_out_since_its_coordinator_moved(ask, wrong):
    """One that has done nothing yet is seen by its members alone."""
    cluster, admin = ask(**wrong)
    cluster.done = -1
    assert admin.channels("t", "t.") == [ChannelState("c", 5)]


def test_a_channel_that_is_deleted_meanwhile_is_left_out(ask):
    cluster, admin = ask(describe_groups=kafka_errors.GroupIdNotFoundError)
    cluster.done = -1
    assert admin.channels("t", "t.") == []
    assert cluster.clients == 1


@pytest.mark.parametrize("question", ["list_group_offsets", "alter_group_offsets"])
def test_a_new_channel_begins_where_it_shall_though_its_coordinator_moved(
    ask, question
):
    cluster, admin = ask(**{question: MOVED})
    cluster.done = -1
    admin.pin("t", "t.c")
    assert cluster.pinned == {AT: 5}


def test_that_a_channel_cannot_begin_where_it_shall_is_told(ask):
    """It would begin with all that is there."""
    cluster, admin = ask(alter_group_offsets=kafka_errors.GroupAuthorizationFailedError)
    cluster.done = -1
    with pytest.raises(BusError, match=r"begin 't': .*group 't\.c'"):
        admin.pin("t", "t.c")


def test_members_that_settled_nothing_yet_began_before_who_comes(ask):
    cluster, admin = ask(alter_group_offsets=kafka_errors.UnknownMemberIdError)
    cluster.done = -1
    admin.pin("t", "t.c")
    assert cluster.clients == 1


@pytest.mark.parametrize("kind", [MOVED, kafka_errors.NonEmptyGroupError])
def test_a_group_is_deleted_by_whoever_keeps_it_now(ask, kind):
    cluster, admin = ask(delete_groups=kind)
    admin.delete_group("t.c")
    assert cluster.deleted == ["t.c"]


@pytest.mark.parametrize("wrong", [MOVED, MOVED(), HAS_MEMBERS])
def test_progress_is_deleted_by_whoever_keeps_it_now(ask, wrong):
    """Some answers are of the whole group, and some of each partition."""
    cluster, admin = ask(delete_group_offsets=wrong)
    admin.delete_progress("t", "group")
    assert cluster.deleted == [AT]


def test_who_never_knows_is_told_of_as_an_outage(ask, monkeypatch):
    monkeypatch.setattr(admin_module, "SOON", 0.0)
    _, admin = ask(list_group_offsets=MOVED)
    with pytest.raises(BusConnectionError, match="lag of 't'.*NotCoordinator"):
        admin.lag("t", "t.c")


def test_a_connection_that_was_cut_while_idle_is_no_outage(ask):
    cluster, admin = ask()
    assert admin.lag("t", "t.c") == 3
    cluster.wrong["list_group_offsets"] = kafka_errors.KafkaConnectionError
    assert admin.lag("t", "t.c") == 3
    assert cluster.clients == 2


def test_a_controller_that_moves_twice_is_asked_for_anew(ask):
    twice = RuntimeError("Failed to find active controller id!")  # as the library says
    cluster, admin = ask(delete_topics=twice)
    admin.delete_topic("t")
    assert cluster.deleted == ["t"]
    assert cluster.clients == 2


def test_a_connection_that_was_just_made_and_cut_is_one(ask):
    cluster, admin = ask(list_group_offsets=kafka_errors.KafkaConnectionError)
    with pytest.raises(BusConnectionError):
        admin.lag("t", "t.c")
    assert cluster.clients == 1


FENCED = {  # as Kafka says it
    "error_code": kafka_errors.InvalidReplicationFactorError.errno,
    "error_message": "Unable to replicate the partition 1 time(s): All brokers are"
    " currently fenced.",
}
TOO_FEW = {
    "error_code": kafka_errors.InvalidReplicationFactorError.errno,
    "error_message": "Unable to replicate the partition 3 time(s): The target"
    " replication factor of 3 cannot be reached because only 1 broker(s) are"
    " registered.",
}


def test_a_topic_is_made_when_a_broker_that_stood_still_is_heard_again(ask):
    cluster, admin = ask(create_topics=FENCED)
    admin.ensure(["t2"])
    assert cluster.made == ["t2"] * 2


def test_that_no_broker_is_heard_again_is_told_as_an_outage(ask, monkeypatch):
    monkeypatch.setattr(admin_module, "SOON", 0.0)
    _, admin = ask(create_topics=FENCED)
    with pytest.raises(BusConnectionError, match="make topics: .*'t2': .*fenced"):
        admin.ensure(["t2"])


def test_more_copies_than_there_are_brokers_is_told_at_once(ask):
    cluster, admin = ask(create_topics=TOO_FEW)
    with pytest.raises(BusError, match=r"topic 't2': .*only 1 broker") as refused:
        admin.ensure(["t2"])
    assert not isinstance(refused.value, BusConnectionError)
    assert cluster.made == ["t2"]


class Unready:
    """A client of librdkafka to which the cluster says some things before it answers.

    Args:
        news: What it says, in turn, to whoever asks for a topic.
        moved: What it says to whoever asks for progress: raised, or of the partition.
    """

    def __init__(self, news=(), moved=()):
        self.news = list(news)
        self.moved = list(moved)
        self.asked = 0

    def subscribe(self, topics, **told):
        pass

    def list_topics(self, topic="", timeout=0):
        self.asked += 1
        error = KafkaError(self.news.pop(0)) if self.news else None
        partitions = {} if error else {0: None, 1: None}
        return SimpleNamespace(
            topics={topic: SimpleNamespace(error=error, partitions=partitions)}
        )

    def committed(self, asked, seconds):
        if not self.moved:
            return [TopicPartition("t", 0, 7)]
        error = self.moved.pop(0)
        if isinstance(error, Exception):
            raise error
        return [SimpleNamespace(offset=-1001, metadata=None, error=error)]


@pytest.fixture
def confluent(monkeypatch):
    """Make a reader and a writer with such a client."""
    monkeypatch.setattr(patience, "PAUSE", 0.001)

    def confluent(**given):
        client = Unready(**given)
        monkeypatch.setattr(confluent_reader, "Consumer", lambda settings: client)
        monkeypatch.setattr(confluent_writer, "Producer", lambda settings: client)
        return client

    return confluent


@pytest.mark.parametrize(
    "moved",
    [
        KafkaError(KafkaError.NOT_COORDINATOR),
        KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
        ConfluentError(KafkaError(KafkaError.NOT_COORDINATOR)),
    ],
)
def test_progress_that_cannot_be_read_yet_does_not_count_as_none(confluent, moved):
    """The whole partition would be done again."""
    confluent(moved=[moved, moved])
    reader = confluent_reader.ConfluentReader({}, "t", None, 30.0)
    assert reader.committed(0) == Progress(7, 7)


def test_progress_that_is_refused_does_not_count_as_none(confluent):
    confluent(moved=[KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)])
    reader = confluent_reader.ConfluentReader({}, "t", None, 30.0)
    with pytest.raises(kafka_errors.GroupAuthorizationFailedError):
        reader.committed(0)


def test_a_topic_is_read_when_brokers_have_heard_of_it(confluent):
    """Else reading fails, and is begun anew."""
    client = confluent(news=[KafkaError.UNKNOWN_TOPIC_OR_PART] * 2)
    confluent_reader.ConfluentReader({}, "t", None, 30.0)
    assert client.asked == 3


def test_partitions_that_are_not_known_yet_are_asked_for_again(confluent):
    """Else all goes to the first one for a minute."""
    client = confluent()
    writer = confluent_writer.ConfluentWriter({}, 1.0, 1.0)
    client.news = [KafkaError.UNKNOWN_TOPIC_OR_PART]
    assert [writer.partitions("t") for _ in range(2)] == [(0,), (0, 1)]
