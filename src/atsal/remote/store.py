"""Objects in a store such as S3: their facts, ranges of their bytes, and lists of them, through fsspec."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from atsal.errors import AtsalError, MediaError
from atsal.remote.facts import Facts
from atsal.remote.filesystems import filesystem
from atsal.remote.retry import TransientError, changed_error
from atsal.remote.urls import shown_url

NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "TokenRetrievalError")
_LONGEST_REASON = 160  # characters
CREDENTIALS = "the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, …) or ~/.aws"


def look(url: str) -> Facts:
    """Return the facts of an object, or of a prefix, which is a folder.

    Raises FileNotFoundError, `MediaError`, or `TransientError` if it may help to try again.
    """
    return _facts(_call(url, lambda system: system.info(url)))


def open_ranges(url: str, facts: Facts) -> Callable[[int, int], bytes]:
    """Return a function of `start` and `end` that returns those bytes of the version that `facts` describes.

    It may be called from several threads. Both raise as `look`.
    """
    file = _call(url, lambda system: system.open(url, "rb", cache_type="none"))
    if not facts.is_same_version(_facts(getattr(file, "details", {"size": facts.size}))):
        raise changed_error(shown_url(url))
    lock = threading.Lock()

    def read(start: int, end: int, _system: Any) -> bytes:
        with lock:
            file.seek(start)
            content: bytes = file.read(end - start)
        if len(content) != end - start:
            raise TransientError("the connection was cut")
        return content

    return lambda start, end: _call(url, partial(read, start, end))


def list_folder(url: str) -> Iterator[tuple[str, Facts]]:
    """Yield the URL and the facts of each object and folder below a prefix; raises as `look`."""
    entries = _call(url, lambda system: system.ls(url, detail=True))
    own = _key(url)
    return ((_url(url, entry["name"]), _facts(entry)) for entry in entries if _key(entry["name"]) != own)


def list_matches(url: str) -> Iterator[tuple[str, Facts]]:
    """Yield the URL and the facts of each object that a pattern with `*`, `?` or `[…]` matches; raises as `look`."""
    found = _call(url, lambda system: system.glob(url, detail=True))
    return ((_url(url, name), facts) for name, entry in found.items() if not (facts := _facts(entry)).is_folder)


def _call(url: str, action: Callable[[Any], Any]) -> Any:
    """Return the result of an action on the file system; raises as `look`."""
    scheme = url.partition("://")[0].lower()
    try:
        return action(filesystem(scheme))
    except (FileNotFoundError, AtsalError, TransientError):
        raise
    except PermissionError:
        raise MediaError(
            f"{shown_url(url)}: may not be read with these credentials; expected permission to read. Credentials are "
            f"taken from {CREDENTIALS}."
        ) from None
    except Exception as error:  # errors of many types, of fsspec, aiohttp and botocore
        raise _other_error(url, error) from None


def _other_error(url: str, error: Exception) -> Exception:
    name = type(error).__name__
    if name == "FileExpired":
        return changed_error(shown_url(url))
    if name in NO_CREDENTIALS:
        return MediaError(f"{shown_url(url)}: no credentials were found ({name}); set them in {CREDENTIALS}.")
    if isinstance(error, ValueError | TypeError):  # an impossible name of a bucket, an invalid endpoint
        return MediaError(f"{shown_url(url)}: is no URL of an object ({name}); expected s3://BUCKET/KEY.")
    return TransientError(failure_reason(error))


def failure_reason(error: Exception) -> str:
    """Return why a request failed, in the words of the system or of the server, else the name of the error."""
    reason = getattr(error, "strerror", None) or type(error).__name__
    return reason.splitlines()[0][:_LONGEST_REASON] if reason else type(error).__name__


def _facts(entry: Any) -> Facts:
    modified = entry.get("LastModified") or entry.get("created")
    size, is_folder = entry.get("size") or 0, entry.get("type") == "directory"
    return Facts(int(size), entry.get("ETag") or None, str(modified) if modified else None, is_folder=is_folder)


def _key(name: str) -> str:
    return name.partition("://")[2].strip("/") if "://" in name else name.strip("/")


def _url(folder: str, name: str) -> str:
    return f"{folder.partition('://')[0]}://{name.lstrip('/')}"
