"""Rules whose files are told by messages on a topic."""

import json

import pytest

from task_core.api import OptionError, decode_dead

CREATED = "2026-01-01T00:00:00Z"
GCS = {"id": "1", "bucket": "bucket", "name": "in/a.csv", "generation": "7"}
S3 = {
    "eventName": "ObjectCreated:Put",
    "s3": {"bucket": {"name": "shop"}, "object": {"key": "in/a+b%26.csv", "eTag": "c"}},
}


def stats(path, **more):
    facts = {
        "path": path,
        "size": 9,
        "checksum": "c",
        "created": "2026-01-01T00:00:00Z",
    }
    return json.dumps(facts | more).encode()


def rules(place, *tables):
    place.rules.write_text("".join(f"[[rule]]\n{table}\n" for table in tables))


EVENTS = 'files = "s3://b/**/*.gz"\ntype = "load"\nsource = "events"\n'


def infos(sent):
    return [task.info for task, _ in sent]


def test_a_rule_of_events_tells_what_messages_tell(place):
    """With all that they say of a file; none needs to be listed."""
    rules(place, EVENTS + 'template = "{SRC_PATH}?{STATS}"')
    bodies = [stats("s3://b/x/a.gz", linecnt=7), stats("s3://b/x/a.txt")]
    sent = place.run(10, bodies=bodies, events="files")
    facts = "checksum=c&created=2026-01-01T00:00:00Z&linecnt=7&size=9"
    assert infos(sent) == [f"s3://b/x/a.gz?{facts}"]
    assert place.facts["events"] == {"files": 2, "unmatched": 1}


def test_a_message_that_comes_again_tells_nothing_again(place):
    """The next version does; also after a restart."""
    rules(place, EVENTS)
    bodies = [stats("s3://b/a.gz"), stats("s3://b/a.gz")]
    assert len(place.run(10, bodies=bodies, events="files")) == 1
    bodies = [stats("s3://b/a.gz"), stats("s3://b/a.gz", checksum="d")]
    assert len(place.run(10, bodies=bodies, events="files")) == 1


def test_notifications_of_storages_tell_files(place):
    """GCS by its generation, S3 by its etag."""
    rules(
        place,
        'files = "gs://bucket/in/*.csv"\ntype = "g"\nsource = "events"',
        'files = "s3://shop/in/*.csv"\ntype = "s"\nsource = "events"',
    )
    bodies = [json.dumps(GCS).encode(), json.dumps({"Records": [S3]}).encode()]
    sent = place.run(10, bodies=bodies, events="files")
    assert infos(sent) == ["gs://bucket/in/a.csv", "s3://shop/in/a b&.csv"]


def test_what_tells_of_no_file_goes_to_the_dead_topic(place):
    """And the reader goes on: Go's ended for good."""
    rules(place, EVENTS)
    bodies = [b"nonsense", stats("s3://b/a.gz")]
    sent = place.run_raw(10, bodies=bodies, events="files")
    assert sorted(topic for topic, _ in sent) == ["files.dead", "load"]
    (letter,) = [decode_dead(body) for topic, body in sent if topic == "files.dead"]
    assert (letter.original, letter.reason) == (b"nonsense", "no JSON")


def test_gos_rules_count_three_of_five_once(place):
    """As files, and not the first one twice; what is left waits in the store."""
    rules(
        place,
        'type = "load"\nsrc_pattern = "s3://b/*/*.gz"\ninfo_template = "{SRC_PATH}"\n'
        "count_check = 3\n",
    )
    bodies = [stats(f"s3://b/x/{number}.gz") for number in range(5)]
    assert infos(place.run(10, bodies=bodies, events="files")) == ["s3://b/x"]
    bodies = [stats("s3://b/x/5.gz")]
    assert infos(place.run(10, bodies=bodies, events="files")) == ["s3://b/x"]


def test_it_ends_when_the_pipe_of_events_has(place):
    """But not before groups that wait for a time have fired."""
    more = 'group = { quiet = "5m" }\ntemplate = "{dir}?n={count}"'
    rules(place, EVENTS + more)
    before = place.clock.time()
    sent = place.run(9999, bodies=[stats("s3://b/x/a.gz")], events="files")
    assert infos(sent) == ["s3://b/x?n=1"]
    assert 290 < place.clock.time() - before < 320


def test_an_event_has_a_rule_that_lists_do_so_at_once(place):
    """The listing is the truth: an event of a file that is not there tells nothing."""
    place.rule(more='every = "1h"\nquiet = "1s"\nname = "x"', existing=None)
    place.names(10)
    path = place.write("a.csv")
    bodies = [stats(f"file://{path}"), stats(f"{place.base}/none.csv")]
    assert infos(place.run(60, bodies=bodies, events="files")) == [path]


def test_a_rule_of_events_may_become_one_that_lists(place):
    """What was told has the events' versions, which no listing has: it comes again."""
    place.rule(more='source = "events"', existing="")
    path = place.write("a.csv")
    assert place.names(30, bodies=[stats(path)], events="files") == ["a.csv"]
    place.rule()
    assert place.names(30) == ["a.csv"]
    assert place.names(30) == []


def test_what_events_have_told_is_forgotten_in_time(place):
    """No listing says what is gone: it is known for so long as what is gone."""
    other = f'files = "{place.base}/*"\ntype = "other"'  # which goes on
    rules(place, EVENTS, other)
    place.run(10, bodies=[stats("s3://b/old.gz")], events="files")
    place.age(days=46)
    place.run(10, bodies=[stats("s3://b/new.gz")], events="files")
    assert place.seen() == ["s3://b/new.gz", "s3://b/old.gz"]
    place.run(2 * 3600, events="files")
    assert place.seen() == ["s3://b/new.gz"]


def test_events_without_a_topic_are_refused(place):
    """At once: nothing would ever come."""
    rules(place, EVENTS)
    with pytest.raises(OptionError, match="give --taskmaster-events TOPIC"):
        place.run(10)
