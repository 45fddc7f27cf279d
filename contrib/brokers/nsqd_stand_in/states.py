"""The states of a client, by the numbers that `/stats` shows."""

INIT = 0
SUBSCRIBED = 3
CLOSING = 4
