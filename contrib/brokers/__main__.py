"""Run brokers until Ctrl-C: `python -m brokers nsq kafka`."""

import argparse
import signal
import sys
from contextlib import ExitStack

from brokers.kafka import Kafka
from brokers.nsq import Nsqd, NsqLookupd
from brokers.process import BrokerError


def main() -> int:
    """Start the brokers that are named, tell where they are, and wait."""
    parser = argparse.ArgumentParser(prog="python -m brokers", description=__doc__)
    parser.add_argument("brokers", nargs="*", help="nsq, kafka (both, if none is said)")
    names = parser.parse_args().brokers or ["nsq", "kafka"]
    if unknown := set(names) - {"nsq", "kafka"}:
        parser.error(f"nsq or kafka, not {', '.join(sorted(unknown))}")
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        with ExitStack() as stack:
            for name in dict.fromkeys(names):
                (_nsq if name == "nsq" else _kafka)(stack)
            print("# running until Ctrl-C", file=sys.stderr)
            signal.sigwait(ends)
    except BrokerError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 4
    return 0


def _nsq(stack: ExitStack) -> None:
    lookupd = stack.enter_context(NsqLookupd())
    nsqd = stack.enter_context(Nsqd(lookupd=[lookupd]))
    print(f"# {nsqd.implementation}, and nsqlookupd at http://{lookupd.http}")
    print(f"export TASK_TEST_NSQD={nsqd.tcp} TASK_TEST_NSQD_HTTP={nsqd.http}")
    sys.stdout.flush()


def _kafka(stack: ExitStack) -> None:
    kafka = stack.enter_context(Kafka())
    print(f"# {kafka.implementation}; {kafka.user} may log in at {kafka.sasl}")
    print(f"export TASK_TEST_KAFKA={kafka.bootstrap}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
