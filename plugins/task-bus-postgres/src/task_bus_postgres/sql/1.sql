-- Version 1: tables and functions of the bus postgres. {schema} is the option `schema`.
--
-- channel: who reads a topic. While nobody does, it has one channel without a name,
--          and the first one gets that, by getting a name.
-- message: a row for each message and channel. `due` is when it may be handed out:
--          a delay, the end of a lease, and at once what tells this lease from a later
--          one. `rank` is the priority, its sign turned: what is smaller comes first.

CREATE SCHEMA IF NOT EXISTS {schema};

CREATE TABLE {schema}.version (
    version int NOT NULL, -- of these tables
    oldest int NOT NULL   -- the oldest version that a program may know and use them
);

CREATE TABLE {schema}.channel (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    ranks int[] NOT NULL DEFAULT '{0}',
    expires timestamptz NOT NULL DEFAULT 'infinity', -- a temporary one ends
    UNIQUE (topic, name)
);

CREATE TABLE {schema}.message (
    due timestamptz NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    channel int NOT NULL,
    rank int NOT NULL,
    attempts int NOT NULL DEFAULT 0,  -- how often it was handed out
    returned int NOT NULL DEFAULT 0,  -- how often it was given back
    held boolean NOT NULL DEFAULT false,
    headers text,
    body bytea NOT NULL,
    PRIMARY KEY (channel, rank, due, id)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_cost_delay = 0
);

