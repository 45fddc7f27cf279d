"""The taskmaster: reads done tasks, notes what is to be sent again, sends it then."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from task_store import Outbox, Patience, Store, open_store

from task_core.api import Taskmaster, TaskmasterContext
from task_taskmaster_retry.options import Options
from task_taskmaster_retry.planner import Planned, Planner
from task_taskmaster_retry.rules import Rules, read_rules

LIMIT, WAIT = 500, 0.2
"""Tasks that are noted together, and seconds to wait for so many."""
LOOK_EVERY = 5.0
"""Seconds between two looks whether the readers have ended."""


def make_taskmaster(options: Options) -> Taskmaster:
    """Read the rules, and make the taskmaster.

    Raises:
        OptionError: They cannot be read, or are wrong.
        StoreError: The store is none.
    """
    rules = read_rules(options.rules)
    if options.dry_run:
        return Rehearsal(rules)
    url = options.store
    if url is None:
        url = str(options.rules.with_suffix(".store.db"))
    store = open_store(url, lease=options.takeover.total_seconds())
    store.check_place()
    return Retry(rules, store)


class Retry(Taskmaster):
    """Sends failed tasks again.

    One loop reads the done tasks: what is to be sent is in the store before they are
    acknowledged. Another one sends what is due.

    Args:
        rules: The rules.
        store: Where what waits is kept.
    """

    def __init__(self, rules: Rules, store: Store) -> None:
        self._rules = rules
        self._store = store
        self._planner = Planner(rules)
        self._outbox: Outbox | None = None
        self._ended = False
        self._counts: Counter[tuple[str, bool]] = Counter()

    def loops(self) -> Sequence[Any]:
        """Return the two loops."""
        return [self._read, self._send]

    def info(self) -> Mapping[str, Any]:
        """Return what the rules have done since the start, and how much waits."""
        rules = [
            {
                "rule": str(rule),
                "again": self._counts[str(rule), True],
                "given up": self._counts[str(rule), False],
            }
            for rule in self._rules.rules
        ]
        unsent = self._outbox.facts() if self._outbox else {}
        return {"store": self._store.name, "rules": rules, "outbox": unsent}

    def _read(self, ctx: TaskmasterContext) -> None:
        try:
            with self._store.serving(ctx, "the done tasks in work are given back"):
                self._read_all(ctx)
        finally:
            self._ended = True
            self._look()

    def _read_all(self, ctx: TaskmasterContext) -> None:
        rules, patience = self._rules, Patience(ctx)
        for tasks in ctx.batches(rules.done_topic, rules.done_channel, LIMIT, WAIT):
            now = patience.insist(self._store.now)
            planned = list(self._planner.plan(tasks, now))
            for one in self._noted(planned, patience):
                self._counts[one.rule, one.again] += 1
                ctx.log.info("%s", one.text)

    def _noted(self, planned: Sequence[Planned], patience: Patience) -> list[Planned]:
        """Write down what is to be sent; return what is new, and did not come twice."""
        claims = [claim for one in planned for claim in one.claims]
        queued: list[bool] = []
        if claims:
            queued = patience.insist(partial(self._store.queue, claims))
            self._look()
        rest = iter(queued)
        new = [list(islice(rest, len(one.claims))) for one in planned]
        return [
            one for one, its in zip(planned, new, strict=True) if any(its) or not its
        ]

    def _send(self, ctx: TaskmasterContext) -> None:
        with self._store.serving(ctx, "what waits is sent by the next one"):
            self._send_all(ctx)

    def _send_all(self, ctx: TaskmasterContext) -> None:
        self._outbox = outbox = Outbox(ctx, self._store)
        while not ctx.stopping:
            outbox.take_over()
            if self._ended and not outbox.insist(self._store.pending):
                return
            ctx.wait(outbox.left(LOOK_EVERY))

    def _look(self) -> None:
        if self._outbox is not None:
            self._outbox.look()


class Rehearsal(Taskmaster):
    """Tells what would be sent again, and sends nothing (`--taskmaster-dry-run`).

    Args:
        rules: The rules.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._planner = Planner(rules)

    def run(self, ctx: TaskmasterContext) -> None:
        """Read the done tasks on a channel of its own."""
        channel = f"{self._rules.done_channel}-dry-run"
        for task in ctx.deliveries(self._rules.done_topic, channel):
            for one in self._planner.plan([task], ctx.clock.time()):
                ctx.log.info("would be sent: %s", one.text)
