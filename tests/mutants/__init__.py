"""Wrong buses, each of which a named rule of the conformance kit catches."""

from mutants import carrying, channels, lifetimes, outages, receiving, settling
from mutants.actors import ACTORS, Taskmasters, Workers, wrong_actor
from mutants.catalog import MUTANTS, Double, wrong_bus

__all__ = [
    "ACTORS",
    "MUTANTS",
    "Double",
    "Taskmasters",
    "Workers",
    "carrying",
    "channels",
    "lifetimes",
    "outages",
    "receiving",
    "settling",
    "wrong_actor",
    "wrong_bus",
]
