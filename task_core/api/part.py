"""What consumers and producers share: final public methods, a bus, and one end."""

import inspect
import os
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, ClassVar, Protocol
from weakref import WeakSet

from task_core.api.capabilities import Capabilities
from task_core.api.message import Message
from task_core.errors import BusClosedError, PluginContractError

_LAST = {"Bus": "_producers", "Consumer": "_held", "Producer": "bus"}
"""What the `__init__` of each sets last: without it, that was not called."""
_CONTRACTS: dict[type, Mapping[str, Callable[..., Any]]] = {}
"""The hooks that each class of the contract defines."""
_FITTING: WeakSet[type] = WeakSet()
"""Classes whose hooks were looked at."""
NEEDS = {
    "topics": "_topics",
    "depth": "_depth",
    "peek": "_peek",
    "channels": "_forget",
    "ack": "_ack",
    "nack": "_nack",
    "lease": "_extend",
    "outbox": "_send_within",
}
"""Capability -> the hook that keeps the promise."""


class Sealed:
    """Base of the contract's classes.

    A class declared with `contract=True` seals the public methods and properties that
    it defines. A subclass that defines one of them is refused when it is made, before
    it can forget what the base sees to.

    Example:
        >>> class Greeter(Sealed, contract=True):
        ...     def greet(self):
        ...         return self._greet()
        >>> class Loud(Greeter):
        ...     def greet(self):
        ...         return "HELLO"
        Traceback (most recent call last):
        TypeError: Loud.greet: 'greet' is final in Greeter: fill in '_greet' instead
    """

    brought_by = ""
    """What a bus is and whose, for messages; who opens it knows that."""
    _sealed: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, *, contract: bool = False, **more: Any) -> None:
        """Seal, or see that nothing sealed is replaced."""
        super().__init_subclass__(**more)
        if contract:
            own = {
                name: cls.__name__
                for name, value in vars(cls).items()
                if name[0] != "_" and (callable(value) or isinstance(value, property))
            }
            cls._sealed = {**cls._sealed, **own}
            _CONTRACTS[cls] = {
                name: value
                for name, value in vars(cls).items()
                if name[0] == "_" != name[1] and isinstance(value, FunctionType)
            }
            return
        for name, owner in cls._sealed.items():
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{name}: '{name}' is final in {owner}: fill in"
                    f" '_{name}' instead"
                )


def check_bus(bus: Sealed, wanted: type[Sealed], whose: str) -> None:
    """See, once, that a bus which was just opened can be used; note whose it is.

    Args:
        bus: What was opened.
        wanted: The class `Bus`.
        whose: What it is and who brings it.

    Raises:
        PluginContractError: It cannot be used.
    """
    bus.brought_by = whose
    fit(bus, wanted, bus, "opening it")


def fit(made: object, wanted: type[Any], bus: Sealed, came_of: str) -> Any:
    """Return what the code of a bus has made, when it can be used.

    Args:
        made: What it is: looked at once, so that no task pays for it.
        wanted: `Bus`, `Consumer` or `Producer`.
        bus: Whose it is.
        came_of: What has made it, for messages.

    Raises:
        PluginContractError: It cannot; the text says what is wrong with it.
    """
    if isinstance(made, wanted):
        problem = _unmade(made, wanted) or _misfits(made)
        if not problem and bus.brought_by:  # doubles of tests promise what they like
            problem = _promised(made)
        if not problem:
            return made
    else:
        problem = f"{came_of} gives {a_kind_of(made)}, not a {wanted.__name__}"
    raise broken(bus, problem)


def broken(bus: Any, problem: str) -> PluginContractError:
    """Return the error that says what is wrong with the code of a bus, and whose."""
    whose, fix = bus.brought_by or f"bus '{bus.name}'", "tell its author"
    text = f"{whose}: {problem}: {fix}"
    return PluginContractError(text, code="P02", cause=problem, fix=fix)


def a_kind_of(made: object) -> str:
    """Say what an object is, for example `a dict`, `the class Load` or `None`."""
    if isinstance(made, type):
        return f"the class {made.__name__}"
    name = type(made).__name__
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    return "None" if made is None else f"{article} {name}"


