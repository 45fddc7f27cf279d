"""Passes what happens on to hook plugins, and keeps their failures away from tasks."""

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pluggy

from task_core.api.hooks import DECIDERS, PROJECT, HookSpecifications, HooksPlugin
from task_core.api.part import a_kind_of
from task_core.api.worker import describe
from task_core.discovery.deciders import Asked
from task_core.discovery.drivers import load_drivers
from task_core.discovery.found import Found
from task_core.discovery.loader import check_fields, check_manifest, explained, load
from task_core.errors import (
    FrameworkError,
    PluginContractError,
    PluginError,
    nearest,
)
from task_core.options import options_of

PATIENCE = 10
"""An observer that fails so many times in a row is called no more."""

HOOKS = tuple(sorted(name for name in vars(HookSpecifications) if name[0] != "_"))

Configure = Callable[[HooksPlugin], Any]

log = logging.getLogger("task.hooks")


def defaults(plugin: HooksPlugin) -> Any:
    """Return the options that nobody has set."""
    return plugin.options()


def needs_options(plugin: Any) -> bool:
    """Whether somebody must set something before hooks can be made."""
    return isinstance(plugin, HooksPlugin) and any(
        one.required for one in options_of(plugin.options)
    )


class Listeners:
    """Who listens to what. Made once, before the launcher starts.

    Args:
        configure: Returns the options of hooks that have some.

    Example:
        >>> Listeners().observer("task_started") is None
        True
    """

    def __init__(self, configure: Configure = defaults) -> None:
        self._manager = _manager()
        self._configure = configure

    @classmethod
    def load(
        cls,
        found: Iterable[Found],
        *,
        required: bool = False,
        configure: Configure = defaults,
    ) -> "Listeners":
        """Load hook plugins; one that is broken is left out, with a warning.

        Args:
            found: Plugins of the kind `hooks`.
            required: Raise its error instead: a decider that is left out forbids
                nothing.
            configure: As for the class.

        Raises:
            FrameworkError: One of them is broken, and all are required.
        """
        plugins = list(found)
        installed = [plugin for plugin in plugins if plugin.installed]
        listeners = cls(configure)

        def failed(error: Exception) -> None:
            if required:
                raise error
            log.warning("left out: %s", error)

        def not_imported(plugin: Found, error: BaseException) -> None:
            failed(explained(plugin, error))

        loaded = load_drivers(installed, not_imported) if installed else []
        own = [plugin for plugin in plugins if not plugin.installed]
        for plugin, implementation in [*loaded, *((one, load(one)) for one in own)]:
            try:
                listeners.add(plugin, implementation)
            except PluginError as error:
                failed(error)
        return listeners

    def add(self, found: Found, plugin: Any) -> None:
        """Add what an entry point names.

        Raises:
            PluginContractError: It implements no hook, or one in a wrong way.
            OptionError: Its options are wrong.
        """
        if isinstance(plugin, HooksPlugin):
            if found.installed:
                check_manifest(found, plugin)
            check_fields(found, plugin)
            plugin = self._made(found, plugin)
        problem = _register(self._manager, plugin, found.label)
        if problem:
            raise _wrong(found, problem)

    def _made(self, found: Found, plugin: HooksPlugin) -> Any:
        try:
            made = plugin.make(self._configure(plugin))
        except PluginContractError as error:
            raise _wrong(found, str(error)) from error
        except FrameworkError:
            raise
        except (Exception, SystemExit) as error:
            # Only now, since good plugins need none of it.
            from task_core.discovery.explain import use_failed  # noqa: PLC0415

            raise use_failed(found, "making it", error) from error
        if made is None:
            raise _wrong(found, "making it gives None, not an object with hooks")
        return made

    def observer(self, name: str) -> Callable[..., None] | None:
        """Return what tells all observers of a hook; it never raises.

        Args:
            name: For example `task_started`.
        """
        calls = [Isolated(name, impl) for impl in self._implementations(name)]
        if not calls:
            return None

        def tell(**facts: Any) -> None:
            for call in calls:
                call(facts)

        return tell

    def decider(self, name: str) -> Callable[..., Any] | None:
        """Return what asks the deciders of a hook for the first answer.

        What they raise, and an answer that is none, it raises as a `HookError`.

        Args:
            name: For example `task_should_run`.
        """
        impls = self._implementations(name)
        if not impls:
            return None
        wrapped = any(map(_wraps, impls))
        return Asked(
            name, impls, getattr(self._manager.hook, name) if wrapped else None
        )

    def implemented(self) -> list[str]:
        """Return the names of the hooks that somebody listens to."""
        return [name for name in HOOKS if self._implementations(name)]

    def _implementations(self, name: str) -> Sequence[pluggy.HookImpl]:
        """Return them in the order in which they are to be called."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, name)
        return caller.get_hookimpls()[::-1]


class Isolated:
    """One observer, whose failures hurt nobody but itself.

    Args:
        name: The hook.
        impl: The plugin's implementation.
    """

    def __init__(self, name: str, impl: pluggy.HookImpl) -> None:
        self._name = name
        self._impl = impl
        self._failures = 0

    def __call__(self, facts: dict[str, Any]) -> None:
        """Tell it, unless it is muted."""
        if self._failures >= PATIENCE:
            return
        try:
            self._impl.function(*[facts[name] for name in self._impl.argnames])
        except KeyboardInterrupt:  # a person's, whoever is at work: Ctrl-C always works
            raise
        except BaseException as error:  # noqa: BLE001  nothing harms a task
            self._failed(error)
        else:
            self._failures = 0

    def _failed(self, error: BaseException) -> None:
        self._failures += 1
        muted = f"; muted after {PATIENCE}" if self._failures == PATIENCE else ""
        who, what = self._impl.plugin_name, describe(error)
        log.error("%s: %s failed: %s%s", who, self._name, what, muted)
        log.debug("the traceback", exc_info=error)


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecifications)
    return manager


def _register(manager: pluggy.PluginManager, plugin: Any, name: str) -> str:
    """Register a plugin, or return what is wrong with it."""
    if isinstance(plugin, type):
        return f"it names {a_kind_of(plugin)}, not an object"
    try:
        manager.register(plugin, name)
    except pluggy.PluginValidationError as error:
        from task_core.discovery.remedies import wrong_argument  # noqa: PLC0415

        told = " ".join(str(error).partition("\n")[2].split()) or str(error)
        return wrong_argument(plugin, HookSpecifications) or told
    except (Exception, SystemExit) as error:  # noqa: BLE001  its properties are code
        return describe(error)
    problem = _problem(manager, plugin)
    if problem:
        manager.unregister(plugin)
    return problem


def _wrong(found: Found, problem: str) -> PluginContractError:
    fix = "mend it" if found.given else "tell its author"
    text = f"{found.full_label}: {problem}: {fix}"
    return PluginContractError(text, code="P02", cause=problem, fix=fix)


def _problem(manager: pluggy.PluginManager, plugin: Any) -> str:
    callers = manager.get_hookcallers(plugin)
    if not callers:
        return "it implements no hook (mark its functions with @hookimpl)"
    for caller in callers:
        impls = [i for i in caller.get_hookimpls() if i.plugin is plugin]
        if not caller.has_spec() and not all(impl.optionalhook for impl in impls):
            hint = nearest(caller.name, HOOKS)
            return f"there is no hook '{caller.name}'{hint}"
        for impl in impls:
            if inspect.iscoroutinefunction(impl.function):
                return (
                    f"'{caller.name}' is an async def, which nobody awaits (write def)"
                )
        if caller.name not in DECIDERS and any(_wraps(impl) for impl in impls):
            return f"'{caller.name}' is an observer and cannot be wrapped"
    return ""


def _wraps(impl: pluggy.HookImpl) -> bool:
    return impl.wrapper or impl.hookwrapper
