"""Claims: who inserts sends, bytes are fixed, what stays is taken over."""

import threading

import pytest
from task_store import Claim, key_of
from task_testing import FakeClock


def claim(key="k", body=b"first", due=0.0):
    return Claim(key, "load", body, due)


def test_who_inserts_a_key_sends_and_nobody_else(store, other):
    """The claim is the insert."""
    assert store.claim([claim("a"), claim("b")]) == [True, True]
    assert other.claim([claim("b"), claim("c")]) == [False, True]


def test_a_key_that_is_given_twice_is_ours_once(store):
    """A batch may hold the same cause twice."""
    assert store.claim([claim("a"), claim("b"), claim("a")]) == [True, True, False]


def test_the_bytes_are_fixed_by_the_claim(store, other):
    """Whoever sends again sends the same."""
    store.claim([claim(body=b"first")])
    other.claim([claim(body=b"second")])
    assert other.find(["k"])["k"].claim == claim(body=b"first")


def test_no_claim_is_no_statement(store):
    """A batch without children needs none."""
    assert store.claim([]) == []


def test_what_is_claimed_is_left_alone_for_a_lease(url, open_):
    """Its owner is sending it."""
    clock = FakeClock(1000.0)
    one, two = open_(url, clock=clock), open_(url, clock=clock)
    one.claim([claim()])
    clock.advance(9.9)
    assert two.take_over() == []
    clock.advance(0.2)
    assert two.take_over() == [claim()]
    assert one.take_over() == [], "it is leased again"


def test_what_is_sent_is_never_taken_over(store):
    """The mark comes after the send."""
    store.claim([claim("a"), claim("b")])
    store.sent(["a", "b", "b"])
    store.sent(["a"])
    store.release(["a"])
    assert store.take_over() == []
    assert store.pending() == 0


def test_what_is_queued_is_for_whoever_comes_next(store, other):
    """The body of a deliveries loop commits it, and another loop sends it."""
    assert store.queue([claim("a"), claim("b")]) == [True, True]
    assert store.queue([claim("a")]) == [False]
    assert other.take_over(1) == [claim("a")]
    assert store.take_over() == [claim("b")]


def test_what_is_given_back_is_free_at_once(store, other):
    """Its owner is stopped and could not send it."""
    store.claim([claim()])
    other.release(["k"])
    assert other.take_over() == [], "it is not theirs to give back"
    store.release(["k"])
    assert other.take_over() == [claim()]


def test_what_is_withdrawn_is_sent_by_nobody_and_its_key_is_free(store, other):
    """It must not be sent: not by its owner, and not by the next one."""
    store.claim([claim("a"), claim("b")])
    store.sent(["b"])
    other.withdraw(["a", "b"])
    assert set(store.find(["a", "b"])) == {"a", "b"}, "they are not theirs"
    store.withdraw(["a", "b"])
    assert set(store.find(["a", "b"])) == {"b"}, "what is sent is sent"
    assert other.claim([claim("a", body=b"second")]) == [True]


def test_what_is_due_later_is_sent_by_whoever_looks_then(url, open_):
    """A retry survives the instance that noted it."""
    clock = FakeClock(1000.0)
    one, two = open_(url, clock=clock), open_(url, clock=clock)
    assert one.claim([claim(due=1060.0)]) == [True]
    assert one.next_in() == 60.0
    clock.advance(59)
    assert two.take_over() == []
    clock.advance(1)
    assert two.take_over() == [claim(due=1060.0)]


def test_what_is_due_is_taken_in_the_order_of_its_times(url, open_):
    """The one that waits longest comes first."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    store.claim([claim("a", due=1003.0), claim("b", due=1001.0)])
    clock.advance(5)
    assert [it.key for it in store.take_over()] == ["b", "a"]


def test_the_store_has_a_time_of_its_own(store):
    """Clocks of machines differ; that of the server, or of the file, is one."""
    before = store.now()
    store.claim([claim(due=before + 3600)])
    assert store.take_over() == []
    store.claim([claim("now", due=before - 1)])
    assert [it.key for it in store.take_over()] == ["now"]


def test_keys_are_dropped_by_age_after_the_send(url, open_):
    """What is not sent stays for ever."""
    clock = FakeClock(1000.0)
    store = open_(url, clock=clock)
    store.claim([claim("old"), claim("new"), claim("pending")])
    store.sent(["old"])
    clock.advance(100)
    store.sent(["new"])
    store.drop_old(50)
    assert set(store.find(["old", "new", "pending"])) == {"new", "pending"}
    assert store.claim([claim("old")]) == [True], "it is unknown again"


def test_a_thousand_keys_go_in_one_call(store):
    """Batches are large."""
    claims = [claim(f"k{number}") for number in range(1200)]
    assert all(store.claim(claims))
    assert len(store.find(it.key for it in claims)) == 1200
    store.sent(it.key for it in claims)
    assert store.pending() == 0


def test_several_changes_happen_together_or_not_at_all(store, other):
    """The claim and what it stands for belong together."""

    def fail():
        with store.transaction():
            store.claim([claim()])
            store.progress.advance("rules", "a", 5.0)
            assert store.progress.load("rules") == {"a": 5.0}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.find(["k"]) == {}
    assert store.progress.load("rules") == {}
    with store.transaction():
        store.claim([claim()])
        store.progress.advance("rules", "a", 5.0)
    assert other.progress.load("rules") == {"a": 5.0}


def test_threads_share_a_store_and_each_key_is_one_threads(store):
    """One object serves all loops of a taskmaster."""
    ours = [[], [], [], []]
    start = threading.Barrier(4)

    def work(mine):
        start.wait()
        for number in range(25):
            mine += store.claim([claim(f"k{number}"), claim(f"j{number}")])

    threads = [threading.Thread(target=work, args=[mine]) for mine in ours]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(sum, ours)) == 50


def test_take_overs_of_several_threads_never_meet(store):
    """Each claim is taken once."""
    store.queue([claim(f"k{number}") for number in range(60)])
    taken = []
    start = threading.Barrier(3)

    def work():
        start.wait()
        while found := store.take_over(7):
            taken.extend(it.key for it in found)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One that met others' locks may have ended early: what is left is for the next.
    taken += [it.key for it in store.take_over()]
    assert sorted(taken) == sorted(f"k{number}" for number in range(60))


def test_a_key_tells_all_parts_of_a_cause_apart():
    """`a`, `bc` is not `ab`, `c`."""
    assert key_of("cron", "a", "bc") != key_of("cron", "ab", "c")
    assert key_of("cron", "a") == key_of("cron", "a")


def test_what_is_not_sent_to_a_topic_can_be_looked_at(store):
    """In the order of their times; nobody takes anything over by that."""
    late = Claim("k1", "load", b"1", store.now() + 60)
    store.queue([late, Claim("k2", "load", b"2"), Claim("k3", "other", b"3")])
    assert [it.key for it in store.claims.waiting("load")] == ["k2", "k1"]
    store.sent(["k2"])
    assert store.claims.waiting("load") == [late]
