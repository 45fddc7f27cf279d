import contextlib
import functools
import subprocess
import sys

from brokers.ports import FIRST, LAST, free_address, free_port, split


def test_a_port_is_given_once():
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)


def test_ports_are_none_that_outgoing_connections_get():
    assert all(FIRST <= free_port() <= LAST < 32_768 for _ in range(50))


def test_an_address_splits_into_host_and_port():
    host, port = split(free_address())
    assert host == "127.0.0.1"
    assert FIRST <= port <= LAST


def test_processes_that_run_at_the_same_time_have_ports_of_their_own():
    """Also before anybody listens at them, and while a broker is down."""
    program = "from brokers.ports import *; print(*[free_port() for _ in range(150)])"
    start = functools.partial(
        subprocess.Popen, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with contextlib.ExitStack() as stack:
        others = [
            stack.enter_context(
                start([sys.executable, "-c", f"{program}; print(flush=True); input()"])
            )
            for _ in range(3)
        ]
        found = [port for one in others for port in one.stdout.readline().split()]
        for one in others:
            one.communicate("\n")
    assert len(found) == len(set(found)) == 450
