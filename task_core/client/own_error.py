"""An error for each who waits: threads would mix their tracebacks in one."""

from copy import copy

from task_core.errors import FrameworkError


def own_error(error: BaseException) -> BaseException:
    """Return an error for one of several who are to be told of it.

    Args:
        error: What to tell. One that is none of ours is returned as it is: it is a bug,
            and nobody knows how to make another.
    """
    if not isinstance(error, FrameworkError):
        return error
    own = copy(error).with_traceback(error.__traceback__)
    own.__cause__, own.__context__ = error.__cause__, error.__context__
    own.__suppress_context__ = error.__suppress_context__
    return own
