"""Classes whose public methods are final: authors fill in hooks, not invariants."""

from typing import Any, ClassVar


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
