"""Our place in a group with kafka-python: how progress is written down there."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    CoordinatorNotAvailableError,
    NoError,
    for_code,
)
from kafka.future import Future  # type: ignore[import-untyped]
from kafka.protocol.consumer import OffsetCommitRequest  # type: ignore[import-untyped]
from kafka.structs import MemberState, OffsetAndMetadata  # type: ignore[import-untyped]

Offsets = Mapping[TopicPartition, OffsetAndMetadata]


class Membership:
    """Commits, also while the group changes.

    Then the library refuses to, until the last member has joined again: for a whole
    lease when one has died. Brokers take what the members of before have to say; but on
    a connection of its own, as each answers one question after the other, and the one
    for a place in the group is answered last.

    Args:
        consumer: The member.
        manager: Of its network client.
    """

    def __init__(self, consumer: KafkaConsumer, manager: Any) -> None:
        self._coordinator = consumer._coordinator
        self._manager = manager
        self._generation: Any = None  # in which we had a place last

    def look(self) -> bool:
        """Return whether we have a place in the group, and it does not change now.

        To be called often: what was ours is known only while it is.
        """
        stable: bool = self._coordinator.state is MemberState.STABLE
        if stable:
            self._generation = self._coordinator._generation
        return stable

    def keep(self) -> None:
        """Take a place that the group gave us between two polls; call before each.

        The library would ask for another one: the whole group joins anew then, again
        and again while polls are short, and takes no progress meanwhile.
        """
        asked = self._coordinator._join_task
        if asked is not None and asked.is_done:
            self._coordinator._join_task = _Unheard(asked)

    def commit(self, offsets: Offsets) -> Future:
        """Write progress down; the answer is to come.

        What the library offers, `commit_async`, answers for a coordinator that it has
        to look for as soon as that is found, whatever becomes of the commit; and it
        keeps answers for callbacks in a queue that only one thread may look into.
        """
        coordinator, call_soon = self._coordinator, self._manager.call_soon
        generation = None if self.look() else self._generation
        # Once the others have joined it is another one, and what is ours is not known.
        if generation is not None and generation is coordinator._generation:
            return call_soon(self._commit, offsets, generation)
        if coordinator.coordinator_unknown():
            coordinator.lookup_coordinator()  # this fails; the next one may find it
        return call_soon(coordinator._send_offset_commit_request, offsets)

    async def _commit(self, offsets: Offsets, generation: Any) -> None:
        """Commit as the library does, but change no state when that is refused."""
        request = OffsetCommitRequest(
            max_version=8,
            group_id=self._coordinator.group_id,
            generation_id_or_member_epoch=generation.generation_id,
            member_id=generation.member_id,
            group_instance_id=self._coordinator.group_instance_id,
            topics=_topics(offsets),
        )
        response = await self._manager.send(request, node_id=self._other_connection())
        for _, partitions in response.topics:
            for number, code in partitions:
                if (kind := for_code(code)) is not NoError:
                    raise kind(f"partition {number}")

    def _other_connection(self) -> int:
        """Return the name of the one to the same broker that fetches messages."""
        name = self._coordinator.coordinator()
        if name is None:
            raise CoordinatorNotAvailableError
        return int(str(name).rpartition("-")[2])


class _Unheard:
    """An answer that has come, as one that is still to be awaited."""

    is_done = False

    def __init__(self, answer: Any) -> None:
        self.add_callback = answer.add_callback
        self.add_errback = answer.add_errback


def _topics(offsets: Offsets) -> list[Any]:
    topic_of = OffsetCommitRequest.OffsetCommitRequestTopic
    partition_of = topic_of.OffsetCommitRequestPartition
    return [
        topic_of(
            name=at.topic,
            partitions=[
                partition_of(
                    partition_index=at.partition,
                    committed_offset=one.offset,
                    committed_leader_epoch=one.leader_epoch,
                    committed_metadata=one.metadata,
                )
            ],
        )
        for at, one in offsets.items()
    ]
