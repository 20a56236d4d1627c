"""The settings of the gate."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class GateSettings:
    """Who may connect from where, how much they may send, and how fast they must be."""

    host_names: tuple[str, ...] = ()  # other names by which the service is asked, as behind a proxy
    proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For and X-Forwarded-Proto are believed
    origins: tuple[str, ...] = ()  # of pages elsewhere that may call the service: "https://host"
    requests_per_minute: int = 6000  # of a token, and of an address
    failures_per_minute: int = 20  # wrong tokens of an address
    connections: int = 1000  # at a time
    connections_per_address: int = 200  # at a time; not of proxies
    head_bytes: int = 16384  # the request line and all headers
    head_s: float = 10.0  # that they may take
    body_bytes: int = 65536  # of a request without a file
    image_bytes: int = 64 * MIB
    idle_s: float = 20.0  # that a client may pause while it sends a body
    least_bytes_per_s: int = 1024  # of a body, after `idle_s`
    read_s: float = 60.0  # that a client may take to read the next 48 KiB of an answer
