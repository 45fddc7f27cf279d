"""The manifests of the buses that store. Light: each `open` imports what it needs."""

from task_core.api.bus import Bus, BusContext
from task_core.api.capabilities import Capabilities
from task_core.api.plugin import BusPlugin
from task_core.builtin.bus_options import (
    FileOptions,
    MemoryOptions,
    NopOptions,
)

FILES = Capabilities(ordered=True, batch_send=True, durable=True)
MEMORY = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    ordered=True,
    channels=True,
    retains=True,
    delay=True,
    batch_send=True,
    depth=True,
    topics=True,
    atomic_settle=True,
    attempts=True,
    headers=True,
)
NOP = Capabilities(bounded=True, ordered=True, batch_send=True)


def _open_file(options: FileOptions, context: BusContext) -> Bus:
    from task_core.builtin.file_bus import FileBus

    return FileBus(options, context, FILES)


def _open_memory(options: MemoryOptions, context: BusContext) -> Bus:
    from task_core.builtin.memory_bus import MemoryBus

    return MemoryBus(options.name, MEMORY, context.lease)


def _open_nop(options: NopOptions, context: BusContext) -> Bus:
    from task_core.builtin.nop_bus import NopBus

    return NopBus(options, NOP)


file = BusPlugin(
    name="file",
    summary="Read tasks from a file, append to files named by topic.",
    open=_open_file,
    options=FileOptions,
    capabilities=FILES,
)
memory = BusPlugin(
    name="memory",
    summary="A complete bus inside one process, for tests.",
    open=_open_memory,
    options=MemoryOptions,
    capabilities=MEMORY,
)
nop = BusPlugin(
    name="nop",
    summary="Deliver a fake task for ever, or fail on demand, for tests.",
    open=_open_nop,
    options=NopOptions,
    capabilities=NOP,
)
