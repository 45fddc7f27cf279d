"""What consumers and producers share: final public methods, a bus, and one end."""

from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from task_core.api.capabilities import Capabilities
from task_core.api.message import Message
from task_core.errors import BusClosedError


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
            return
        for name, owner in cls._sealed.items():
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{name}: '{name}' is final in {owner}: fill in"
                    f" '_{name}' instead"
                )


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
