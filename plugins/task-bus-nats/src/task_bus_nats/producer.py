"""Writes to topics: a batch is written at once, then its answers are read."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from task_bus_nats.errors import refusal
from task_bus_nats.fence import Asked, Fence, says_kept
from task_bus_nats.headers import headers_of
from task_bus_nats.link import Link
from task_bus_nats.names import Names, name_problem
from task_bus_nats.sizes import check_sizes, check_topics, count_of
from task_bus_nats.topics import Topics
from task_bus_nats.wire import Frame, hpub, status_of
from task_core.api import (
    Bus,
    BusConnectionError,
    BusError,
    Message,
    PayloadError,
    Producer,
    SendError,
)

MOST = 500
"""Messages that are written before answers are read; see `LARGEST`, too."""
EARLY = 20
"""Messages of a longer batch that are written first: the server has work meanwhile."""
PASSING = BusConnectionError, PayloadError
"""What to send again may help with: without those that are too long, if there are."""
NO_DELAYS = 10188
"""The code of a stream that takes no delays: ours did, so others have remade it."""

Words = tuple[bytes, Asked]
"""What a message that is sent alone begins with, and what is asked behind it."""


class NatsProducer(Producer):
    """Writes over the connection of its bus.

    Args:
        bus: The bus that made it.
        link: The connection.
        topics: Makes streams.
        names: What they are called.
        fence: Sees that what is confirmed is kept, where one server alone confirms.
    """

    def __init__(
        self, bus: Bus, link: Link, topics: Topics, names: Names, fence: Fence | None
    ) -> None:
        super().__init__(bus)
        self._link = link
        self._topics = topics
        self._names = names
        self._fence = fence
        self._words: dict[str, Words] = {}
        self._words_of = 0

    def _send(self, messages: Sequence[Message]) -> None:
        if len(messages) == 1 and self._fence and self._sent_alone(*messages):
            return
        new = {message.topic for message in messages} - self._topics.known
        if new:
            self._check_names(messages, new)
        link = self._link
        link.connect()
        check_sizes(messages, link, self._names)
        if new:
            self._topics.ensure(new)
        if self._topics.longest:
            check_topics(messages, self._topics.longest, link, self._names)
        left: Sequence[int] = range(len(messages))
        failed: dict[int, BusError] = {}
        for _ in range(2):  # somebody may have deleted a stream meanwhile
            missing = self._send_some(messages, left, failed)
            if not missing:
                break
            self._topics.doubt(messages[at].topic for at in missing)
            try:
                self._topics.ensure(messages[at].topic for at in missing)
            except BusError as error:
                failed.update(dict.fromkeys(missing, error))
                break
            left = missing
        else:
            nobody = f"NATS at {link.address}: nobody takes what is sent just now"
            failed.update(dict.fromkeys(missing, BusConnectionError(nobody)))
        if failed:
            raise self._not_sent(messages, failed)

    def _sent_alone(self, message: Message) -> bool:
        """Send a plain message to a topic that is known, as most often are.

        In few steps: after the wait for the one before, each costs several times what
        it costs in a loop.

        Returns:
            False when nothing was sent, and there is more to do.
        """
        topic, body, link = message.topic, message.body, self._link
        if message.delay or message.headers or topic not in self._topics.known:
            return False
        link.connect()
        if len(body) > link.max_payload:
            return False
        begin, asked = self._words_for(topic)
        link.reserve(2)  # 0 and 1, as the words have it
        try:
            link.write(b"%b%d\r\n%b\r\n%b" % (begin, len(body), body, asked.line))
            frames = link.take(2)
            if says_kept(frames):
                return True
            assert self._fence
            refused = self._fence.failures([message], [asked], frames)
            refused |= self._refusals(frames, 0, 1)
        except BusError as error:
            raise self._not_sent([message], {0: error}) from None
        if why := refused.get(0):
            raise self._not_sent([message], {0: why})
        return not refused  # else it found no stream

    def _words_for(self, topic: str) -> Words:
        """Return what stands before and behind a message that is sent alone."""
        if self._words_of != self._link.number or len(self._words) > MOST:
            self._words, self._words_of = {}, self._link.number
        if topic not in self._words:
            assert self._fence
            inbox = self._link.inbox.encode()
            begin = b"PUB %b %b.0 " % (self._names.subject(topic), inbox)
            self._words[topic] = begin, self._fence.ask_of(topic, 0, 0, 1)
        return self._words[topic]

    def _send_some(
        self,
        messages: Sequence[Message],
        left: Sequence[int],
        failed: dict[int, BusError],
    ) -> list[int]:
        """Send; return those that found no stream."""
        missing: list[int] = []
        begin = 0
        while begin < len(left):
            end = begin + count_of(messages, left[begin : begin + MOST])
            some = left[begin:end]
            whole = len(some) == len(messages)
            try:
                refused = self._publish(
                    messages if whole else [messages[at] for at in some]
                )
            except BusError as error:
                failed.update(dict.fromkeys(left[begin:], error))
                return missing
            for at, why in refused.items():
                if why is None:
                    missing.append(some[at])
                else:
                    failed[some[at]] = why
            begin = end
        return missing

    def _publish(self, messages: Sequence[Message]) -> dict[int, BusError | None]:
        """Write all, read all answers; return what is not confirmed.

        Returns:
            The place of each in the batch and what is wrong; None: it found no stream,
            or one that is another by now.
        """
        link, fence, count = self._link, self._fence, len(messages)
        for topic in {it.topic for it in messages if it.delay}:
            self._topics.lead(topic)  # may ask, which must be over before we do
        first, rest = link.reserve(count), 0
        if count > 2 * EARLY:
            link.write(b"".join(self._lines(messages[:EARLY], first)))
            rest = EARLY
        lines = self._lines(messages[rest:], first + rest)
        if fence is None:
            link.write(b"".join(lines))
            return self._refusals(link.take(count), first, count)
        asked = fence.ask(messages, first)
        link.write(b"".join([*lines, *[one.line for one in asked]]))
        frames = link.take(count + len(asked))
        refused = self._refusals(frames, first, count)
        return fence.failures(messages, asked, frames) | refused

    def _refusals(
        self, frames: Sequence[Frame], first: int, count: int
    ) -> dict[int, BusError | None]:
        """Return which of so many are refused, and why."""
        cut, refused = len(self._link.inbox) + 1, dict[int, BusError | None]()
        for subject, _, _, head, body in frames:
            if head or b'"error"' in body:
                at = int(subject[cut:]) - first
                if not 0 <= at < count:  # it is for the fence
                    continue
                told = json.loads(body or b"{}").get("error") or {}
                if status_of(head) == 503 or told.get("err_code") == NO_DELAYS:
                    refused[at] = None
                else:
                    refused[at] = refusal(told, self._link.address)
        return refused

    def _lines(self, messages: Sequence[Message], first: int) -> list[bytes]:
        """Return what to write; answers have numbers from `first` on."""
        link = self._link
        inbox, lines = link.inbox.encode(), []
        topic, begin = "", b""  # of the message before: most often the same
        for at, message in enumerate(messages, first):
            body = message.body
            if message.delay or message.headers:
                lines.append(self._with_headers(message, f"{link.inbox}.{at}"))
                continue
            if message.topic != topic:
                topic = message.topic
                begin = b"PUB %b %b." % (self._names.subject(topic), inbox)
            lines.append(b"%b%d %d\r\n%b\r\n" % (begin, at, len(body), body))
        return lines

    def _with_headers(self, message: Message, reply: str) -> bytes:
        place = self._names.place(message.topic)
        subject, due = place.subject, ""
        if message.delay:
            lead = timedelta(seconds=self._topics.lead(message.topic) + message.delay)
            due = (datetime.now(UTC) + lead).isoformat().replace("+00:00", "Z")
            subject = f"{place.later}.{os.urandom(9).hex()}"
        headers = headers_of(message, place.subject, due)
        return hpub(subject, reply, headers, message.body)

    def _prepare(self, topics: Sequence[str]) -> None:
        for topic in topics:
            if problem := name_problem("topic", topic):
                raise PayloadError(f"bus 'nats': {problem}", [topics.index(topic)])
        self._link.connect()
        self._topics.ensure(topics)

    def _check_names(self, messages: Sequence[Message], names: set[str]) -> None:
        if wrong := {
            name: text for name in names if (text := self._names.problem(name))
        }:
            refused = [at for at, it in enumerate(messages) if it.topic in wrong]
            text = wrong[messages[refused[0]].topic]
            raise PayloadError(f"bus 'nats': {text}", refused)

    def _not_sent(
        self, messages: Sequence[Message], failed: dict[int, BusError]
    ) -> BusError:
        """Return the error that tells which messages are not confirmed.

        What is too long for its topic is refused beforehand the next time: somebody has
        bounded that meanwhile, and others of the batch are sent.
        """
        text = str(failed[min(failed)])
        long = [at for at, why in failed.items() if isinstance(why, PayloadError)]
        if len(long) == len(messages):
            return PayloadError(text, sorted(long))
        self._topics.doubt(messages[at].topic for at in long)
        passing = all(isinstance(one, PASSING) for one in failed.values())
        return SendError(text, sorted(failed), transient=passing)
