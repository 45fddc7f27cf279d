"""Rules of `task_bus_sqlite.lease`."""

from hypothesis import given
from hypothesis import strategies as st
from task_bus_sqlite.lease import Lease, runs_of

LEASES = st.lists(
    st.builds(Lease, st.integers(1, 30), st.sampled_from([1.0, 2.0])), max_size=30
)


@given(LEASES)
def test_runs_name_every_lease_as_often_as_it_was_given(leases):
    """No more, no less, and in whatever order they came."""
    named = [
        (number, due)
        for due, first, last in runs_of(leases)
        for number in range(first, last + 1)
    ]
    assert sorted(named) == sorted((lease.message, lease.due) for lease in leases)


def test_successive_numbers_of_one_end_are_one_run():
    """A window that is settled as a whole is one statement."""
    leases = [Lease(number, 5.0) for number in (9, 7, 8)]
    assert runs_of(leases) == [(5.0, 7, 9)]
