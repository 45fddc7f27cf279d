"""Writes to topics: a batch is one script, all of it arrives or nothing."""

import json
from collections.abc import Sequence
from typing import Any

from task_bus_redis.keys import Keys, name_problem
from task_bus_redis.link import Link
from task_bus_redis.scripts import script
from task_core.api import (
    Bus,
    BusConnectionError,
    BusError,
    Message,
    PayloadError,
    Producer,
    SendError,
)


class RedisProducer(Producer):
    """Writes over the connection of its bus.

    Args:
        bus: The bus that made it.
        keys: The names of keys.
        link: The connection.
    """

    def __init__(self, bus: Bus, keys: Keys, link: Link) -> None:
        super().__init__(bus)
        self._keys = keys
        self._link = link

    def _send(self, messages: Sequence[Message]) -> None:
        self._link.connect()
        first = messages[0]
        if len(messages) == 1 and not first.delay and not first.headers:
            how, words = script("one"), [self._keys.base(first.topic), first.body]
        else:
            how, words = script("send"), words_of(messages, self._keys)
        try:
            self._link.run(how, self._keys.registry, *words)
        except (BusError, UnicodeError) as error:
            raise not_sent(error, messages) from None

    def _prepare(self, topics: Sequence[str]) -> None:
        """Connect; topics need no making."""
        self._link.connect()


def words_of(messages: Sequence[Message], keys: Keys) -> list[Any]:
    """Return messages as the scripts read them.

    Bodies of one topic in a row follow its name and their number; what has a delay or
    headers comes alone, behind a 0.
    """
    words: list[Any] = []
    topic, at = None, 0  # of those in a row, and where their number is
    for one in messages:
        if one.delay or one.headers:
            headers = json.dumps(one.headers) if one.headers else ""
            delay = round(one.delay * 1000)
            words += (keys.base(one.topic), 0, one.body, delay, headers)
            topic = None
        elif one.topic == topic:
            words.append(one.body)
            words[at] += 1
        else:
            topic, at = one.topic, len(words) + 1
            words += (keys.base(topic), 1, one.body)
    return words


def not_sent(error: BusError | UnicodeError, messages: Sequence[Message]) -> BusError:
    """Return the error that tells which messages are not confirmed: all.

    Args:
        error: What was raised; of Python, where a name cannot be written.
        messages: What was to be sent.
    """
    if isinstance(error, UnicodeError):
        problems = (name_problem("topic", one.topic) for one in messages)
        wrong = {at: text for at, text in enumerate(problems) if text}
        return PayloadError(next(iter(wrong.values())), wrong)
    passing = isinstance(error, BusConnectionError)
    return SendError(str(error), range(len(messages)), transient=passing)
