"""Which URLs may be read: those below the beginnings that whoever runs the service has listed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from atsal.errors import ConfigError
from atsal.remote.urls import shown_url
from atsal.untrusted.text import short_repr

_PLAIN = re.compile(r"[!-\[\]-~]+")  # ASCII without spaces, controls and backslashes, which clients read differently
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class PlainUrl:
    """A URL in parts that can be compared."""

    scheme: str
    host: str
    port: int
    path: str  # as it is sent
    names: tuple[str, ...]  # of the path, decoded
    query: str

    def is_below(self, other: "PlainUrl") -> bool:
        """Whether scheme, host and port are the same, and the path begins with all names of the other one."""
        same = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same and len(self.names) > len(other.names) and self.names[: len(other.names)] == other.names

    def __str__(self) -> str:
        """Return the URL as it is asked for."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}" + (f"?{self.query}" if self.query else "")


def parse_prefix(text: str) -> PlainUrl:
    """Return the beginning of URLs in an option. Raises `ConfigError`."""
    found = _parse(text)
    if found is None or found.query or not text.endswith("/"):
        raise ConfigError(
            f"--allow-url {short_repr(text)}: is no beginning of URLs; expected https://HOST/ or https://HOST/FOLDER/, "
            "without user, query and fragment, with a slash at the end."
        )
    return found


def allowed_url(text: str, prefixes: Iterable[PlainUrl]) -> PlainUrl:
    """Return a URL that is below one of the prefixes. Raises `ConfigError` for any other."""
    found = _parse(text)
    if found is None or not any(found.is_below(prefix) for prefix in prefixes):
        raise ConfigError(f"{short_repr(shown_url(text))}: this service does not read this URL; --allow-url adds one")
    return found


def _parse(text: str) -> PlainUrl | None:
    """Return the parts of a URL of http or https that every client understands in the same way; None for others."""
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme.lower(), parts.netloc.lower(), parts.port
    except ValueError:
        return None
    host = host.removesuffix(f":{port}")
    if not _PLAIN.fullmatch(text) or scheme not in _PORTS or not _HOST.fullmatch(host) or "#" in text:
        return None
    path = parts.path or "/"
    names = tuple(unquote(name, errors="strict") for name in path[1:].split("/") if name) if _is_utf8(path) else (".",)
    if any(_is_special(name) for name in names) or "//" in path:
        return None
    return PlainUrl(scheme, host, port or _PORTS[scheme], path, names, parts.query)


def _is_utf8(path: str) -> bool:
    try:
        unquote(path, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def _is_special(name: str) -> bool:
    return name in (".", "..") or not name.isprintable() or any(sign in name for sign in "/\\%;")
