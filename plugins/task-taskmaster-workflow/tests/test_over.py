"""When a trial of instances is over: not before all that is claimed has come."""

import pytest
from task_store import Claim, open_store
from workflow_instances import TOPICS, all_is_over


@pytest.fixture
def store(tmp_path):
    opened = open_store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


def claimed(store, id):
    body = b'{"type":"a","info":"","id":"%s"}' % id.encode()
    store.claim([Claim(f"{topic} {id}", topic, body) for topic in TOPICS])
    return [f"{topic} {id}" for topic in TOPICS]


def test_a_firing_that_is_sent_and_has_not_come_is_waited_for(store):
    """All others are at their end, and nothing is pending."""
    store.sent(claimed(store, "1"))
    bodies = {topic: {"1": [b""]} for topic in TOPICS}
    assert all_is_over(store, bodies)
    (root, *rest) = claimed(store, "2")
    assert not all_is_over(store, bodies), "it is claimed"
    store.sent([root, *rest])
    assert not all_is_over(store, bodies), "it is on its way"
    for found in bodies.values():
        assert not all_is_over(store, bodies), "what follows it is not here"
        found["2"] = [b""]
    assert all_is_over(store, bodies)
