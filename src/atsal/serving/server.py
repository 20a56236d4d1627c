"""The server process: uvicorn, which runs the application until a signal."""

import logging
import socket
from types import FrameType

import uvicorn

from atsal.errors import ConfigError
from atsal.serving.app import make_app
from atsal.serving.gate.adding import server_options
from atsal.serving.service import STOP_S, Service

LOG = logging.getLogger("atsal.serving")


class _Server(uvicorn.Server):
    """Tells the service of a signal at once: uvicorn first waits for open connections, as streams of events."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to stop; a second signal does not wait for connections."""
        self._service.stop_soon()
        self.force_exit = self.should_exit
        self.should_exit = True  # and the signal is not raised again at the end: to stop so is no error

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say why the process does not end at once, and stop."""
        LOG.info("stops: gives jobs that run up to %g s; all others go on at the next start", STOP_S)
        await super().shutdown(sockets)


def run_server(service: Service) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises `ConfigError` where the address is taken or not of this machine."""
    service.gate.check()
    config = uvicorn.Config(
        make_app(service),
        log_config=None,
        access_log=False,
        **server_options(service.settings.gate),
        timeout_graceful_shutdown=int(STOP_S),
    )
    with listen(service.settings.host, service.settings.port) as listener:
        host, port = listener.getsockname()[:2]
        address = f"[{host}]" if ":" in host else host
        LOG.info("listens at http://%s:%d/", address, port)
        server = _Server(config, service)
        server.run([listener])
        if not server.started:
            raise ConfigError("the service did not start; its log says why")


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises `ConfigError`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).partition(" (")[0]  # Python repeats the address
        raise ConfigError(
            f"{host}, port {port}: the service cannot listen there ({reason}); give another --host or --port"
        ) from error
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections have it, too; else answers wait 40 ms
    return listener
