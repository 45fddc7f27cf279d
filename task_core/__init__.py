"""task: tasks over message buses. Plugin authors import from `task_core.api`."""

__version__ = "0.1.0"
