"""A file that is replaced keeps what is in the new one."""

import pytest
from task_store import Claim, StoreAwayError, open_store


@pytest.mark.parametrize("linked", [False, True], ids=["file", "link"])
@pytest.mark.parametrize("closed", ["first", "last"])
def test_what_is_in_a_new_file_is_not_written_over_by_the_log_of_the_old_one(
    closed, linked, tmp_path, open_
):
    """Also when the old one was closed in between, as at each start."""
    path, other = tmp_path / "a.db", open_store(str(tmp_path / "other.db"))
    real = tmp_path / "real.db" if linked else path
    if linked:
        path.symlink_to(real)
    theirs = [Claim(f"theirs {n}", "load", b"x" * 300) for n in range(200)]
    other.claim(theirs)
    other.close()
    second = open_(str(path))
    second.check()
    store = open_(str(path))
    store.check_place()
    assert real.stat().st_mode & 0o777 == 0o600
    if closed == "last":
        second.close()
        for number in range(9):  # so that the next log has a number of its own
            (tmp_path / f"{number}").touch()
    store.claim([Claim(f"ours {n}", "load", b"y" * 300) for n in range(200)])
    (tmp_path / "other.db").replace(real)
    with pytest.raises(StoreAwayError, match="was removed or replaced"):
        store.check()
    assert len(store.find([it.key for it in theirs])) == len(theirs)
    assert store.pending() == len(theirs)
