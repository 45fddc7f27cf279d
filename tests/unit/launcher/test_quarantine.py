"""Rules of `task_core.launcher.quarantine`: what may have killed runs alone."""

import sys

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.launcher.context import Job
from task_core.launcher.quarantine import LEAST_TOGETHER, LEAST_UNSURE, Quarantine
from task_core.task import Task

RETURNING = Capabilities(ack=True, nack=True, attempts=True)
KEEPING = Capabilities(ack=True, attempts=True)


def delivery(attempt, returned=0, body=b"x", unsure=0):
    return Delivery(body, None, attempt, None, returned, unsure)


def jobs(*attempts):
    task = Task(type="load", info="")
    return [Job(delivery(n, body=b"%d" % at), task) for at, n in enumerate(attempts)]


def test_a_second_receipt_is_suspect():
    """The process that held it may have died of it."""
    fresh, again = given = jobs(1, 2)
    assert Quarantine(5, RETURNING).part(given) == ([fresh], [again])


def test_what_was_given_back_is_no_suspect():
    """A clean stop kills nobody, however often it happens."""
    quarantine = Quarantine(1, RETURNING)
    job = Job(delivery(8, returned=7), Task(type="load", info=""))
    assert quarantine.part([job]) == ([job], [])
    assert not quarantine.is_dead(delivery(100, returned=99))


def test_what_comes_again_to_the_same_process_has_not_killed_it():
    """A connection that is cut a hundred times makes no dead letter."""
    quarantine = Quarantine(5, RETURNING)
    for attempt in range(1, 100):
        assert not quarantine.is_dead(delivery(attempt))
        quarantine.part([Job(delivery(attempt), Task(type="load", info=""))])


def test_an_outage_explains_a_loss():
    """What the broker takes back when a connection breaks, nobody has killed."""
    quarantine = Quarantine(5, RETURNING)
    assert quarantine.is_dead(delivery(6))
    quarantine.note_outage()
    assert not quarantine.is_dead(delivery(6))


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_nothing_is_dead_before_its_neighbours_could_have_left(most):
    """Those that were held together with one that kills share its first losses."""
    quarantine, limit = Quarantine(most, RETURNING), max(LEAST_TOGETHER, most)
    assert not quarantine.is_dead(delivery(limit))
    assert quarantine.is_dead(delivery(limit + 1))


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_who_holds_one_at_a_time_keeps_the_limit_to_the_letter(most):
    """There is nobody else who could have done it."""
    quarantine = Quarantine(most, RETURNING, alone=True)
    assert not quarantine.is_dead(delivery(most))
    assert quarantine.is_dead(delivery(most + 1))
    assert quarantine.is_dead(delivery(most + 5, returned=4))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("most", [1, 3, 5, 7])
def test_losses_that_may_be_none_make_nothing_dead_for_long(most, alone):
    """Clean stops that the bus cannot tell apart; what kills ends all the same."""
    quarantine, limit = (
        Quarantine(most, RETURNING, alone=alone),
        max(LEAST_UNSURE, most),
    )
    assert not quarantine.is_dead(delivery(limit, unsure=limit - 1))
    assert quarantine.is_dead(delivery(limit + 1, unsure=limit))


def test_losses_that_are_none_for_sure_count_at_once():
    """Of four one may be a stop: three are left."""
    quarantine = Quarantine(3, RETURNING)
    assert not quarantine.is_dead(delivery(4, unsure=1))
    assert quarantine.is_dead(delivery(5, unsure=1))


def test_a_launcher_begins_with_one_and_doubles():
    """It may be the successor of one that was killed."""
    quarantine = Quarantine(5, RETURNING)
    widths = []
    for _ in range(4):
        widths.append(quarantine.width)
        quarantine.part(jobs(1))
    assert widths == [1, 2, 4, 8]
    quarantine.part(jobs(1, 2))
    assert quarantine.width == 1


def test_a_bus_that_does_not_count_is_not_slowed_down():
    """There is nothing to be learned from it."""
    quarantine = Quarantine(5, Capabilities(ack=True))
    assert quarantine.width == sys.maxsize
    given = jobs(1, 1)
    assert quarantine.part(given) == (given, [])


def test_one_suspect_is_kept_when_nothing_else_is_held():
    """The one with the most losses; the others go back unharmed."""
    quarantine, given = Quarantine(5, RETURNING), jobs(2, 4, 2)
    assert quarantine.admit(given, alone=True) == [given[0], given[2]]
    assert (len(quarantine), quarantine.next()) == (1, given[1])
    assert not quarantine


def test_no_suspect_is_kept_beside_others():
    """They could die of it."""
    quarantine, given = Quarantine(5, RETURNING), jobs(2, 3)
    assert quarantine.admit(given, alone=False) == [given[1], given[0]]
    assert not quarantine


def test_where_nothing_goes_back_each_round_begins_elsewhere():
    """What lies between two that kill has its turn before it has too many losses."""
    firsts = []
    for attempt in range(2, 6):
        quarantine = Quarantine(5, KEEPING)
        given = jobs(*[attempt] * 8)
        assert quarantine.admit(given, alone=True) == []
        firsts.append(given.index(quarantine.next()))
    assert firsts == [0, 4, 2, 6]


def test_those_that_have_not_run_can_be_recalled():
    """On a stop; then there are none."""
    quarantine, given = Quarantine(5, KEEPING), jobs(4, 4)
    quarantine.admit(given, alone=True)
    assert sorted(map(id, quarantine.recall())) == sorted(map(id, given))
    assert quarantine.recall() == []
