"""Finds the bus that a program names, as the command line does, and makes a client."""

import os
from functools import partial
from typing import Any

from task_core.api.bus import Bus, BusContext
from task_core.builtin import PLUGINS
from task_core.client.client import Client
from task_core.client.sent import MOMENT, Span, seconds_of
from task_core.config.bus import choose_bus, read_toml
from task_core.config.selection import Chosen
from task_core.discovery.catalog import Catalog
from task_core.discovery.claims import Claims
from task_core.errors import UsageError


def connect(
    url: str | None = None,
    *,
    done_topic: str = "done",
    lease: Span = 30.0,
    prefix: str | None = None,
    config: str | None = None,
    catalog: Catalog | None = None,
    **options: Any,
) -> Client:
    """Return a client of a bus; it connects when it is first used.

    Options come from the arguments, the URL, the environment, the TOML file, and
    defaults, in this order, as on the command line.

    Args:
        url: A name or URL, as behind `--bus`; what environment and TOML select when
            not given.
        done_topic: Where `call` looks for done tasks.
        prefix: What the name of every topic begins with on the bus.
        lease: Time until what `read` has and does not settle comes again, as `"5m"` or
            in seconds.
        config: The TOML file; `TASK_CONFIG`, or ./task.toml if it is there.
        catalog: What can be used; what is installed when not given.
        options: Those of the bus, as `task plugins show bus NAME` lists them.

    Raises:
        PluginError: There is no such bus, or it cannot be used.
        OptionError: One of the options is wrong.
        UsageError: One of the other arguments is; or nobody says which bus.

    Example:
        >>> with connect("memory:example") as tasks:
        ...     tasks.send("load", "s3://bucket/a.csv").type
        'load'
    """
    found = catalog or Catalog.scan(PLUGINS)
    chosen = choose_bus(found, url, options, prefix=prefix, config=config, wanted=True)
    if not (isinstance(done_topic, str) and done_topic):
        raise UsageError(
            f"done_topic: {done_topic!r} is no topic; say where done tasks go"
        )
    open_ = partial(_open, chosen, seconds_of("lease", lease, least=MOMENT))
    claims = partial(_find_claims, found, config)
    client = Client(open_, done_topic, chosen.plugin.name, claims)
    client.capabilities = chosen.plugin.capabilities
    return client


def open_bus(
    url: str | None = None,
    *,
    lease: Span = 30.0,
    prefix: str | None = None,
    config: str | None = None,
    catalog: Catalog | None = None,
    **options: Any,
) -> Bus:
    """Open a bus for a launcher of this program; arguments as for `connect`.

    It is for one thread at a time: `run_launcher` or `LauncherThread` take it over.

    Raises:
        PluginError: There is no such bus, or it cannot be used.
        OptionError: One of the options is wrong.
        UsageError: One of the other arguments is; or nobody says which bus.
        BusError: It cannot be opened.
    """
    chosen = choose_bus(
        catalog or Catalog.scan(PLUGINS),
        url,
        options,
        prefix=prefix,
        config=config,
        wanted=True,
    )
    return _open(chosen, seconds_of("lease", lease, least=MOMENT))


def _open(chosen: Chosen, lease: float) -> Bus:
    bus: Bus = chosen.plugin.open(chosen.options, BusContext(lease=lease))
    if not chosen.prefix:
        return bus
    from task_core.launcher.prefix import PrefixBus  # noqa: PLC0415  few have one

    return PrefixBus(bus, chosen.prefix)


def _find_claims(catalog: Catalog, config: str | None) -> Claims:
    # Only those who send something once pay for hooks.
    from task_core.config.hooks import hook_options  # noqa: PLC0415
    from task_core.discovery.hooks import Listeners  # noqa: PLC0415

    toml = read_toml(config or os.environ.get("TASK_CONFIG"))
    configure = partial(hook_options, toml=toml, names=catalog.names("hooks"))
    return Claims(Listeners.load(catalog.hooks, configure=configure))