-- Make what a topic needs before it is written to: itself, and ranks of messages.
CREATE FUNCTION {schema}.prepare(topics text[], wanted int[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY topics LOOP
        PERFORM FROM {schema}.channel WHERE topic = one AND expires = 'infinity';
        CONTINUE WHEN FOUND;
        PERFORM pg_advisory_xact_lock(hashtextextended('{schema}.channel ' || one, 0));
        INSERT INTO {schema}.channel (topic, name) SELECT one, '' WHERE NOT EXISTS (
            SELECT FROM {schema}.channel WHERE topic = one AND expires = 'infinity');
    END LOOP;
    UPDATE {schema}.channel AS c SET ranks = ARRAY(
        SELECT DISTINCT r FROM unnest(c.ranks || wanted) AS r ORDER BY r)
    WHERE topic = ANY (topics) AND NOT ranks @> wanted;
END $$;

-- Wake those who sleep. They hold a lock for as long as they do, so that nobody is
-- notified when all are busy: a notification costs a lock on the whole database.
CREATE FUNCTION {schema}.wake(chan int, news text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    kind constant int := '{schema}.message'::regclass::oid::int;
BEGIN
    IF pg_try_advisory_lock(kind, chan) THEN
        PERFORM pg_advisory_unlock(kind, chan);
    ELSE
        PERFORM pg_notify('task_' || kind || '_' || chan, news);
    END IF;
END $$;

-- Send messages. `places` says of each the topic, counted from 1 in `topics`.
-- What nobody needs may be null: places (all to the first), delays, ranks, headers.
CREATE FUNCTION {schema}.send(topics text[], bodies bytea[], places int[],
    delays float8[], wanted int[], headers text[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    now constant timestamptz := clock_timestamp();
    kind constant int := '{schema}.message'::regclass::oid::int;
    number int;
    needed constant int[] := array_remove(coalesce(wanted, '{}'), NULL);
    found int[];
    lasting boolean;
    ranked boolean;
    awake boolean;
    one int;
BEGIN
    FOR number IN 1 .. cardinality(topics) LOOP
        LOOP
            SELECT array_agg(id), bool_or(expires = 'infinity'),
                wanted IS NULL OR bool_and(ranks @> needed)
            INTO found, lasting, ranked
            FROM {schema}.channel WHERE topic = topics[number] AND expires > now;
            EXIT WHEN lasting AND ranked; -- by then, others may have made channels
            IF lasting IS NULL AND statement_timestamp() > transaction_timestamp()
                AND current_setting('transaction_isolation') NOT LIKE 'read %' THEN
                -- It may be there, and unseen: a second one would be read by nobody.
                RAISE 'the topic % was not there when this transaction began: run it again',
                    topics[number] USING ERRCODE = 'serialization_failure', HINT = format(
                    'Or make it before: SELECT {schema}.prepare(%L, ''{0}'')', topics);
            END IF;
            PERFORM {schema}.prepare(topics, needed);
        END LOOP;
        IF cardinality(found) = 1 AND cardinality(bodies) = 1 THEN -- most often
            INSERT INTO {schema}.message (channel, rank, due, headers, body)
            VALUES (found[1], coalesce(wanted[1], 0),
                now + coalesce(delays[1], 0) * interval '1 s', headers[1], bodies[1]);
        ELSE
            INSERT INTO {schema}.message (channel, rank, due, headers, body)
            SELECT channel, coalesce(m.rank, 0),
                now + coalesce(m.delay, 0) * interval '1 s', m.headers, m.body
            FROM unnest(bodies, places, delays, wanted, headers) WITH ORDINALITY
                AS m (body, place, delay, rank, headers, n), unnest(found) AS channel
            WHERE coalesce(m.place, 1) = number
            ORDER BY m.n;
        END IF;
        FOREACH one IN ARRAY found LOOP -- as `wake` does, in fewer steps
            awake := pg_try_advisory_lock(kind, one);
            IF awake THEN
                awake := pg_advisory_unlock(kind, one);
            ELSE
                PERFORM pg_notify('task_' || kind || '_' || one, '');
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- Take up to `most` messages that are due. `lanes` are the ranks of the channel, and
-- `marks` say where to begin in each: before that there are only rows that others have
-- deleted, which cost time while somebody's long transaction keeps them.
-- If there is none, or the ranks are others, one row without an id says what who waits
-- must know: the ranks (null if there is no such channel), and in how many seconds
-- something is due. `falls_asleep` marks the reader then as one to be woken; `sleeps`
-- says that it is.
CREATE FUNCTION {schema}.take(chan int, most int, lease float8, lanes int[],
    marks timestamptz[], sleeps boolean, falls_asleep boolean)
RETURNS TABLE (id bigint, rank int, due timestamptz, was timestamptz, attempts int,
    returned int, headers text, body bytea, ranks int[], seconds float8)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    kind constant int := '{schema}.message'::regclass::oid::int;
    now timestamptz;
BEGIN
    -- A lease need not survive a crash of the server: without it, the task comes again.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT c.ranks INTO ranks FROM {schema}.channel AS c WHERE c.id = chan;
    IF ranks IS DISTINCT FROM lanes THEN
        RETURN NEXT;
        RETURN;
    END IF;
    LOOP
        now := clock_timestamp();
        RETURN QUERY
        WITH picked AS (
            SELECT m.place, m.due
            FROM unnest(lanes, marks) AS lane (rank, since), LATERAL (
                SELECT x.ctid AS place, x.due FROM {schema}.message AS x
                WHERE x.channel = chan AND x.rank = lane.rank
                    AND x.due >= lane.since AND x.due <= now
                ORDER BY x.due, x.id LIMIT most FOR UPDATE SKIP LOCKED
            ) AS m
            LIMIT most
        )
        UPDATE {schema}.message AS m
        SET due = now + lease * interval '1 s', attempts = m.attempts + 1, held = true
        FROM picked WHERE m.ctid = picked.place
        RETURNING m.id, m.rank, m.due, picked.due, m.attempts, m.returned, m.headers,
            m.body, NULL::int[], NULL::float8;
        IF FOUND THEN
            IF sleeps THEN
                PERFORM pg_advisory_unlock_shared(kind, chan);
            END IF;
            RETURN;
        END IF;
        EXIT WHEN sleeps OR NOT falls_asleep;
        PERFORM pg_advisory_lock_shared(kind, chan); -- and what came before that?
        sleeps := true;
    END LOOP;
    SELECT extract(epoch FROM min(greatest(m.due, now)) - now) INTO seconds
    FROM unnest(lanes, marks) AS lane (rank, since), LATERAL (
        SELECT x.due FROM {schema}.message AS x
        WHERE x.channel = chan AND x.rank = lane.rank AND x.due >= lane.since
        ORDER BY x.due LIMIT 1
    ) AS m;
    RETURN NEXT;
END $$;

-- Find where those of these messages are that are still held under that lease, and
-- their numbers, counted from 1. Each is looked up by itself, whatever the planner thinks
-- of a channel that its statistics do not know: it would read all of it.
CREATE FUNCTION {schema}.held(chan int, ids bigint[], lanes int[], ends timestamptz[])
RETURNS TABLE (n bigint, place tid, due timestamptz) LANGUAGE sql STABLE AS $$
    SELECT t.n, m.place, t.due
    FROM unnest(ids, lanes, ends) WITH ORDINALITY AS t (id, lane, due, n), LATERAL (
        SELECT x.ctid AS place FROM {schema}.message AS x WHERE x.channel = chan
            AND x.rank = t.lane AND x.due = t.due AND x.id = t.id LIMIT 1
    ) AS m
$$;

-- Say which of these are not (or no more) held under that lease, counted from 0.
CREATE FUNCTION {schema}.lost(chan int, ids bigint[], lanes int[], ends timestamptz[])
RETURNS int[] LANGUAGE sql SET enable_seqscan = off AS $$
    SELECT coalesce(array_agg(n - 1 ORDER BY n), '{}')
    FROM generate_series(1, cardinality(ids)) AS n
    WHERE n NOT IN (SELECT h.n FROM {schema}.held(chan, ids, lanes, ends) AS h)
$$;

-- Acknowledge messages and send others: all of that or, when a lease is over, nothing.
CREATE FUNCTION {schema}.settle(chan int, ids bigint[], lanes int[], ends timestamptz[],
    topics text[], bodies bytea[], places int[], delays float8[], wanted int[],
    headers text[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
    gone int;
BEGIN
    IF cardinality(ids) = 1 THEN
        DELETE FROM {schema}.message AS m WHERE m.channel = chan
            AND m.rank = lanes[1] AND m.due = ends[1] AND m.id = ids[1];
    ELSE
        DELETE FROM {schema}.message AS m USING {schema}.held(chan, ids, lanes, ends) AS h
        WHERE m.ctid = h.place AND m.due = h.due; -- if others were faster, it has another
    END IF;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone < cardinality(ids) THEN
        RAISE 'task: a lease is over' USING ERRCODE = 'TASK1';
    END IF;
    IF topics IS NOT NULL THEN
        PERFORM {schema}.send(topics, bodies, places, delays, wanted, headers);
    END IF;
END $$;

-- Restart leases, all or none; return when they end.
CREATE FUNCTION {schema}.extend(chan int, ids bigint[], lanes int[],
    ends timestamptz[], lease float8) RETURNS timestamptz
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
    until constant timestamptz := clock_timestamp() + lease * interval '1 s';
    kept int;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE {schema}.message AS m SET due = until
    FROM {schema}.held(chan, ids, lanes, ends) AS h
    WHERE m.ctid = h.place AND m.due = h.due;
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept < cardinality(ids) THEN
        RAISE 'task: a lease is over' USING ERRCODE = 'TASK1';
    END IF;
    RETURN until;
END $$;

-- Give messages back, those that others have left alone. Without a delay they come
-- before all others, in their order.
CREATE FUNCTION {schema}.give_back(chan int, ids bigint[], lanes int[],
    ends timestamptz[], delay float8) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE {schema}.message AS m SET held = false, returned = m.returned + 1,
        due = CASE WHEN delay > 0 THEN clock_timestamp() + delay * interval '1 s'
            ELSE '-infinity' END
    FROM {schema}.held(chan, ids, lanes, ends) AS h
    WHERE m.ctid = h.place AND m.due = h.due;
    PERFORM {schema}.wake(chan, 'returned');
END $$;

-- Delete a channel with all that waits on it, or a topic when `channel_name` is empty.
CREATE FUNCTION {schema}.forget(topic_name text, channel_name text) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    one int;
BEGIN
    PERFORM pg_advisory_xact_lock(
        hashtextextended('{schema}.channel ' || topic_name, 0));
    FOR one IN DELETE FROM {schema}.channel
        WHERE topic = topic_name AND (channel_name = '' OR name = channel_name)
        RETURNING id LOOP
        DELETE FROM {schema}.message WHERE channel = one;
    END LOOP;
END $$;

-- Delete the temporary channels of readers that have died, and what was sent to a
-- channel just when it was deleted; the own one, if it is temporary, lives on for
-- `life` seconds. All channels are read, which seems dear enough to be compiled.
CREATE FUNCTION {schema}.sweep(own int, life float8) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE {schema}.channel SET expires = clock_timestamp() + life * interval '1 s'
    WHERE id = own AND expires < 'infinity';
    DELETE FROM {schema}.channel WHERE id IN (
        SELECT id FROM {schema}.channel WHERE expires < clock_timestamp()
        FOR UPDATE SKIP LOCKED);
    WITH RECURSIVE used AS ( -- from one channel to the next, not over all messages
        SELECT min(m.channel) AS number FROM {schema}.message AS m
        UNION ALL
        SELECT (SELECT min(m.channel) FROM {schema}.message AS m
            WHERE m.channel > used.number) FROM used WHERE used.number IS NOT NULL
    )
    DELETE FROM {schema}.message WHERE channel IN (
        SELECT number FROM used WHERE NOT EXISTS (
            SELECT FROM {schema}.channel WHERE id = number));
END $$;

-- Find a channel, or make it: for so many seconds, or for good if `life` is 0.
-- Returns its number and the name by which its readers are notified.
CREATE FUNCTION {schema}.subscribe(topic_name text, channel_name text, life float8,
    OUT number int, OUT bell text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    until constant timestamptz := CASE WHEN life > 0
        THEN clock_timestamp() + life * interval '1 s' ELSE 'infinity' END;
    one int;
BEGIN
    PERFORM {schema}.sweep(NULL, 0);
    PERFORM pg_advisory_xact_lock(
        hashtextextended('{schema}.channel ' || topic_name, 0));
    UPDATE {schema}.channel SET expires = greatest(expires, until)
    WHERE topic = topic_name AND name = channel_name RETURNING id INTO number;
    IF life = 0 AND number IS NULL THEN
        UPDATE {schema}.channel SET name = channel_name
        WHERE topic = topic_name AND name = '' RETURNING id INTO number;
    ELSIF life = 0 THEN -- a temporary one that becomes the first
        FOR one IN DELETE FROM {schema}.channel
            WHERE topic = topic_name AND name = '' RETURNING id LOOP
            UPDATE {schema}.message SET channel = number WHERE channel = one;
        END LOOP;
    END IF;
    IF number IS NULL THEN
        INSERT INTO {schema}.channel (topic, name, expires)
        VALUES (topic_name, channel_name, until) RETURNING id INTO number;
    END IF;
    bell := 'task_' || '{schema}.message'::regclass::oid::int || '_' || number;
END $$;

-- The channels of a topic: what waits, and what somebody holds.
CREATE FUNCTION {schema}.states(topic_name text)
RETURNS TABLE (number int, name text, waiting bigint, holding bigint)
LANGUAGE sql STABLE AS $$
    SELECT c.id, c.name, count(m.id) FILTER (WHERE NOT m.held OR m.due <= clock_timestamp()),
        count(m.id) FILTER (WHERE m.held AND m.due > clock_timestamp())
    FROM {schema}.channel AS c LEFT JOIN {schema}.message AS m ON m.channel = c.id
    WHERE c.topic = topic_name AND c.expires > clock_timestamp()
    GROUP BY c.id ORDER BY c.name
$$;

INSERT INTO {schema}.version VALUES (1, 1);
