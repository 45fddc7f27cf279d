"""What plugin authors test with."""

from task_core.testing.doubles import FakeClock, RecordingBus
from task_core.testing.harness import Trial, run_worker, try_worker
from task_core.testing.taskmaster import run_taskmaster

__all__ = [
    "FakeClock",
    "RecordingBus",
    "Trial",
    "run_taskmaster",
    "run_worker",
    "try_worker",
]
