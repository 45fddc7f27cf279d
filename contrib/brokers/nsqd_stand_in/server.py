"""Starts and stops an nsqd."""

import asyncio
import signal
import ssl
import sys
from types import SimpleNamespace

from brokers.nsqd_stand_in import flags, settings
from brokers.nsqd_stand_in.api import Api
from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.client import Client
from brokers.nsqd_stand_in.log import Log
from brokers.nsqd_stand_in.registrar import Registrar
from brokers.nsqd_stand_in.web import Handler, Web

_TLS = {
    "tls1.0": ssl.TLSVersion.TLSv1,
    "tls1.1": ssl.TLSVersion.TLSv1_1,
    "tls1.2": ssl.TLSVersion.TLSv1_2,
    "tls1.3": ssl.TLSVersion.TLSv1_3,
}
_POLICIES = {"require": ssl.CERT_REQUIRED, "require-verify": ssl.CERT_REQUIRED}


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    options = flags.parse("nsqd", settings.NSQD, sys.argv[1:])
    if options.version:
        print(f"nsqd stand-in (protocol of nsqd v{settings.VERSION})")
        return
    log = Log(options.log_prefix, options.log_level)
    try:
        asyncio.run(_run(options, log))
    except (OSError, ValueError) as error:
        log.write("fatal", f"failed to instantiate nsqd - {error}")
        raise SystemExit(1) from None


async def until_signal() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


async def _run(options: SimpleNamespace, log: Log) -> None:
    options.tls_required, context = _tls(options)
    log.tell(f"nsqd stand-in v{settings.VERSION}")
    log.tell(f"ID: {options.node_id}")
    broker = Broker(options, log, context)
    loop = asyncio.get_running_loop()
    tcp_address = settings.address(options.tcp_address)
    tcp = await loop.create_server(lambda: Client(broker), *tcp_address)
    webs, servers = await _serve(broker, _port(tcp), options)
    ports = _port(tcp), _port(servers[0])
    peers = [Registrar(broker, it, ports) for it in options.lookupd_tcp_address]
    broker.registrars.extend(peers)
    tasks = [asyncio.ensure_future(it.run()) for it in peers]
    tasks.append(asyncio.ensure_future(broker.scan()))
    for name, server in zip(("TCP", "HTTP", "HTTPS"), (tcp, *servers), strict=False):
        host, port = server.sockets[0].getsockname()[:2]
        log.tell(f"{name}: listening on {host}:{port}")
    await until_signal()
    for server in (tcp, *servers):
        server.close()
    for task in tasks:
        task.cancel()
    for web in webs:
        web.close()
    broker.close()
    log.tell("NSQ: bye")


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def _serve(
    broker: Broker, tcp_port: int, options: SimpleNamespace
) -> tuple[list[Web], list[asyncio.Server]]:
    """Listen for HTTP, and for HTTPS where there is a certificate."""
    https_port = 0

    def refusal() -> bytes:
        text = f'{{"message": "TLS_REQUIRED", "https_port": {https_port}}}'
        return text.encode()

    routes: dict[tuple[str, str], Handler] = {}
    plain = Web(routes, broker.log, refusal if options.tls_required == "true" else None)
    host, port = settings.address(options.http_address)
    servers = [await plain.serve(host, port)]
    routes |= Api(broker, (tcp_port, _port(servers[0]))).routes()
    if broker.tls is None or not options.https_address:
        return [plain], servers
    secure = Web(routes, broker.log)
    host, port = settings.address(options.https_address)
    servers.append(await secure.serve(host, port, broker.tls))
    https_port = _port(servers[1])
    return [plain, secure], servers


def _tls(options: SimpleNamespace) -> tuple[str, ssl.SSLContext | None]:
    """Return whether TLS is required, and how it is done where there is a certificate.

    Raises:
        ValueError: it is required, and there is no certificate.
        OSError: certificate or key cannot be read.
    """
    policy, required = options.tls_client_auth_policy, options.tls_required
    if policy and required == "false":
        required = "true"
    if not (options.tls_cert or options.tls_key):
        if required != "false":
            text = "cannot require TLS client connections without TLS key and cert"
            raise ValueError(text)
        return required, None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = max(_TLS[options.tls_min_version], _TLS["tls1.2"])
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_root_ca_file:
        context.load_verify_locations(options.tls_root_ca_file)
    context.verify_mode = _POLICIES.get(policy, ssl.CERT_NONE)
    return required, context
