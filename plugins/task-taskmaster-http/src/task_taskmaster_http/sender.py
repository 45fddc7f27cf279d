"""Sends what requests bring, and those with a key once: the thread of the bus."""

import contextlib
from collections.abc import Mapping, Sequence

from task_store import Claim, Held, StoreAwayError
from task_store.store import Store

from task_core.api import (
    BusConnectionError,
    PayloadError,
    SendError,
    TaskmasterContext,
    decode_task,
)
from task_taskmaster_http.bodies import Parcel
from task_taskmaster_http.desk import Answer, Desk, Entry
from task_taskmaster_http.keys import Mark, marked, read_mark
from task_taskmaster_http.problem import RequestError, try_again

_REFUSED = 422
_AWAY = "the bus cannot be reached: try again"
_BUSY = "the tasks of this {} are being sent: ask again in a moment"
_OTHER = "this {} was used for other tasks: give each request its own"


class Sender:
    """Sends what waits at the desk.

    Args:
        ctx: Sends.
        desk: Where requests wait.
        store: Knows which keys were there before.
    """

    def __init__(self, ctx: TaskmasterContext, desk: Desk, store: Store) -> None:
        self._ctx = ctx
        self._desk = desk
        self._store = store

    def work(self) -> bool:
        """Send what waits; return whether there was something.

        Raises:
            BusError: The bus failed for good; the requests were told.
        """
        entries = self._desk.take()
        if not entries:
            return False
        keyed = [it for it in entries if it.key and it.parcels]
        plain = [it for it in entries if not (it.key and it.parcels)]
        answers: list[Answer] = []
        try:
            ours, repeated = self._claim(keyed, answers) if keyed else ([], [])
            self._send(plain + ours, answers)
            self._mark(ours, answers)
            if repeated:
                self._recall(repeated, answers)
        except BaseException:
            told = {id(entry) for entry, _ in answers}
            rest = [it for it in entries if id(it) not in told]
            answers += [(it, try_again(_AWAY)) for it in rest]
            raise
        finally:
            self._desk.answer(answers)
        return True

    def _claim(
        self, entries: Sequence[Entry], answers: list[Answer]
    ) -> tuple[list[Entry], list[Entry]]:
        """Split requests into those whose keys are new, and the others."""
        try:
            with self._store.transaction():
                # Who has the first task of a request has all of it.
                claims = [_claims(entry) for entry in entries]
                new = self._store.claim([first for first, *_ in claims])
                ours = [it for it, mine in zip(entries, new, strict=True) if mine]
                rest = [
                    claim
                    for (_, *more), mine in zip(claims, new, strict=True)
                    if mine
                    for claim in more
                ]
                if rest:
                    self._store.claim(rest)
        except StoreAwayError as error:
            self._ctx.log.warning("%s", error)
            text = (
                "what was sent before cannot be looked up: nothing was sent, try again"
            )
            answers += [(it, try_again(text)) for it in entries]
            return [], []
        mine = {id(it) for it in ours}
        return ours, [it for it in entries if id(it) not in mine]

    def _send(self, entries: Sequence[Entry], answers: list[Answer]) -> None:
        """Send all together; of a request that the bus refuses, nothing."""
        left = list(entries)
        while left:
            parcels = [parcel for entry in left for parcel in entry.parcels]
            problem: RequestError
            try:
                self._ctx.send_all((it.task, it.topic) for it in parcels)
            except PayloadError as error:
                problem = RequestError(_REFUSED, str(error))
                hit = _owners(left, error.refused)
                failed = [it for it in left if id(it) in hit] or left
                left = [it for it in left if id(it) not in hit] if hit else []
                answers += [(it, problem) for it in failed]
                continue
            except SendError as error:
                hit = _owners(left, error.unsent or range(len(parcels)))
                problem = try_again(f"not all was confirmed: {error}")
                answers += [(it, problem) for it in left if id(it) in hit]
                answers += [(it, it.parcels) for it in left if id(it) not in hit]
                return
            except BusConnectionError:  # it is away, and we are to stop
                answers += [(it, try_again(_AWAY)) for it in left]
                return
            answers += [(it, it.parcels) for it in left]
            return

    def _mark(self, ours: Sequence[Entry], answers: Sequence[Answer]) -> None:
        """Mark as sent what is; what was not confirmed is for whoever looks next.

        What was refused is withdrawn: nobody is to send a part of it.
        """
        if not ours:
            return
        told = {id(entry): answer for entry, answer in answers}
        done, refused, open_ = list[str](), list[str](), list[str]()
        for entry in ours:
            answer = told[id(entry)]
            if not isinstance(answer, RequestError):
                done += _keys(entry)
            elif answer.status == _REFUSED:
                refused += _keys(entry)
            else:
                open_ += _keys(entry)
        # If the store is away, it is taken over later: the same to the byte.
        with contextlib.suppress(StoreAwayError):
            self._store.sent(done)
            if refused:
                self._store.withdraw(refused)
            if open_:
                self._store.release(open_)

    def _recall(self, entries: Sequence[Entry], answers: list[Answer]) -> None:
        """Answer repeated requests as they were answered first."""
        try:
            found = self._store.find([_key(entry, 0) for entry in entries])
            counts = [_count(entry, found) for entry in entries]
            rest = [
                _key(entry, number)
                for entry, count in zip(entries, counts, strict=True)
                for number in range(1, count + 1)
            ]
            found |= self._store.find(rest)
        except StoreAwayError:
            answers += [
                (it, try_again("it cannot be looked up: try again")) for it in entries
            ]
            return
        answers += [
            (entry, _recalled(entry, found, count))
            for entry, count in zip(entries, counts, strict=True)
        ]


