"""What can go wrong with a store, each as one clear line."""

from task_core.api import FrameworkError


class StoreError(FrameworkError):
    """The store cannot be used: the text says where it is, why, and what to do."""


class StoreAwayError(StoreError):
    """The store does not answer now; the same call may help a little later."""

    exit_code = 4


class InUseError(StoreError):
    """Another instance is at work, and two would do everything twice."""
