"""Rules of `task_core.launcher.dead_letters`: a dead letter tells all that is known."""

from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.launcher.dead_letters import DeadLetters
from task_core.wire import decode_dead


def test_a_letter_holds_the_original_bytes_and_where_they_came_from():
    """On the dead topic; with the attempt and the time."""
    dead_letters = DeadLetters("load", "main", "load.dead", SystemClock())
    message = dead_letters.write(Delivery(b"\xff\x00", None, 3), "no UTF-8")
    letter = decode_dead(message.body)
    assert message.topic == "load.dead"
    assert (letter.topic, letter.channel, letter.attempt) == ("load", "main", 3)
    assert (letter.original, letter.reason) == (b"\xff\x00", "no UTF-8")
    assert letter.time.endswith("Z")
