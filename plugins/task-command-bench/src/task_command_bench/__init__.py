"""The command bench: how fast a bus is here."""
