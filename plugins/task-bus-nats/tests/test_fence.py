"""Rules of `task_bus_nats.fence`: what answers say of a message that was sent alone."""

import pytest
from task_bus_nats.fence import says_kept
from task_bus_nats.wire import Frame

LAST = b'{"error":{"code":400,"description":"wrong last sequence: %d"},"seq":0}'


def answer(body):
    return Frame(b"_INBOX.1.0", b"1", b"", b"", body)


@pytest.mark.parametrize(
    ("confirmed", "last", "kept"),
    [
        (b'{"stream":"task_t","seq":12}', 12, True),
        (b'{"stream":"task_t", "seq": 12}', 12, True),  # as 2.2 writes it
        (b'{"stream":"task_t","seq":12,"duplicate":true}', 12, True),
        (b'{"stream":"task_t","seq":12}', 13, True),  # others send as well
        (b'{"stream":"task_t","seq":12}', 2, False),
        (b'{"stream":"task_t","seq":2}', 12, True),
        (b'{"stream":"task_t","seq":12}', 0, False),  # a reader was faster, or it stops
        (b'{"error":{"code":400,"description":"full"},"seq":0}', 0, False),
        (b"", 12, False),
    ],
)
def test_kept_is_what_a_question_behind_it_has_seen(confirmed, last, kept):
    """And what was refused is not, though its number is 0 as well."""
    assert says_kept([answer(confirmed), answer(LAST % last)]) is kept
