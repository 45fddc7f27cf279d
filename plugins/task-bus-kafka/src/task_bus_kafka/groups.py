"""How far groups are with a topic; and how one begins and ends."""

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaAdminClient, TopicPartition  # type: ignore[import-untyped]
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec  # type: ignore[import-untyped]
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from task_bus_kafka.progress import read_progress
from task_core.api import ChannelState

Offsets = dict[TopicPartition, int]
GONE = kafka_errors.GroupIdNotFoundError


def offsets_of(admin: KafkaAdminClient, topic: str, spec: OffsetSpec) -> Offsets:
    """Return one offset for each partition; nothing for a topic that is not there."""
    if topic not in admin.list_topics():  # asking for it could make it
        return {}
    (found,) = admin.describe_topics([topic])
    _judge(kafka_errors.for_code(found["error_code"]), f"topic '{topic}'")
    numbers = [part["partition_index"] for part in found["partitions"]]
    asked = {TopicPartition(topic, number): spec for number in numbers}
    answers = admin.list_partition_offsets(asked)
    return {partition: answer.offset for partition, answer in answers.items()}


def lag_of(admin: KafkaAdminClient, topic: str, group: str) -> int:
    """Return how many messages of a topic a group has not done."""
    ends = offsets_of(admin, topic, OffsetSpec.LATEST)
    starts = offsets_of(admin, topic, OffsetSpec.EARLIEST)
    return _lag(starts, ends, _committed(admin, group, ends) if ends else {})


def _lag(starts: Offsets, ends: Offsets, done: Mapping[TopicPartition, Any]) -> int:
    lag = 0
    for partition, end in ends.items():
        kept = done.get(partition)
        if kept is None or kept.offset < 0:
            lag += end - starts[partition]
        else:
            progress = read_progress(kept.offset, kept.metadata)
            left = max(0, end - max(progress.offset, starts[partition]))
            lag += left - progress.done_beyond
    return max(0, lag)


def channels_of(admin: KafkaAdminClient, topic: str, prefix: str) -> list[ChannelState]:
    """Return the groups of a topic, by the rest of their names."""
    listed = [one["group_id"] for one in admin.list_groups()]
    names = sorted(name for name in listed if name.startswith(prefix))
    ends = offsets_of(admin, topic, OffsetSpec.LATEST)
    if not names or not ends:
        return []
    groups = admin.describe_groups(names)
    for name in names:
        _judge(_kind_of(groups[name]["error"]), f"group '{name}'", GONE)
    starts = offsets_of(admin, topic, OffsetSpec.EARLIEST)
    answers = admin.list_group_offsets({name: list(ends) for name in names})
    return [
        ChannelState(name.removeprefix(prefix), _lag(starts, ends, answers[name]))
        for name in names
        if any(kept.offset >= 0 for kept in answers[name].values())
        or _is_read(groups[name], topic)
    ]


def _is_read(group: Mapping[str, Any], topic: str) -> bool:
    """Whether members of a group read a topic: one of `a.b` may read `a`, or `a.b`."""
    plans = (member["member_metadata"] for member in group["members"])
    return any(plan and topic in plan["topics"] for plan in plans)


def pin(admin: KafkaAdminClient, topic: str, group: str) -> None:
    """Write down the ends as the progress of a group that has none.

    Of a group that has some, what nothing is known of is a partition that came later,
    and all in it is new.
    """
    ends = offsets_of(admin, topic, OffsetSpec.LATEST)
    done = _committed(admin, group, ends)
    if not any(kept.offset >= 0 for kept in done.values()):
        pinned = {at: OffsetAndMetadata(end, "", -1) for at, end in ends.items()}
        for kind in admin.alter_group_offsets(group, pinned).values():
            # Members that have settled nothing yet began before us.
            _judge(kind, f"group '{group}'", kafka_errors.UnknownMemberIdError)


def delete_group(admin: KafkaAdminClient, group: str) -> None:
    """Delete a group; one that is not there is no error."""
    answer = admin.delete_groups([group])[group]
    if answer != "OK":
        _judge(getattr(kafka_errors, answer), f"group '{group}'", GONE)


def delete_progress(admin: KafkaAdminClient, topic: str, group: str) -> None:
    """Delete what a group knows of one topic; nothing known is no error."""
    partitions = list(offsets_of(admin, topic, OffsetSpec.LATEST))
    with contextlib.suppress(GONE):
        for kind in admin.delete_group_offsets(group, partitions).values():
            _judge(kind, f"'{topic}' in group '{group}'")


def _committed(
    admin: KafkaAdminClient, group: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Any]:
    """Return what a group has committed."""
    found: dict[TopicPartition, Any]
    found = admin.list_group_offsets({group: list(partitions)})[group]
    return found


def _judge(kind: type[Exception], where: str, *harmless: type[Exception]) -> None:
    """Raise an answer that the library only hands on."""
    if kind not in (kafka_errors.NoError, *harmless):
        raise kind(where)


def _kind_of(text: str | None) -> type[Exception]:
    """Return what the library has made a text of."""
    number = re.match(r"\[Error (-?\d+)\]", text or "[Error 0]")
    kind: type[Exception] = kafka_errors.for_code(int(number[1]) if number else -1)
    return kind
