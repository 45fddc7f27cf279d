"""What `task_testing` offers of the contracts."""

from task_testing.contract.backdoor import Backdoor, not_offered
from task_testing.contract.bus import BusContract
from task_testing.contract.taskmaster import Situation, TaskmasterContract
from task_testing.contract.worker import WorkerContract

__all__ = [
    "Backdoor",
    "BusContract",
    "Situation",
    "TaskmasterContract",
    "WorkerContract",
    "not_offered",
]
