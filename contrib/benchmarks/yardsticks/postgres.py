"""Bare loops on psycopg with statements that the server remembers.

A taken message is known to be ours until it is settled; a done task is inserted by the
statement that deletes what it came from. The planner is kept to the index.
"""

import time
from typing import Any

import psycopg
from brokers.postgres import Postgres
from yardstick import DONE, TASK, Yardstick

TABLE = """
CREATE TABLE IF NOT EXISTS bare (
    chan int, due timestamptz, id bigint GENERATED ALWAYS AS IDENTITY,
    attempts int NOT NULL DEFAULT 0, body bytea NOT NULL, PRIMARY KEY (chan, due, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)
"""
TAKE = """
UPDATE bare SET due = clock_timestamp() + interval '30 s', attempts = attempts + 1
FROM (
    SELECT chan, due, id FROM bare WHERE chan = %s AND due <= clock_timestamp()
    ORDER BY due, id LIMIT %s FOR UPDATE SKIP LOCKED
) AS picked
WHERE bare.chan = picked.chan AND bare.due = picked.due AND bare.id = picked.id
RETURNING bare.id, bare.due, attempts, body
"""
SETTLE = """
WITH gone AS (
    DELETE FROM bare USING unnest(%s::bigint[], %s::timestamptz[]) AS t (id, due)
    WHERE chan = %s AND bare.id = t.id AND bare.due = t.due RETURNING 1
)
INSERT INTO bare (chan, due, body)
SELECT 2, clock_timestamp(), body FROM unnest(%s::bytea[]) AS body
WHERE (SELECT count(*) FROM gone) = %s
"""
SEND = """
INSERT INTO bare (chan, due, body)
SELECT %s, clock_timestamp(), body FROM unnest(%s::bytea[]) AS body
"""
WORK, SENT, IDLE = 1, 3, 4


class Connected:
    """A connection."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._cursor = self._connection.cursor(binary=True)
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            self._cursor.execute(f"SET enable_{way} = off")

    def run(self, text: str, *words: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        self._cursor.execute(text, words, prepare=True)
        return self._cursor.fetchall() if self._cursor.description else []

    def wait(self) -> None:
        """Wait for a notification."""
        list(self._connection.notifies(timeout=10, stop_after=1))


class PostgresLoops(Yardstick):
    """One table."""

    def __init__(self) -> None:
        self._server = Postgres()
        self._server.start()
        self.title, self.url = self._server.implementation, self._server.url
        self._run = Connected(self.url).run
        self._run(TABLE)

    def work(self, window: int, count: int) -> float:
        for begin in range(0, count, 500):
            self._run(SEND, WORK, [TASK] * min(500, count - begin))
        begun, left = time.perf_counter(), count
        while left > 0:
            rows = self._run(TAKE, WORK, window)
            ids, ends = [row[0] for row in rows], [row[1] for row in rows]
            self._run(SETTLE, ids, ends, WORK, [DONE] * len(rows), len(rows))
            left -= len(rows)
        return time.perf_counter() - begun

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            self._run(SEND, SENT, [TASK] * batch)

    def latency(self, count: int) -> list[float]:
        reader, waits = Connected(self.url), []
        reader.run("LISTEN bare")
        for _ in range(count):
            time.sleep(0.02)  # as long as the bus sleeps: a processor forgets, too
            begun = time.perf_counter()
            self._run(SEND, IDLE, [TASK])
            self._run("NOTIFY bare")
            reader.wait()
            ((number, ends, *_),) = reader.run(TAKE, IDLE, 1)
            waits.append(time.perf_counter() - begun)
            reader.run(SETTLE, [number], [ends], IDLE, [], 1)
        return waits

    def clean(self) -> None:
        self._run("TRUNCATE bare")

    def close(self) -> None:
        self._server.close()
