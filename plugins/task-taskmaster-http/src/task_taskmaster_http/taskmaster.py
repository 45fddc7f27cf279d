"""The taskmaster: a web server in one thread, and the bus in its own."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from task_store import Outbox, StoreAwayError, open_store
from task_store.store import Store

from task_core.api import Clock, OptionError, Taskmaster, TaskmasterContext
from task_taskmaster_http.app import Api, Limits, Planner
from task_taskmaster_http.desk import Desk
from task_taskmaster_http.options import Options
from task_taskmaster_http.rules import Rules, read_rules
from task_taskmaster_http.sender import Sender
from task_taskmaster_http.server import (
    GRACE,
    WebServer,
    is_local,
    listening,
    read_address,
)

LOOK_EVERY = 1.0
"""Seconds between two looks for what others have left."""


def make_taskmaster(options: Options) -> Taskmaster:
    """Read the rules, and make the taskmaster.

    Raises:
        OptionError: Something is wrong with rules or options.
    """
    rules = read_rules(options.rules)
    host, port = read_address(options.address)
    if not (rules.tokens or is_local(host)):
        _demand_secrets(rules, host)
    return HttpTaskmaster(options, rules, host, port)


def _demand_secrets(rules: Rules, host: str) -> None:
    """Refuse to listen to others when nobody would have to show who they are."""
    free = [name for name, it in rules.hooks.items() if it.signature is None]
    if free or not rules.hooks:
        what = f"hook '{free[0]}' needs a secret, or " if free else ""
        text = f"address: {host} is open to others: {what}tokens are needed in the"
        raise OptionError([f"{text} rules file: 'task http token NAME' makes one"])


class HttpTaskmaster(Taskmaster):
    """Sends the tasks that requests bring.

    Args:
        options: Its options.
        rules: Tokens and hooks.
        host, port: Where to listen.
    """

    def __init__(self, options: Options, rules: Rules, host: str, port: int) -> None:
        self._options = options
        self._rules = rules
        self._host = host
        self.port = port
        """Where it listens; when 0 was asked for, it is known after the start."""
        self._desk: Desk | None = None
        self._outbox: Outbox | None = None

    def run(self, ctx: TaskmasterContext) -> None:
        """Serve until stopped.

        Raises:
            OptionError: It cannot listen there, or plan what it is to.
            BusError: The bus failed for good.
        """
        options = self._options
        backloads = _planner(options.workflows, ctx.clock)
        socket = listening(self._host, self.port)
        self.port = socket.getsockname()[1]
        self._desk = desk = Desk(ctx.wake, options.wait.total_seconds())
        limits = Limits(
            body=options.max_body, tasks=options.max_tasks, rate=options.rate
        )
        local = is_local(self._host)
        api = Api(
            self._rules,
            desk,
            limits,
            ctx.clock,
            host=self._host,
            local=local,
            backloads=backloads,
        )
        server = WebServer(api.app(), socket, ctx.wake)
        store = open_store(self._place())
        try:
            with contextlib.suppress(StoreAwayError):
                store.check()  # making its tables is not what a first request waits for
            server.start()
            ctx.log.info("listens at http://%s:%d", self._host, self.port)
            self.serving(ctx)
            self._serve(ctx, server, Sender(ctx, desk, store), store)
        finally:
            server.stop()
            store.close()
        server.check()

    def serving(self, ctx: TaskmasterContext) -> None:
        """Note that requests are answered from now on."""

    def info(self) -> Mapping[str, Any]:
        """Return where it listens, for whom, and how many requests wait."""
        return {
            "address": f"http://{self._host}:{self.port}",
            "tokens": [token.name for token in self._rules.tokens],
            "hooks": sorted(self._rules.hooks),
            "waiting": 0 if self._desk is None else len(self._desk),
            "outbox": {} if self._outbox is None else self._outbox.facts(),
        }

    def _place(self) -> str:
        if self._options.store is not None:
            return self._options.store
        rules = self._options.rules
        return str(rules.with_suffix(".store.db")) if rules else "http.store.db"

    def _serve(
        self, ctx: TaskmasterContext, server: WebServer, sender: Sender, store: Store
    ) -> None:
        self._outbox = outbox = Outbox(ctx, store, insists=False)
        while server.running and not ctx.stopping:
            if not sender.work():
                _take_over(ctx, outbox)
                ctx.wait(outbox.left(LOOK_EVERY) or LOOK_EVERY)
        server.stop()
        end = ctx.clock.monotonic() + GRACE + 1
        while server.running and ctx.clock.monotonic() < end:
            if not sender.work():
                server.wait(0.01)


def _planner(place: Path | None, clock: Clock) -> Planner | None:
    """Return who plans backloads, if anybody is to.

    Raises:
        OptionError: There is nobody here, or no file of phases.
    """
    if place is None:
        return None
    try:
        from task_taskmaster_http.backloads import Backloads
    except ModuleNotFoundError:
        text = "workflows: pip install 'task-taskmaster-http[workflow]' to have it read"
        raise OptionError([text]) from None
    return Backloads(place, clock)


def _take_over(ctx: TaskmasterContext, outbox: Outbox) -> None:
    """Send what others have left; while the store is away, requests do not wait."""
    try:
        outbox.take_over()
    except StoreAwayError as error:
        ctx.log.warning("%s; what others have left is looked for later", error)
