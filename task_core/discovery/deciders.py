"""Asks the deciders among the hooks, and says whose a mistake in an answer is."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from task_core.api.worker import Outcome, describe
from task_core.errors import FrameworkError, HookError
from task_core.task import Task


def _is_number(answer: Any) -> bool:
    try:
        return float(answer) == float(answer)  # it may be none
    except (TypeError, ValueError, OverflowError):
        return False


def _is_page(answer: Any) -> bool:
    match answer:
        case (str() as kind, bytes()):  # what ends a line would end the header
            return isinstance(answer, tuple) and kind.isprintable()
    return False


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda answer: isinstance(answer, kind)


ANSWERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "task_rate": (_is(tuple), "a key and a rate, for example ('customer 7', '5/m'),"),
    "task_should_run": (_is(Outcome), "an outcome"),
    "task_retry_delay": (_is_number, "a number of seconds"),
    "task_before_send": (_is(Task), "a task"),
    "task_claim_send": (_is(str), "a text"),
    "status_page": (
        _is_page,
        "a content type and a body of bytes, for example ('text/plain', b'up'),",
    ),
}
"""What the deciders may answer, and that in words."""
OF_PROGRAMS = ("task_claim_send", "status_page")
"""Those whose own errors are not about a task, but about what they need."""


class Asked:
    """The deciders of one hook.

    Args:
        name: The hook.
        impls: The plugins' implementations, in order.
        ask: Asks all of them, when something is wrapped around them.
    """

    def __init__(
        self, name: str, impls: Sequence[Any], ask: Callable[..., Any] | None
    ) -> None:
        self.who = " and ".join(impl.plugin_name for impl in impls)
        """Who decides, for messages."""
        self._name = name
        self._impls = impls
        self._ask = ask
        self._right, self._wanted = ANSWERS[name]

    def __call__(self, **facts: Any) -> Any:
        """Return the first answer, or None.

        Raises:
            HookError: One of them failed, or answers what is none.
        """
        who = self.who
        try:
            if self._ask is not None:
                answer = self._ask(**facts)
            else:
                answer = None
                for impl in self._impls:
                    who = impl.plugin_name
                    answer = impl.function(*[facts[name] for name in impl.argnames])
                    if answer is not None:
                        break
        except KeyboardInterrupt:  # as of observers
            raise
        except BaseException as error:
            if self._name in OF_PROGRAMS and isinstance(error, FrameworkError):
                raise  # it is said to whoever sends, or looks
            text = f"{who}: {self._name} failed: {describe(error)}"
            raise HookError(text) from error
        if answer is None or self._right(answer):
            return answer
        if inspect.iscoroutine(answer):
            answer.close()
        kind = type(answer).__name__
        text = f"{who}: {self._name} returned {kind}, wanted {self._wanted} or None"
        raise HookError(text)
