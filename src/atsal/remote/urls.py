"""URLs: which are read, and how they are shown and recorded, without their secrets."""

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

HTTP = ("http", "https")
STORES = ("s3", "memory")  # of objects, whose keys can be listed; `memory` is fsspec's, for tests
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_URL_INSIDE = re.compile(f"{_SCHEME.pattern}.*", re.DOTALL)
_CHAINED = re.compile(f"::{_SCHEME.pattern}.*", re.DOTALL)  # a URL within a URL, as other programs have them
_HIDDEN = "…"


def url_scheme(text: str) -> str | None:
    """Return the scheme of a URL in small letters; None for any other text."""
    found = _SCHEME.match(text)
    return found and found[1].lower()


def shown_url(url: str) -> str:
    """Return a URL without user, password and fragment, and with the names of its query alone.

    The values of a query can be signatures and tokens of any name. A key in a store may hold any character, so
    there only what comes before an @ in the first part is left out. Of a malformed URL, only the scheme is shown.
    """
    url = _CHAINED.sub(f"::{_HIDDEN}", url)
    scheme, _, rest = url.partition("://")
    if scheme.lower() in STORES:
        bucket, slash, key = rest.partition("/")
        return f"{scheme}://{bucket.rpartition('@')[2]}{slash}{key}"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - an error where a "#" or "/" in the password ends the host
    except ValueError:
        return f"{scheme}://{_HIDDEN}"
    names = [name for name, value in parse_qsl(parts.query) if value.strip("=")]  # a token may end in "=="
    query = "&".join(f"{quote(name)}={_HIDDEN}" for name in names) or (_HIDDEN if parts.query else "")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def without_secrets(text: str) -> str:
    """Return an argument of a command, as `--output=s3://…`, with the URL in it as `shown_url` shows it."""
    return _URL_INSIDE.sub(lambda found: shown_url(found[0]), text)


def file_name(url: str) -> str:
    """Return the last part of a URL's path, or the host where the path is empty, as the name of a file.

    Servers may choose it: "_" stands for slashes, control characters and others that cannot be seen.
    """
    scheme, _, rest = shown_url(url).partition("://")
    is_http = scheme.lower() in HTTP
    name = (rest.partition("?")[0] if is_http else rest).rstrip("/").rpartition("/")[2]
    return "".join(c if c.isprintable() and c not in "/\\" else "_" for c in (unquote(name) if is_http else name))
