"""How late instances of a taskmaster were, by the times that their store has.

Who is killed leaves claims that another one takes over when their lease is over. So
nothing is sent later than one lease after the last kill, or after it was due; where all
were killed, after one of them was there again.

No test asserts how fast a machine is: beside the lease, `SLACK` seconds are granted for
brokers that come back, where much else runs. What this finds is what nobody takes over,
or only by a look that is made once an hour.
"""

from collections.abc import Callable

from sqlalchemy import select
from task_store import open_store
from task_store.tables import OUTBOX

from task_core.api import decode_task

SLACK = 30.0


def check_lateness(
    store: str,
    lease: float,
    there: float,
    record_property: Callable[[str, object], None],
    moment: Callable[[str, str], float] = lambda topic, info: 0.0,
) -> None:
    """Hold that all was sent one lease after it could be, at most.

    Args:
        store: Where the claims are.
        lease: Seconds in which the owner of a claim sends it.
        there: When an instance was there after the last kill, in seconds since 1970.
        record_property: Told how late the latest was.
        moment: When a task of a topic, with an info, was to be claimed, if that is
            known.
    """
    opened = open_store(store)
    look = select(OUTBOX).where(OUTBOX.c.sent.is_not(None))
    try:
        with opened._database.reading() as connection:
            rows = connection.execute(look).all()
    finally:
        opened.close()
    late = {}
    for row in rows:
        task = decode_task(bytes(row.body))
        owed = moment(row.topic, task.info)
        late[row.sent - max(row.claimed, row.due, owed, there)] = task
    latest = max(late)
    record_property("late", f"late {latest:.1f}s, lease {lease:g}s")
    assert latest <= lease + SLACK, (latest, late[latest])
