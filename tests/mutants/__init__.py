"""Wrong buses, each of which a named rule of the conformance kit catches."""

from mutants import carrying, channels, lifetimes, outages, receiving, settling
from mutants.actors import ACTORS, right_and_wrong_actor
from mutants.catalog import MUTANTS, Double, right_and_wrong

__all__ = [
    "ACTORS",
    "MUTANTS",
    "Double",
    "carrying",
    "channels",
    "lifetimes",
    "outages",
    "receiving",
    "right_and_wrong",
    "right_and_wrong_actor",
    "settling",
]
