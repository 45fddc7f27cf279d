"""The options of the core's own buses: beside the manifests, below the buses."""

import attrs

from task_core.options import UrlPart, option


@attrs.frozen(kw_only=True, eq=False)
class FileOptions:
    """Options of the bus `file`."""

    path: str = option(
        "",
        help="File to read (or, as --out-bus, to write), - for stdin or stdout; when"
        " not given, the topic names it.",
        url=UrlPart.LOCATION,
        metavar="PATH",
    )
    follow: bool = option(False, help="Keep reading as the file grows.")


@attrs.frozen(kw_only=True, eq=False)
class MemoryOptions:
    """Options of the bus `memory`."""

    name: str = option(
        "default", help="Buses of one name share topics.", url=UrlPart.LOCATION
    )


@attrs.frozen(kw_only=True, eq=False)
class NopOptions:
    """Options of the bus `nop`: what is to go wrong."""

    count: int = option(0, help="Messages to deliver; 0 never ends.")
    err: bool = option(False, help="Everything fails.")
    init_err: bool = option(False, help="Subscribing and producers fail.")
    msg_err: bool = option(False, help="Receiving fails.")
    msg_done: bool = option(False, help="The input is at its end.")
    msg_msg_done: bool = option(False, help="The input ends after one message.")
    send_err: bool = option(False, help="Sending fails.")
    stop_err: bool = option(False, help="Closing fails.")
