"""Chance, so that many who wait for the same thing do not all come at once."""

import os


def random_part(most: float) -> float:
    """Return some number from 0 to `most`."""
    # Not the module `random`: every start would pay for its import.
    return most * int.from_bytes(os.urandom(4)) / 2**32
