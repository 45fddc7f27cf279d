"""The tables of the bus `sqlite`, and the ladder from every older file to this one.

A message's number carries its topic in the high bits. So one tree keeps the messages
of a topic side by side, in the order of sending, and no index is needed. A channel
reads along with a cursor. What it has passed and not settled is in `held`: leased,
given back, or sent with a delay. All three are "not before `due`", so whatever died,
was returned or has waited long enough is found at the head of one thin table. What has
a priority is lined up there too, before the cursor comes to it: `due` is its priority
with the sign turned, so the highest is found first.

    messages   1 2 3 4 5 6 7 8 9        numbers of one topic
    channel        ^ cursor             9 - 3 = 6 were never handed out
    held       1 (due 12:00:30)         leased until then, or to come not before then
    held       7 (due -5)               not leased; priority 5, so before 4, 5 and 6
"""

SPAN = 1 << 40
"""Numbers that a topic has: topic 3 owns those from 3 * SPAN to 4 * SPAN."""

LOWEST = 1_000_000_000
"""Below it a positive `due` is a priority below 0 and no time (2001 is over)."""
PLACE = f"min(-priority, {LOWEST})"
"""What `due` is of a message that may be delivered, in order of priority."""

APPLICATION_ID = 0x7461736B
"""Says in the file's header that it is ours ("task")."""

LADDER: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)
        """,
        # `start`: wants what has a higher number. `born`: the last number when it was
        # made, or that somebody has deleted; above it none is missing, so counting is
        # a subtraction.
        """
        CREATE TABLE channels (
            id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, name TEXT NOT NULL,
            start INTEGER NOT NULL, born INTEGER NOT NULL, cursor INTEGER NOT NULL,
            UNIQUE (topic, name)
        )
        """,
        """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY, due REAL NOT NULL, headers BLOB, body BLOB NOT NULL
        )
        """,
        # `owner` 0 is nobody. `attempt` counts receipts in its low 32 bits, and those
        # that ended because the message was given back in the others.
        """
        CREATE TABLE held (
            channel INTEGER NOT NULL, due REAL NOT NULL, message INTEGER NOT NULL,
            owner INTEGER NOT NULL, attempt INTEGER NOT NULL,
            PRIMARY KEY (channel, due, message)
        ) WITHOUT ROWID
        """,
    ),
    (
        # Who has settled a message that another channel, or `keep`, still wants.
        """
        CREATE TABLE settled (
            message INTEGER NOT NULL, channel INTEGER NOT NULL,
            PRIMARY KEY (message, channel)
        ) WITHOUT ROWID
        """,
        # Settled by all, and when its time is over. (In `since`: first it was when that
        # began, and a new name would stop older programs that use the file.)
        """
        CREATE TABLE kept (
            since REAL NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (since, message)
        ) WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE messages ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX urgent ON messages (id) WHERE priority <> 0",
        # `urgent`: what has a priority and no higher number is in `held` already,
        # before the cursor comes there. `expires`: when a temporary channel goes if
        # its reader gives no sign of life; NULL for all others.
        "ALTER TABLE channels ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE channels ADD COLUMN expires REAL",
        "UPDATE channels SET urgent = cursor",
        # How often those who held it have given it back themselves.
        "ALTER TABLE held ADD COLUMN returned INTEGER NOT NULL DEFAULT 0",
    ),
)
"""Step n brings a file of version n to version n + 1; 0 is an empty file."""

VERSION = len(LADDER)
"""What this program writes, in the file's `user_version`."""
