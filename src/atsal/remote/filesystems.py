"""The file systems of fsspec, one of each kind in a process; those of the program around stay as they are."""

import os
from functools import lru_cache
from typing import Any

from atsal.errors import MissingDependencyError, install_hint
from atsal.remote.retry import CONNECT_TIMEOUT_S, STALL_TIMEOUT_S
from atsal.remote.urls import HTTP


def filesystem(scheme: str, *, tries: int = 1) -> Any:
    """Return fsspec's file system for a scheme; it finds credentials and proxies as its library does.

    `tries` is how often the library itself tries a request. Raises `MissingDependencyError` where it is not installed.
    """
    return _filesystem(scheme, tries, os.getpid())


@lru_cache(maxsize=8)
def _filesystem(scheme: str, tries: int, _process: int) -> Any:  # its connections end at a fork
    try:
        import fsspec  # noqa: PLC0415 - optional

        options = _http_options() if scheme in HTTP else _s3_options(tries) if scheme == "s3" else {}
        system: Any = fsspec.filesystem(scheme, skip_instance_cache=True, **options)
    except ImportError as error:
        raise MissingDependencyError(f"{scheme}:// URLs need another package: {install_hint('cloud')}") from error
    if scheme == "s3":
        system.retries = tries
    return system


def _http_options() -> dict[str, Any]:
    from aiohttp import ClientTimeout  # noqa: PLC0415 - optional

    timeout = ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=STALL_TIMEOUT_S)
    # Nothing is unpacked on arrival: a compressed answer is refused.
    return {"client_kwargs": {"timeout": timeout, "trust_env": True, "auto_decompress": False}}


def _s3_options(tries: int) -> dict[str, Any]:
    timeouts = {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": STALL_TIMEOUT_S}
    # No cache of listings: what another process wrote has to be seen.
    return {"use_listings_cache": False, "config_kwargs": {**timeouts, "retries": {"total_max_attempts": tries}}}
