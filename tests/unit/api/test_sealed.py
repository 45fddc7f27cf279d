"""Rules of `task_core.api.part`: public methods of a contract are final."""

import pytest

from task_core.api.bus import Bus
from task_core.api.consumer import Consumer
from task_core.api.part import Sealed
from task_core.api.producer import Producer


class Contract(Sealed, contract=True):
    """A small one."""

    setting = 1

    def call(self):
        """Do it."""
        return self._call()

    def _call(self):
        return "base"

    @property
    def state(self):
        """Whether it is done."""
        return self._call()


class Longer(Contract, contract=True):
    """A contract on a contract seals more."""

    def more(self):
        """Do more."""


@pytest.mark.parametrize("name", ["call", "state"])
def test_what_is_public_is_final(name):
    """Methods and properties; the error names both classes and what to do."""
    text = f"Wrong.{name}: '{name}' is final in Contract: fill in '_{name}' instead"
    with pytest.raises(TypeError, match=text):
        type("Wrong", (Contract,), {name: None})


@pytest.mark.parametrize("name", ["call", "more"])
def test_what_is_sealed_stays_so_further_down(name):
    """A subclass of a subclass cannot forget it either."""
    middle = type("Middle", (Longer,), {})
    with pytest.raises(TypeError, match=f"Wrong.{name}"):
        type("Wrong", (middle,), {name: lambda self: None})


def test_hooks_settings_and_other_methods_are_free():
    """That is what a subclass is for."""
    made = {"_call": lambda self: "mine", "setting": 2, "other": lambda self: 3}
    free = type("Free", (Contract,), made)()
    assert (free.call(), free.state, free.setting, free.other()) == (
        *("mine", "mine"),
        *(2, 3),
    )


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            Bus,
            "subscribe producer prepare topics depth channels peek forget ping close",
        ),
        (Consumer, "receive settle ack nack extend exhausted drain wake close"),
        (Producer, "send prepare close"),
    ],
)
def test_the_contract_of_buses_is_sealed(kind, names):
    """All that callers use."""
    for name in names.split():
        with pytest.raises(TypeError, match="is final in"):
            type("Wrong", (kind,), {name: None})
