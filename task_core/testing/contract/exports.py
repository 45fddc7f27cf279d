"""What `task_core.testing` offers of the contracts."""

from task_core.testing.contract.backdoor import Backdoor, not_offered
from task_core.testing.contract.bus import BusContract
from task_core.testing.contract.taskmaster import Scene, TaskmasterContract
from task_core.testing.contract.worker import WorkerContract

__all__ = [
    "Backdoor",
    "BusContract",
    "Scene",
    "TaskmasterContract",
    "WorkerContract",
    "not_offered",
]
