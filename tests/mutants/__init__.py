"""Wrong buses, each of which a named rule of the conformance kit catches."""

from mutants import carrying, channels, lifetimes, outages, receiving, settling
from mutants.catalog import MUTANTS, Double, right_and_wrong

__all__ = [
    "MUTANTS",
    "Double",
    "carrying",
    "channels",
    "lifetimes",
    "outages",
    "receiving",
    "right_and_wrong",
    "settling",
]