def _unmade(made: Sealed, wanted: type[Sealed]) -> str:
    kind = type(made)
    if not hasattr(made, _LAST[wanted.__name__]):
        names = ", ".join(inspect.signature(wanted).parameters)
        return f"{kind.__name__}.__init__ does not call super().__init__({names})"
    can = _capabilities_of(made)
    if not isinstance(can, Capabilities):
        what = a_kind_of(can)
        return f"the capabilities of {kind.__name__} are {what}, not Capabilities"
    return ""


def _capabilities_of(made: Any) -> Any:
    return getattr(made, "bus", made).capabilities


def _misfits(made: Sealed) -> str:
    """Return what is wrong with the hooks of a class, which is looked at once."""
    kind = type(made)
    if kind in _FITTING:
        return ""
    for name, base in _hooks_of(kind).items():
        own = getattr(made, name)
        if getattr(own, "__func__", own) is base:
            continue
        if problem := _misfit(own, inspect.signature(base)):
            return f"{kind.__name__}.{name} {problem}{_place_of(own)}"
    _FITTING.add(kind)
    return ""


def _hooks_of(kind: type) -> dict[str, Callable[..., Any]]:
    contracts = [_CONTRACTS.get(one, {}) for one in reversed(kind.__mro__)]
    return {name: hook for one in contracts for name, hook in one.items()}


def _place_of(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return ""
    return f" ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"


def _misfit(own: Callable[..., Any], wanted: inspect.Signature) -> str:
    if inspect.iscoroutinefunction(own):
        return "is an async def: a bus is synchronous, write def"
    if inspect.isgeneratorfunction(own) or inspect.isasyncgenfunction(own):
        return "has a yield: return what there is"
    parameters = [*wanted.parameters.values()][1:]
    named = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    rest = [one.name for one in parameters if one.name not in named]
    try:
        takes = inspect.signature(own)
    except (TypeError, ValueError):  # not written in Python, or no function
        return "" if callable(own) else "is no function"
    try:
        takes.bind(*rest, **dict.fromkeys(named))
    except TypeError:
        call = ", ".join([*rest, *(f"{name}=…" for name in named)])
        takes = takes.replace(return_annotation=takes.empty)
        return f"takes {takes}, and is called with ({call})"
    return ""


def _promised(made: Sealed) -> str:
    """Return which capability is declared, and not kept."""
    can, kind, hooks = _capabilities_of(made), type(made), _hooks_of(type(made))
    for capability, hook in NEEDS.items():
        own = getattr(kind, hook, None)
        if hook in hooks and own is hooks[hook] and getattr(can, capability):
            text = f"it declares the capability '{capability}'"
            return f"{text}, and {kind.__name__} has no {hook}"
    return ""


class Sender(Protocol):
    """A producer, as far as settling knows it."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send, and return when all are confirmed."""


class Owner(Protocol):
    """A bus, as far as its parts know it."""

    name: str
    capabilities: Capabilities
    closed: bool
    lease: float

    def shared_producer(self) -> Sender:
        """Return the producer that settling uses."""

    def remove_channel(self, topic: str, channel: str) -> None:
        """Delete a temporary channel."""


class Part(Sealed, ABC, contract=True):
    """A consumer or producer.

    Args:
        bus: The bus that made it.
        closed: Whether `close` was called.
    """

    closed = False
    _kind = "part"

    def __init__(self, bus: Owner) -> None:
        self.bus = bus

    def close(self) -> None:
        """Stop, and free what is held; may be repeated, and never hangs."""
        if not self.closed:
            self.closed = True
            self._close_once()

    def _close_once(self) -> None:
        self._close()

    def _close(self) -> None:
        """Free what this part holds; called once. Most have nothing to free."""

    def _check_open(self) -> None:
        """Refuse a call that comes after `close`, its own or that of the bus.

        Raises:
            BusClosedError: It does.
        """
        if self.closed or self.bus.closed:
            name = self.bus.name
            raise BusClosedError(f"bus '{name}': this {self._kind} is closed")
