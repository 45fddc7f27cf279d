"""Starts and stops an nsqd."""

import asyncio
import signal
import ssl
import sys
from argparse import Namespace

from brokers.nsqd_stand_in import commands
from brokers.nsqd_stand_in.api import Api
from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.registrar import Registrar
from brokers.nsqd_stand_in.settings import address, parse
from brokers.nsqd_stand_in.web import serve


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    options = parse("nsqd", 4150, 4151)
    try:
        asyncio.run(_run(options))
    except OSError as error:
        print(f"failed to instantiate nsqd - {error}", file=sys.stderr)
        raise SystemExit(1) from None


async def until_signal() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def port_of(server: asyncio.Server) -> int:
    """Return the port at which it listens."""
    return int(server.sockets[0].getsockname()[1])


async def _run(options: Namespace) -> None:
    options.tls = None
    if options.tls_cert:
        options.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        options.tls.load_cert_chain(options.tls_cert, options.tls_key)
    broker = Broker(options)
    api = Api(broker)
    tcp = await commands.listen(broker, *address(options.tcp_address))
    http = await serve(api.routes(), *address(options.http_address))
    servers = [tcp, http]
    if options.tls and options.https_address:
        where = address(options.https_address)
        servers.append(await serve(api.routes(), *where, options.tls))
    ports = api.ports = port_of(tcp), port_of(http)
    peers = [Registrar(broker, it, ports) for it in options.lookupd_tcp_address]
    broker.registrars.extend(peers)
    tasks = [
        asyncio.ensure_future(it) for it in (broker.scan(), *map(Registrar.run, peers))
    ]
    await until_signal()
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    broker.close()
