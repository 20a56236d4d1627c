"""How many requests a minute a token and an address may make."""

import ipaddress
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from atsal.serving.gate.settings import GateSettings

_MOST_COUNTS = 10_000  # in memory; with more, as in a flood from many networks, all begin anew


class Rates:
    """Counts of this process; each method returns the seconds to wait, 0 if the request may go on.

    Windows are counted, not lists of times: they take little memory, and a clock that jumps back locks nobody out.
    """

    def __init__(self, settings: GateSettings) -> None:
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._requests = RateLimitItemPerMinute(settings.requests_per_minute)
        self._failures = RateLimitItemPerMinute(settings.failures_per_minute)

    def of_address(self, address: str) -> int:
        """Count a request of an address."""
        return self._count(self._requests, "address", network_of(address))

    def of_token(self, token: str) -> int:
        """Count a request with a token."""
        return self._count(self._requests, "token", token)

    def of_failure(self, address: str) -> int:
        """Count a wrong token of an address. A right one is never refused: who shares the address may be honest."""
        return self._count(self._failures, "failures", network_of(address))

    def _count(self, item: RateLimitItemPerMinute, *key: str) -> int:
        if len(self._storage.storage) > _MOST_COUNTS:
            self._storage.reset()
        return 0 if self._limiter.hit(item, *key) else self._wait_s(item, *key)

    def _wait_s(self, item: RateLimitItemPerMinute, *key: str) -> int:
        reset_s = self._limiter.get_window_stats(item, *key).reset_time - time.time()
        return min(max(1, math.ceil(reset_s)), 60)


def network_of(address: str) -> str:
    """Return an IPv4 address, or the network of 64 bits of an IPv6 address: one customer has as many of these."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a socket without address
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
