"""The manifests of the core's own buses. Light: each `open` imports what it needs."""

from typing import Any

import attrs

from task_core.api.bus import Bus, BusContext
from task_core.api.plugin import BusPlugin, NoOptions
from task_core.builtin.bus_options import (
    FileOptions,
    MemoryOptions,
    NopOptions,
    SqliteOptions,
)
from task_core.capabilities import Capabilities

LINES = Capabilities(bounded=True, ordered=True, batch_send=True)
FILES = Capabilities(ordered=True, batch_send=True, durable=True)
MEMORY = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    ordered=True,
    channels=True,
    delay=True,
    batch_send=True,
    depth=True,
    topics=True,
    atomic_settle=True,
    attempts=True,
    headers=True,
)
SQLITE = attrs.evolve(MEMORY, durable=True)


def _open_stdio(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import StdioBus

    return StdioBus("stdio", LINES, reads=True, out=(context.stdout, "stdout"))


def _open_stdin(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import StdioBus

    return StdioBus("stdin", LINES, reads=True, out=None)


def _open_stdout(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import StdioBus

    return StdioBus("stdout", LINES, reads=False, out=(context.stdout, "stdout"))


def _open_stderr(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import STDERR, StdioBus

    return StdioBus("stderr", LINES, reads=False, out=(STDERR, "stderr"))


def _open_null(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import NullBus

    return NullBus("null", LINES)


def _open_file(options: FileOptions, context: BusContext) -> Bus:
    from task_core.builtin.file_bus import FileBus

    return FileBus(options, context, FILES)


def _open_memory(options: MemoryOptions, context: BusContext) -> Bus:
    from task_core.builtin.memory_bus import MemoryBus

    return MemoryBus(options.name, MEMORY, context.lease)


def _open_sqlite(options: SqliteOptions, context: BusContext) -> Bus:
    from task_core.builtin.sqlite_bus import SqliteBus

    return SqliteBus(options, context, SQLITE)


def _open_nop(options: NopOptions, context: BusContext) -> Bus:
    from task_core.builtin.nop_bus import NopBus

    return NopBus(options, LINES)


def _manifest(name: str, summary: str, open: Any, **more: Any) -> BusPlugin:
    return BusPlugin(
        name=name, summary=summary, open=open, **{"capabilities": LINES, **more}
    )


stdio = _manifest("stdio", "Read tasks from stdin, write to stdout.", _open_stdio)
stdin = _manifest("stdin", "Read tasks from stdin.", _open_stdin)
stdout = _manifest("stdout", "Write tasks to stdout.", _open_stdout)
stderr = _manifest("stderr", "Write tasks to stderr.", _open_stderr)
null = _manifest("null", "Swallow what is sent, deliver nothing.", _open_null)
file = _manifest(
    "file",
    "Read tasks from a file, append to files named by topic.",
    _open_file,
    options=FileOptions,
    capabilities=FILES,
)
memory = _manifest(
    "memory",
    "A complete bus inside one process, for tests.",
    _open_memory,
    options=MemoryOptions,
    capabilities=MEMORY,
)
nop = _manifest(
    "nop",
    "Deliver a fake task for ever, or fail on demand, for tests.",
    _open_nop,
    options=NopOptions,
)
sqlite = _manifest(
    "sqlite",
    "One file, no server: for all processes of one machine.",
    _open_sqlite,
    options=SqliteOptions,
    capabilities=SQLITE,
)
