"""Names of dead topics on brokers whose names must not be long; loaded when needed."""

from hashlib import sha256

from task_core.dead import dead_topic


def fitting_dead_topic(origin: str, longest: int, ending: str = "") -> str:
    """Return the dead topic of a topic, as a broker takes it.

    Where that is too long it keeps the beginning, with a digest of all: dead letters
    tell where they came from.

    Args:
        origin: The topic whose dead letters it takes.
        longest: Characters that a name may have.
        ending: What such a name must end with, as `origin` does.

    Example:
        >>> fitting_dead_topic("load", 249), fitting_dead_topic("x#tmp", 64, "#tmp")
        ('load.dead', 'x.dead#tmp')
        >>> fitting_dead_topic("x" * 20, 20)
        'xxxxxx-d4fc1db6.dead'
    """
    stem = origin.removesuffix(ending)
    name = dead_topic(stem) + ending
    if len(name) <= longest:
        return name
    digest = sha256(origin.encode()).hexdigest()[:8]
    end = dead_topic(f"-{digest}") + ending
    return stem[: longest - len(end)] + end
