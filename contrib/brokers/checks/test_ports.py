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
