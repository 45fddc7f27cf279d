"""The manifests of the buses that are streams: apart, since they are the default.

The other buses have options, and making their classes costs each start 2 ms.
"""

from typing import Any

from task_core.api.bus import Bus, BusContext
from task_core.api.capabilities import Capabilities
from task_core.api.plugin import BusPlugin, NoOptions

LINES = Capabilities(bounded=True, ordered=True, batch_send=True)


def _open_stdio(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import StdioBus

    return StdioBus("stdio", LINES, stdin=context.stdin, out=(context.stdout, "stdout"))


def _open_stdin(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import StdioBus

    return StdioBus("stdin", LINES, stdin=context.stdin, out=None)


def _open_stdout(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import StdioBus

    return StdioBus("stdout", LINES, stdin=None, out=(context.stdout, "stdout"))


def _open_stderr(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import STDERR, StdioBus

    return StdioBus("stderr", LINES, stdin=None, out=(STDERR, "stderr"))


def _open_null(options: NoOptions, context: BusContext) -> Bus:
    from task_core.builtin.stdio_bus import NullBus

    return NullBus("null", LINES)


def _manifest(name: str, summary: str, open: Any) -> BusPlugin:
    return BusPlugin(name=name, summary=summary, capabilities=LINES, open=open)


stdio = _manifest("stdio", "Read tasks from stdin, write to stdout.", _open_stdio)
stdin = _manifest("stdin", "Read tasks from stdin.", _open_stdin)
stdout = _manifest("stdout", "Write tasks to stdout.", _open_stdout)
stderr = _manifest("stderr", "Write tasks to stderr.", _open_stderr)
null = _manifest("null", "Swallow what is sent, deliver nothing.", _open_null)
