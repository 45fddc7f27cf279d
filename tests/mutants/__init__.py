"""Wrong buses, each of which a named rule of the conformance kit catches."""

from mutants import (
    carrying,
    channels,
    extras,
    giving_back,
    leases,
    lifetimes,
    outages,
    receiving,
    removing,
    settling,
    taskmasters,
)
from mutants.catalog import MUTANTS, Double, wrong_bus
from mutants.plugins import PLUGINS, Taskmasters, Workers, wrong_plugin

__all__ = [
    "MUTANTS",
    "PLUGINS",
    "Double",
    "Taskmasters",
    "Workers",
    "carrying",
    "channels",
    "extras",
    "giving_back",
    "leases",
    "lifetimes",
    "outages",
    "receiving",
    "removing",
    "settling",
    "taskmasters",
    "wrong_bus",
    "wrong_plugin",
]
