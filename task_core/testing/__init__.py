"""What plugin authors test with."""

from task_core.testing.doubles import FakeClock, RecordingBus
from task_core.testing.harness import Trial, run_worker, try_worker

__all__ = ["FakeClock", "RecordingBus", "Trial", "run_worker", "try_worker"]
