"""What plugin authors test with. The contracts need pytest, the rest does not."""

from typing import TYPE_CHECKING, Any

from task_testing.doubles import FakeClock, FlakyBus, RecordingBus
from task_testing.harness import Trial, run_worker, try_worker
from task_testing.sent import TaskClient
from task_testing.taskmaster import run_taskmaster

if TYPE_CHECKING:
    from task_testing.contract.exports import (
        Backdoor,
        BusContract,
        Situation,
        TaskmasterContract,
        WorkerContract,
        not_offered,
    )

__all__ = [
    "Backdoor",
    "BusContract",
    "FakeClock",
    "FlakyBus",
    "RecordingBus",
    "Situation",
    "TaskClient",
    "TaskmasterContract",
    "Trial",
    "WorkerContract",
    "not_offered",
    "run_taskmaster",
    "run_worker",
    "try_worker",
]


def __getattr__(name: str) -> Any:
    """Import the contracts, and with them pytest, for those who ask."""
    if name in __all__:
        from task_testing.contract import exports

        return getattr(exports, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
