"""Everything that a plugin author imports.

What few plugins need is loaded when asked for: only hook plugins pay for pluggy.
"""

from typing import TYPE_CHECKING, Any

from task_core.api.bus import Bus, BusContext, ChannelState, Role
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.decorators import taskmaster, worker
from task_core.api.message import Delivery, Message, Settled
from task_core.api.plugin import (
    BusPlugin,
    NoOptions,
    TaskmasterPlugin,
    WorkerPlugin,
    accepted_api,
)
from task_core.api.producer import Producer
from task_core.api.run_defaults import RunDefaults
from task_core.api.taskmaster import Taskmaster, TaskmasterContext
from task_core.api.waker import Event, Waker
from task_core.api.worker import (
    Kind,
    Outcome,
    Worker,
    WorkerContext,
    alert,
    complete,
    failed,
    interrupted,
    later,
    retry,
    warn,
)
from task_core.clock import Clock
from task_core.dead import DeadLetter, dead_topic, decode_dead
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    BusError,
    DecodeError,
    DuplicateError,
    FrameworkError,
    InfoError,
    LeaseLostError,
    OptionError,
    PayloadError,
    SendError,
    UnsupportedCapabilityError,
    UsageError,
    WorkerError,
    excerpt,
)
from task_core.fields import param
from task_core.info import parse_info
from task_core.options import UrlPart, more_than_nothing, option
from task_core.shown import shown
from task_core.task import Result, Task, format_meta, parse_meta
from task_core.uri import addresses_of
from task_core.values import format_duration, parse_duration
from task_core.wire import decode_task, encode_task

if TYPE_CHECKING:
    from task_core.api.command import (
        CommandContext,
        CommandPlugin,
        Launch,
        Restart,
        Supervised,
    )
    from task_core.api.ending import closed_when_told
    from task_core.api.hooks import HooksPlugin, hookimpl
    from task_core.api.info_text import format_info
    from task_core.api.names import fitting_dead_topic

__all__ = [
    "Bus",
    "BusClosedError",
    "BusConnectionError",
    "BusContext",
    "BusError",
    "BusPlugin",
    "Capabilities",
    "ChannelState",
    "Clock",
    "CommandContext",
    "CommandPlugin",
    "Consumer",
    "DeadLetter",
    "DecodeError",
    "Delivery",
    "DuplicateError",
    "Event",
    "FrameworkError",
    "HooksPlugin",
    "InfoError",
    "Kind",
    "Launch",
    "LeaseLostError",
    "Message",
    "NoOptions",
    "OptionError",
    "Outcome",
    "PayloadError",
    "Producer",
    "Restart",
    "Result",
    "Role",
    "RunDefaults",
    "SendError",
    "Settled",
    "Supervised",
    "Task",
    "Taskmaster",
    "TaskmasterContext",
    "TaskmasterPlugin",
    "UnsupportedCapabilityError",
    "UrlPart",
    "UsageError",
    "Waker",
    "Worker",
    "WorkerContext",
    "WorkerError",
    "WorkerPlugin",
    "accepted_api",
    "addresses_of",
    "alert",
    "closed_when_told",
    "complete",
    "dead_topic",
    "decode_dead",
    "decode_task",
    "encode_task",
    "excerpt",
    "failed",
    "fitting_dead_topic",
    "format_duration",
    "format_info",
    "format_meta",
    "hookimpl",
    "interrupted",
    "later",
    "more_than_nothing",
    "option",
    "param",
    "parse_duration",
    "parse_info",
    "parse_meta",
    "retry",
    "shown",
    "taskmaster",
    "warn",
    "worker",
]


def __getattr__(name: str) -> Any:
    if name in ("HooksPlugin", "hookimpl"):
        from task_core.api import hooks  # noqa: PLC0415  see the docstring

        return getattr(hooks, name)
    if name in ("CommandContext", "CommandPlugin", "Launch", "Restart", "Supervised"):
        from task_core.api import command  # noqa: PLC0415  see the docstring

        return getattr(command, name)
    if name == "closed_when_told":
        from task_core.api.ending import closed_when_told  # noqa: PLC0415  likewise

        return closed_when_told
    if name == "fitting_dead_topic":
        from task_core.api.names import fitting_dead_topic  # noqa: PLC0415  likewise

        return fitting_dead_topic
    if name == "format_info":
        from task_core.api.info_text import format_info  # noqa: PLC0415  likewise

        return format_info
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
