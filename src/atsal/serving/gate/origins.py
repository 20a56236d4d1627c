"""Which names the service answers to, and which pages may call it.

A page elsewhere reaches a service on the same machine in two ways: it points a name of its own to 127.0.0.1 (DNS
rebinding), or lets the browser send a request whose answer it cannot read. The first shows in `Host`, the second in
`Origin` and `Sec-Fetch-Site`, which pages cannot set.
"""

import ipaddress
import re

from starlette.datastructures import Headers

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::[0-9]{1,5})?")
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SIMPLE_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_loopback(host: str) -> bool:
    """Whether a server that listens at `host` is reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def answered_names(host: str, names: tuple[str, ...]) -> frozenset[str] | None:
    """Return the names that `Host` may state, for a server that listens at `host`; None for any."""
    if is_loopback(host):
        return _LOOPBACK_NAMES | {name.lower() for name in names}
    return frozenset(name.lower() for name in names) or None


def is_answered(stated: str, names: frozenset[str] | None) -> bool:
    """Whether a `Host` header is well formed, and states one of the names, with any port."""
    found = _HOST.fullmatch(stated)
    return found is not None and (names is None or found[1].lower() in names)


def is_origin(text: str) -> bool:
    """Whether a text is the origin of a page, as browsers write it: "https://host" or "http://host:8080"."""
    return _ORIGIN.fullmatch(text) is not None


def is_foreign(headers: Headers, origins: tuple[str, ...]) -> bool:
    """Whether a browser says that a page from elsewhere makes this request; pages of `origins` may."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    return origin not in origins and origin.partition("://")[2] != headers.get("host")


def is_of_a_form(headers: Headers) -> bool:
    """Whether the type of the content is one that any page may send anywhere without asking first."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() in _SIMPLE_TYPES
