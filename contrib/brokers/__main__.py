"""Run brokers until Ctrl-C: `python -m brokers nsq kafka`."""

import argparse
import signal
import sys
from contextlib import ExitStack

from brokers.kafka import Kafka
from brokers.nats import Nats
from brokers.nsq import Nsqd, NsqLookupd
from brokers.postgres import Postgres
from brokers.process import BrokerError, BrokerMissingError
from brokers.redis import Redis


def main() -> int:
    """Start the brokers that are named, tell where they are, and wait."""
    parser = argparse.ArgumentParser(prog="python -m brokers", description=__doc__)
    known = ", ".join(_STARTS)
    parser.add_argument("brokers", nargs="*", help=f"{known} (all, if none is said)")
    named = parser.parse_args().brokers
    if unknown := set(named) - _STARTS.keys():
        parser.error(f"{known}; not {', '.join(sorted(unknown))}")
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        with ExitStack() as stack:
            for name in dict.fromkeys(named or _STARTS):
                try:
                    print(_STARTS[name](stack), flush=True)
                except BrokerMissingError as error:
                    if named:
                        raise
                    print(f"# no {name}: {error}", file=sys.stderr)
            print("# running until Ctrl-C", file=sys.stderr)
            signal.sigwait(ends)
    except BrokerError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 4
    return 0


def _nsq(stack: ExitStack) -> str:
    lookupd = stack.enter_context(NsqLookupd())
    nsqd = stack.enter_context(Nsqd(lookupd=[lookupd]))
    return (
        f"# {nsqd.implementation}, and nsqlookupd at http://{lookupd.http}\n"
        f"export TASK_TEST_NSQD={nsqd.tcp} TASK_TEST_NSQD_HTTP={nsqd.http}"
    )


def _kafka(stack: ExitStack) -> str:
    kafka = stack.enter_context(Kafka())
    return (
        f"# {kafka.implementation}; {kafka.user} may log in at {kafka.sasl}\n"
        f"export TASK_TEST_KAFKA={kafka.bootstrap}"
    )


def _redis(stack: ExitStack) -> str:
    redis = stack.enter_context(Redis())
    return f"# {redis.implementation}\nexport TASK_TEST_REDIS={redis.address}"


def _postgres(stack: ExitStack) -> str:
    postgres = stack.enter_context(Postgres())
    return f"# {postgres.implementation}\nexport TASK_TEST_POSTGRES={postgres.url}"


def _nats(stack: ExitStack) -> str:
    nats = stack.enter_context(Nats())
    return f"# {nats.implementation}\nexport TASK_TEST_NATS={nats.address}"


_STARTS = {
    "nsq": _nsq,
    "kafka": _kafka,
    "redis": _redis,
    "postgres": _postgres,
    "nats": _nats,
}


if __name__ == "__main__":
    sys.exit(main())
