"""Rules of `task_core.builtin.line_consumer`."""

from hypothesis import given
from hypothesis import strategies as st

from task_core.builtin.line_consumer import LineBuffer


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


@given(st.lists(st.binary(max_size=12)))
def test_where_the_input_is_cut_does_not_matter(pieces):
    """The lines are those of the whole, without blank ones."""
    buffer = LineBuffer()
    for piece in pieces:
        buffer.feed(piece)
    whole = b"".join(pieces).split(b"\n")
    expected = [line.removesuffix(b"\r") for line in whole if line.strip()]
    assert bodies(buffer.take_all()) == expected
    assert buffer.empty


@given(st.lists(st.binary(max_size=12)), st.integers(1, 5), st.booleans())
def test_pending_is_the_distance_to_the_first_line_not_taken(pieces, limit, finish):
    """So that a file can be given back exactly there."""
    buffer = LineBuffer()
    for piece in pieces:
        buffer.feed(piece)
    if finish:
        buffer.finish()
    buffer.take(limit)
    whole = b"".join(pieces)
    again = LineBuffer()
    again.feed(whole[len(whole) - buffer.pending :] if buffer.pending else b"")
    assert bodies(again.take_all()) == bodies(buffer.take_all())


def test_no_more_than_the_limit_is_taken():
    """The rest waits for the next call."""
    buffer = LineBuffer()
    buffer.feed(b"a\nb\nc\n")
    assert bodies(buffer.take(2)) == [b"a", b"b"]
    assert bodies(buffer.take(2)) == [b"c"]
    assert bodies(buffer.take(2)) == []


def test_a_carriage_return_before_the_newline_is_no_part_of_the_body():
    """Files from Windows are read; one elsewhere stays."""
    buffer = LineBuffer()
    buffer.feed(b"a\r\n\r\nb\rc\n")
    assert bodies(buffer.take(9)) == [b"a", b"b\rc"]


def test_bytes_that_are_no_text_pass_untouched():
    """What they mean is for others to decide."""
    buffer = LineBuffer()
    buffer.feed(b"\xff\x00\xfe\n")
    assert bodies(buffer.take(1)) == [b"\xff\x00\xfe"]


@given(st.lists(st.binary(max_size=12)), st.integers(1, 5))
def test_each_line_is_told_with_its_number(pieces, limit):
    """Blank ones count, as in an editor."""
    buffer = LineBuffer()
    found = []
    for piece in pieces:
        buffer.feed(piece)
        found += buffer.take(limit)
    found += buffer.take_all()
    whole = b"".join(pieces).split(b"\n")
    expected = [number for number, line in enumerate(whole, 1) if line.strip()]
    assert [delivery.position for delivery in found] == expected


def test_the_numbers_begin_anew_with_another_file():
    """Lines that are left of the one before, and what follows them, have none."""
    buffer = LineBuffer()
    buffer.feed(b"a\nb\n")
    assert [one.position for one in buffer.take(1)] == [1]
    buffer.restart()
    buffer.feed(b"c\n")
    assert [one.position for one in buffer.take(9)] == [None, None]
    buffer.restart()
    buffer.feed(b"d\n")
    assert [one.position for one in buffer.take(9)] == [1]
