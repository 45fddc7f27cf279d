"""The clients of a process: one for each setting, whatever thread asks for it."""

import os
from collections.abc import Mapping
from typing import Any

from task_core import connect

# Django makes a backend for each thread, and with asyncio for each request: the clients
# must outlive them, since each has a thread and a connection.
_CLIENTS: dict[str, tuple[str, Any]] = {}


def client_of(bus: str | None, options: Mapping[str, Any]) -> Any:
    """Return the client of a bus; it is made when it is first asked for.

    Args:
        bus: A name or a URL; what `TASK_BUS` or `task.toml` says when None.
        options: Further arguments of `connect`.

    Raises:
        FrameworkError: There is no such bus, or an option is wrong.
        TypeError: An option is none.
    """
    key = repr((bus, sorted(options.items())))
    named = "" if bus else os.environ.get("TASK_BUS", "")
    found = _CLIENTS.get(key)
    if found is None:
        # No lock: a second one that is made just now was never used.
        return _CLIENTS.setdefault(key, (named, connect(bus, **options)))[1]
    if found[0] != named:  # tests set it anew, each to a bus of its own
        _CLIENTS[key] = (named, connect(bus, **options))
        found[1].close()
        return _CLIENTS[key][1]
    return found[1]
