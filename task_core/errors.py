"""Every error that the framework raises on purpose, each with its exit code.

A `FrameworkError` is somebody's mistake or a failing outside world: the command line
prints its text, never a traceback. Any other exception is a bug in the framework.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from task_core.shown import hide_secrets


class FrameworkError(Exception):
    """Root of the tree. The text says what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 2

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be copied and pickled as it is.

        Python would make another one from the text alone, and many are made of more.
        """
        return _remade, (type(self), *self.args), self.__dict__


def _remade(kind: type[FrameworkError], *args: object) -> FrameworkError:
    return kind.__new__(kind, *args)


class UsageError(FrameworkError):
    """A command was given something that it cannot work with."""


class OptionError(FrameworkError):
    """One or more option values are wrong; all of them are reported at once.

    Args:
        problems: One line for each wrong value, naming its origin.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class DecodeError(FrameworkError):
    """Bytes that are no task. The launcher sends them to the dead topic."""


class InfoError(FrameworkError):
    """An info string does not fit the worker's parameters.

    Args:
        problems: One line for each field that is wrong.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class WorkerError(FrameworkError):
    """A worker is written in a way that the launcher cannot call."""


class PluginError(FrameworkError):
    """A plugin cannot be used. The text names its distribution and version.

    Args:
        text: The whole message.
        code: That of `task plugins doctor`, for example `P01`.
        cause: What is wrong, without who it is about.
        fix: What to do about it.
    """

    exit_code = 3

    def __init__(
        self, text: str, *, code: str = "P01", cause: str = "", fix: str = ""
    ) -> None:
        super().__init__(text)
        self.code = code
        self.cause = cause or text
        self.fix = fix


class UnknownPluginError(PluginError):
    """No installed plugin has this name."""


class PluginConflictError(PluginError):
    """Two distributions own one plugin name, or one claims a built-in name."""


class PluginImportError(PluginError):
    """The module of a plugin, or something that it needs, cannot be imported."""


class PluginContractError(PluginError):
    """The entry point names an object that is not the manifest of its kind."""


class PluginVersionError(PluginError):
    """The manifest speaks an API number outside the range of this core."""


class HookError(PluginError):
    """A decider raised, or answered what is none; the text names hook and plugin."""


class BusError(FrameworkError):
    """A bus failed. Driver exceptions never leak: they become one of this branch."""

    exit_code = 4


class UnsupportedCapabilityError(BusError):
    """The bus cannot do what was asked; as a rule this is known before any I/O."""

    exit_code = 2


class BusConnectionError(BusError):
    """The broker cannot be reached now; the same call may help a little later."""


class BusClosedError(BusError):
    """The bus, consumer or producer was used after `close`, or its far end is gone."""


class PayloadError(BusError):
    """Messages that this bus can never carry, for example one too large.

    Nothing was sent: leave them out and send the others again.

    Args:
        text: What is wrong with the first of them.
        refused: Positions, in the list given to `send` or `settle`.
    """

    def __init__(self, text: str, refused: Iterable[int] = ()) -> None:
        super().__init__(text)
        self.refused = tuple(refused)


class DuplicateError(PayloadError):
    """Tasks that were sent before: `unique` refuses to send them again."""

    exit_code = 1


class SendError(BusError):
    """The broker did not confirm some messages.

    Args:
        text: What happened, with the address and without secrets.
        unsent: Positions, in the list given to `send`, that were not confirmed.
        transient: Sending them again may help: a connection broke, a broker was slow.
    """

    def __init__(
        self, text: str, unsent: Sequence[int] = (), *, transient: bool = False
    ) -> None:
        super().__init__(text)
        self.unsent = tuple(unsent)
        self.transient = transient


class LeaseLostError(BusError):
    """Some deliveries went to others before they were settled; nothing was settled.

    Leave them out, together with what they produced, and settle the rest again.

    Args:
        text: What happened.
        deliveries: Those that are lost.
    """

    def __init__(self, text: str, deliveries: Sequence[object]) -> None:
        super().__init__(text)
        self.deliveries = tuple(deliveries)


def worst(errors: Sequence[BaseException]) -> BaseException:
    """Return the one that says most about several that ended together."""
    # What is none of ours is a bug.
    return max(errors, key=lambda error: getattr(error, "exit_code", 256))


def half_character(text: str) -> str:
    """Say why a text cannot be sent, for example a file name that is not UTF-8."""
    return f"{excerpt(text)} holds half a character (a lone surrogate): it is no text"


def excerpt(text: str, limit: int = 60) -> str:
    r"""Quote a piece of input for an error: one line, cut when it is long.

    Args:
        text: The input, whatever it holds.
        limit: Longest result, in characters.

    Example:
        >>> excerpt("one\tword", 9)
        "'one\\tw…'"
    """
    text = hide_secrets(text)  # before a cut that would leave half of one
    quoted = repr(text[:limit])
    if len(text) <= limit and len(quoted) <= limit:
        return quoted
    return f"{quoted[: limit - 2]}…{quoted[0]}"


def nearest(name: str, candidates: Iterable[str], likeness: float = 0.6) -> str:
    """Return `: did you mean 'x'?` for the nearest candidate, or nothing.

    Args:
        name, candidates: What was given, and what there is.
        likeness: How like it a candidate must be, from 0 to 1.

    Example:
        >>> nearest("helo", ["hello", "load"])
        ": did you mean 'hello'?"
        >>> nearest("BATCH", ["batch", "BETCH"])
        ": did you mean 'batch'?"
    """
    import difflib  # noqa: PLC0415  every start would pay for it, and few need it

    # Capitals are no difference: who gets only those wrong is nearest.
    names = {one.lower(): one for one in reversed([*candidates])}
    close = difflib.get_close_matches(name.lower(), names, 1, likeness)
    return f": did you mean '{names[close[0]]}'?" if close else ""
