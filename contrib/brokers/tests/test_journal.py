"""What the stand-in keeps on disk, and what it makes of it."""

import pytest
from brokers.nsqd_stand_in.journal import Journal


def written(folder, *records):
    """Write records, and return the file."""
    journal = Journal(folder)
    for record in records:
        journal.note(*record)
    journal.flush()
    journal.close()
    (file,) = folder.glob("*.journal")
    return file


def read(folder):
    journal = Journal(folder)
    try:
        return list(journal.replay())
    finally:
        journal.close()


def test_no_journal_is_an_empty_one(tmp_path):
    assert read(tmp_path) == []


def test_records_come_back_as_they_were(tmp_path):
    records = [("topic", "t"), ("publish", "t", [b"\n\xff", b""], 0.0, 1, 2)]
    written(tmp_path, *records)
    assert read(tmp_path) == records


def test_a_record_that_is_cut_off_is_as_if_it_never_was(tmp_path):
    kept, cut = ("topic", "t"), ("publish", "t", [b"one"], 0.0, 1, 2)
    whole = written(tmp_path, kept).stat().st_size
    file = written(tmp_path, cut)
    data = file.read_bytes()
    for end in range(whole, len(data)):
        file.write_bytes(data[:end])
        assert read(tmp_path) == [kept]


def test_what_is_rewritten_takes_the_place_of_all_and_goes_on(tmp_path):
    written(tmp_path, ("topic", "old"))
    journal = Journal(tmp_path)
    journal.note("topic", "contained in what follows")
    journal.rewrite([("topic", "new")])
    journal.note("topic", "later")
    journal.flush()
    journal.close()
    assert read(tmp_path) == [("topic", "new"), ("topic", "later")]


def test_two_do_not_share_a_folder(tmp_path):
    journal = Journal(tmp_path)
    with pytest.raises(BlockingIOError):
        Journal(tmp_path)
    journal.close()
