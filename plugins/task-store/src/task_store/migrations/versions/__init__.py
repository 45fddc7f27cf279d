"""One step in each module; its number is its revision."""
