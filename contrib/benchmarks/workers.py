"""Workers that do nothing, one for each way of writing them."""

import attrs

from task_core.api import WorkerContext, worker


@attrs.frozen
class Params:
    """Two parts of the URI and two keys of its query."""

    path: str
    host: str
    dest: str
    threads: int = 1


@worker
def plain(info: str) -> None:
    """Take the info string."""


@worker
def typed(params: Params) -> None:
    """Take typed parameters."""


@worker
def with_context(info: str, ctx: WorkerContext) -> None:
    """Take the context as well."""


@worker
async def coroutine(info: str) -> None:
    """Be an `async def`."""


@worker
def computes(info: str) -> str:
    """Keep Python busy for about 20 ms."""
    total = sum(number * number for number in range(250_000))
    return f"{total}"
