"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read strictly."""

import base64
import binascii
import re
from email.utils import formatdate

from starlette.datastructures import Headers

from atsal.serving.problem_types import MALFORMED, TOO_LARGE, WRONG_TYPE, WRONG_VERSION
from atsal.serving.problems import Problem
from atsal.untrusted.text import escape_controls

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
PART_TYPE = "application/offset+octet-stream"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_UNKNOWN = ("upload-concat", "upload-defer-length", "x-http-method-override")
_MOST_METADATA = 4096  # characters
_MOST_NAME = 200  # characters, of a shown name


def check_version(headers: Headers) -> None:
    """Raise `Problem` unless a request speaks this version of tus, and no extension that is not offered."""
    if headers.get("tus-resumable") != VERSION:
        raise Problem(WRONG_VERSION, f"expected Tus-Resumable: {VERSION}", headers={"Tus-Version": VERSION})
    for name in _UNKNOWN:
        if name in headers:
            raise Problem(MALFORMED, f"{name}: is not taken here; the extensions are {EXTENSIONS}")


def check_part(headers: Headers) -> int:
    """Return the offset of a part. Raises `Problem` for a part of another type or without an offset."""
    check_version(headers)
    if headers.get("content-type") != PART_TYPE:
        raise Problem(WRONG_TYPE, f"expected Content-Type: {PART_TYPE}")
    return _number(headers, "upload-offset")


def read_length(headers: Headers, most_bytes: int) -> int:
    """Return the size of a new upload. Raises `Problem` for none, 0, and more than `most_bytes`."""
    check_version(headers)
    size = _number(headers, "upload-length")
    if not 0 < size <= most_bytes:
        kind = TOO_LARGE if size else MALFORMED
        raise Problem(kind, f"Upload-Length: is {size}; expected 1 to {most_bytes} bytes")
    return size


def read_name(headers: Headers) -> str:
    """Return the name of the file in the metadata, to be shown; "" if there is none. Raises `Problem`."""
    text = headers.get("upload-metadata", "")
    if len(text) > _MOST_METADATA:
        raise Problem(MALFORMED, f"Upload-Metadata: is longer than {_MOST_METADATA} characters")
    pairs = [pair.strip().partition(" ") for pair in text.split(",") if pair.strip()]
    values = {key: _decode(value) for key, _, value in pairs}
    if len(values) < len(pairs):
        raise Problem(MALFORMED, "Upload-Metadata: a key is there twice")
    return shown_name(values.get("filename") or values.get("name") or "")


def shown_name(name: str) -> str:
    """Return the last part of a path that a client stated, short, without control characters."""
    return escape_controls(re.split(r"[/\\]", name)[-1].strip()[:_MOST_NAME])


def http_date(time_s: float) -> str:
    """Return a time as HTTP headers state it."""
    return formatdate(time_s, usegmt=True)


def _number(headers: Headers, name: str) -> int:
    text = headers.get(name, "")
    if _NUMBER.fullmatch(text) is None:
        raise Problem(MALFORMED, f"{name}: expected a number of bytes")
    return int(text)


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Problem(
            MALFORMED, "Upload-Metadata: expected `key` and the Base64 of UTF-8, with commas between pairs"
        ) from None