def _count(entry: Entry, found: Mapping[str, Held]) -> int:
    """Return how many tasks a request had when it came first, if that is known."""
    first = found.get(_key(entry, 0))
    mark = read_mark(first.claim.body) if first else Mark()
    return mark.count or len(entry.parcels)


def _recalled(
    entry: Entry, found: Mapping[str, Held], count: int
) -> Sequence[Parcel] | RequestError:
    assert entry.key is not None
    header = entry.key.header
    held = [found.get(_key(entry, number)) for number in range(count)]
    there = [it for it in held if it is not None]
    if len(there) < count or _key(entry, count) in found or not _same(entry, there):
        return RequestError(_REFUSED, _OTHER.format(header))
    if not all(it.sent for it in there):
        return RequestError(409, _BUSY.format(header), {"Retry-After": "1"})
    return _parcels(there)


def _same(entry: Entry, held: Sequence[Held]) -> bool:
    """Whether a request is the one that came first."""
    assert entry.key is not None
    if asked := read_mark(held[0].claim.body).asked:
        return asked == entry.key.asked
    parcels = _parcels(held)
    return len(parcels) == len(entry.parcels) and all(
        map(_alike, parcels, entry.parcels)
    )


def _parcels(held: Sequence[Held]) -> list[Parcel]:
    return [Parcel(decode_task(it.claim.body), it.claim.topic) for it in held]


def _alike(one: Parcel, other: Parcel) -> bool:
    """Whether two are the same but for what is new in each request."""
    first, second = one.task, other.task
    return (one.topic, first.type, first.job, first.info, first.meta) == (
        *(other.topic, second.type, second.job, second.info, second.meta),
    )


def _claims(entry: Entry) -> list[Claim]:
    assert entry.key is not None
    mark = Mark(entry.key.asked, len(entry.parcels))
    return [
        Claim(key, it.topic, marked(it.task, mark))
        for key, it in zip(_keys(entry), entry.parcels, strict=True)
    ]


def _keys(entry: Entry) -> list[str]:
    return [_key(entry, number) for number in range(len(entry.parcels))]


def _key(entry: Entry, number: int) -> str:
    assert entry.key is not None
    return f"{entry.key.text}/{number}"


def _owners(entries: Sequence[Entry], positions: Sequence[int]) -> set[int]:
    """Return which requests (by `id`) have the tasks at some positions."""
    wanted, position, hit = set(positions), 0, set[int]()
    for entry in entries:
        for _ in entry.parcels:
            if position in wanted:
                hit.add(id(entry))
            position += 1
    return hit
