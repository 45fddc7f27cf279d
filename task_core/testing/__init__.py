"""What plugin authors test with."""

from task_core.testing.harness import Trial, run_worker, try_worker

__all__ = ["Trial", "run_worker", "try_worker"]
