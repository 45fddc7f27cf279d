"""`python -m brokers.nsqd_stand_in.lookupd`: what `nsqlookupd` would be called with."""

import asyncio
import sys
from types import SimpleNamespace

from brokers.nsqd_stand_in import flags, settings
from brokers.nsqd_stand_in.log import Log
from brokers.nsqd_stand_in.lookup_api import LookupApi
from brokers.nsqd_stand_in.lookup_client import LookupClient
from brokers.nsqd_stand_in.lookup_db import Registrations
from brokers.nsqd_stand_in.server import until_signal
from brokers.nsqd_stand_in.web import Web


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    options = flags.parse("nsqlookupd", settings.NSQLOOKUPD, sys.argv[1:])
    if options.version:
        print(f"nsqlookupd stand-in (protocol of nsqlookupd v{settings.VERSION})")
        return
    log = Log(options.log_prefix, options.log_level)
    try:
        asyncio.run(_run(options, log))
    except (OSError, ValueError) as error:
        log.write("fatal", f"failed to instantiate nsqlookupd - {error}")
        raise SystemExit(1) from None


async def _run(options: SimpleNamespace, log: Log) -> None:
    log.tell(f"nsqlookupd stand-in v{settings.VERSION}")
    known = Registrations()
    web = Web(LookupApi(known, options).routes(), log)
    http = await web.serve(*settings.address(options.http_address))
    clients: set[LookupClient] = set()
    about = {
        "broadcast_address": options.broadcast_address,
        "hostname": settings.HOST,
        "http_port": http.sockets[0].getsockname()[1],
        "version": settings.VERSION,
    }
    tcp = await asyncio.get_running_loop().create_server(
        lambda: LookupClient(known, about, log, clients),
        *settings.address(options.tcp_address),
    )
    about["tcp_port"] = tcp.sockets[0].getsockname()[1]
    log.tell(f"TCP: listening on {options.tcp_address}")
    log.tell(f"HTTP: listening on {options.http_address}")
    await until_signal()
    for server in (tcp, http):
        server.close()
    for client in list(clients):
        client.close()
    web.close()


if __name__ == "__main__":
    main()
