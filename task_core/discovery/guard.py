"""What a plugin's own code raises when it is used names whose it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from task_core.api.bus import Bus
from task_core.api.part import a_kind_of, check_bus
from task_core.api.taskmaster import Taskmaster
from task_core.api.worker import Worker
from task_core.discovery.found import Found
from task_core.errors import FrameworkError, PluginContractError

USES = {
    "bus": ("open", "opening it"),
    "worker": ("make", "making it"),
    "taskmaster": ("make", "making it"),
    "command": ("open", "opening it"),
    "hooks": ("make", "making it"),
}
"""By kind: which field of the manifest is code, and what it is to call that."""


def guarded(found: Found, manifest: Any) -> Any:
    """Return a manifest whose `open` or `make` raises a `PluginError` when it fails.

    Args:
        found: The plugin.
        manifest: Its manifest.
    """
    field, doing = USES[found.kind]
    use = Use(found, getattr(manifest, field), doing)
    return attrs.evolve(manifest, **{field: use})


def whose(plugin: Any) -> str:
    """Return what a taskmaster is called in messages, and who brings it.

    Args:
        plugin: Its manifest.
    """
    owner = getattr(plugin.make, "owner", "")
    return f"taskmaster '{plugin.name}'{owner and f' of {owner}'}"


class Use:
    """Calls what a plugin brings; a failure is told as the plugin's.

    Args:
        found: The plugin.
        call: Its `open` or `make`.
        doing: What that does, for messages.
    """

    def __init__(self, found: Found, call: Callable[..., Any], doing: str) -> None:
        self.call = call
        self._found = found
        self._doing = doing

    @property
    def owner(self) -> str:
        """The distribution of what is installed."""
        return self._found.owner if self._found.installed else ""

    def __call__(self, *args: Any) -> Any:
        """Call it.

        Raises:
            PluginError: It failed, or returned nothing that can be used.
        """
        try:
            made = self.call(*args)
        except FrameworkError:
            raise
        except (Exception, SystemExit) as error:
            # Only now, since good plugins need none of it.
            from task_core.discovery.explain import use_failed  # noqa: PLC0415

            raise use_failed(self._found, self._doing, error) from error
        usable, wanted = _USABLE.get(self._found.kind, (_something, ""))
        if not usable(made):
            from task_core.discovery.explain import broken  # noqa: PLC0415

            what = a_kind_of(made)
            fix = _fix(self._found, made)
            raise broken(self._found, f"{self._doing} gives {what}{wanted}", fix=fix)
        if self._found.kind == "bus":
            check_bus(made, Bus, self._found.full_label)
        return made

    def blame(self, error: FrameworkError) -> FrameworkError:
        """Return what is wrong with what was made, as an error of this plugin."""
        if self._found.given and not isinstance(error, PluginContractError):
            return error
        from task_core.discovery.explain import broken  # noqa: PLC0415  as above

        who, text = f"{self._found.kind} '{self._found.name}'", str(error)
        cause = text.removeprefix(f"{who}: ").removeprefix(f"{who} ")
        return broken(self._found, cause, code=getattr(error, "code", "P02"))


@contextmanager
def blaming(manifest: Any) -> Iterator[None]:
    """Tell a `PluginContractError` of the body as that of a guarded plugin.

    Args:
        manifest: What `guarded` has returned.
    """
    try:
        yield
    except PluginContractError as error:
        raise manifest.make.blame(error) from None


def _something(made: Any) -> bool:
    return made is not None


def _fix(found: Found, made: Any) -> str:
    """Say what the author of a worker has most often meant; nothing of other kinds."""
    if found.kind != "worker" or made is None:
        return ""
    kind = made if isinstance(made, type) else type(made)
    what = f"class {kind.__name__}(Worker)"
    if kind.__module__ == "builtins":
        what = "make=lambda options: FUNCTION"
    return f"write {what}" if found.given else f"its author can write {what}"


def _is_bus(made: Any) -> bool:
    return isinstance(made, Bus)


def _is_worker(made: Any) -> bool:
    return isinstance(made, Worker) or (callable(made) and not isinstance(made, type))


def _is_taskmaster(made: Any) -> bool:
    return isinstance(made, Taskmaster)


_USABLE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "bus": (_is_bus, ", not a Bus"),
    "worker": (_is_worker, ", not a Worker or the function that does tasks"),
    "taskmaster": (_is_taskmaster, ", not a Taskmaster"),
}
"""By kind: what can be used, and what that is called."""
