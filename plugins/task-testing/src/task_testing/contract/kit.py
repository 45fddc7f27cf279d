"""What every contract is made of: rules that apply or not, and cannot be dodged."""

from collections.abc import Callable, Mapping
from inspect import getattr_static
from typing import Any, ClassVar, TypeVar

import pytest

from task_testing.contract.backdoor import not_offered
from task_testing.contract.results import results_of

SUITE = 2
"""Number of this set of rules; it grows when a rule is added or becomes stricter."""

MACHINERY = ("_only_what_applies", "_title", "_offers", "env", "run")
"""What rules work with: to replace it would be a way around all of them."""

SHARES = "channels or lease"
"""Where several consumers may read at once, each message going to one of them.

A bus with neither may be one for a single consumer at a time."""

Rule = TypeVar("Rule", bound=Callable[..., Any])


def needs(*names: str) -> Callable[[Rule], Rule]:
    """Say which capabilities a rule is about: without them it is not offered.

    A rule names what it tests and no more: what else is asked for hides a fault.

    Args:
        names: Each of them is needed; of "this or that" one is.
    """

    def mark(rule: Rule) -> Rule:
        rule.__dict__["needs"] = names
        return rule

    return mark


def rules_of(contract: type) -> dict[str, Any]:
    """Return the rules that a class has or inherits, by name."""
    names = (name for name in dir(contract) if name.startswith("test_"))
    return {name: getattr(contract, name) for name in names}


class Contract:
    """A set of rules. A test class inherits it and gives its fixtures.

    A rule that a subclass replaces or removes is an error, unless
    `expected_failures` names it: then it runs, and it must fail.

    Args:
        expected_failures: Names of rules that are known to be broken, each with the
            reason.
    """

    kind: ClassVar[str] = ""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    _rules: ClassVar[dict[str, Any]] = {}
    _machinery: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, *, defines: bool = False, **more: Any) -> None:
        """Close the set of rules of a contract, or check who claims to keep it.

        Args:
            defines: This class is a contract, not somebody who keeps it.
            more: For other classes.
        """
        super().__init_subclass__(**more)
        if defines:
            cls._rules = rules_of(cls)
            cls._machinery = {
                name: getattr_static(cls, name, None) for name in MACHINERY
            }
        else:
            check_whole(cls)

    @pytest.fixture(autouse=True)
    def _only_what_applies(self, request: pytest.FixtureRequest) -> None:
        """Count the rule; skip it where it does not apply."""
        check_whole(type(self))  # again: classes can be changed later
        name = request.function.__name__
        title = self._title(request)
        results_of(request.config).expect(request.node.nodeid, title, type(self))
        if reason := self.expected_failures.get(name):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        for needed in getattr(request.function, "needs", ()):
            if not any(self._offers(request, one) for one in needed.split(" or ")):
                not_offered(needed)

    def _title(self, request: pytest.FixtureRequest) -> Any:
        """Return what the summary calls this run of the contract."""
        raise NotImplementedError

    def _offers(self, request: pytest.FixtureRequest, capability: str) -> bool:
        """Whether what is tested declares a capability."""
        raise NotImplementedError


def check_whole(cls: type[Contract]) -> None:
    """Refuse a class that leaves out rules, or expects failures of unknown ones.

    A mark that skips a class is not found here: pytest tells of it by itself.

    Raises:
        TypeError: It names the rules.
    """
    if unknown := set(cls.expected_failures) - set(cls._rules):
        names = ", ".join(sorted(unknown))
        raise TypeError(f"{cls.__name__}: expected_failures names no rule: {names}")
    if bad := [n for n, reason in cls.expected_failures.items() if not reason.strip()]:
        raise TypeError(f"{cls.__name__}: a reason is missing for {', '.join(bad)}")
    dodged = [
        name
        for name, rule in cls._rules.items()
        if getattr(cls, name, None) is not rule
    ]
    dodged += [
        name
        for name, job in cls._machinery.items()
        if getattr_static(cls, name, None) is not job
    ]
    if dodged:
        raise TypeError(
            f"{cls.__name__} replaces parts of the contract: {', '.join(dodged)};"
            " a rule that cannot be kept is named in expected_failures, with a reason"
        )
