"""A lock on a prefix in a store, where the system has none: an object that says who writes there, and since when.

Its first writer has it, because a store refuses to create an object that is there. Unlike the lock on a folder, it
stays when its run is killed. So each owner has an id that only one run has at a time: with it, the next run goes on.
"""

import dataclasses
import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Self

from atsal.errors import OutputError
from atsal.jobs.storage import STORE_TRIES, store_errors
from atsal.remote.filesystems import filesystem
from atsal.remote.urls import shown_url, url_scheme
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import parse_json
from atsal.untrusted.text import short_repr

LOCK = ".atsal-lock"
_REFRESH_S = 60.0
_MOST_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class _Holder:
    """What the object says."""

    owner: str
    host: str
    process: int
    since: str
    seen: str  # when it last refreshed this

    @classmethod
    def new(cls, owner: str) -> Self:
        now = _now()
        return cls(owner, socket.gethostname(), os.getpid(), now, now)


@contextmanager
def lock_store(url: str, owner: str) -> Iterator[None]:
    """Lock the prefix `url` against runs on other machines during the block.

    Only one run at a time may have the id `owner`; a lock with this id is of a run that was killed, and is taken over.
    Raises `OutputError` if another run holds the lock, or if the store cannot be written.
    """
    lock = _StoreLock(url, owner)
    lock.acquire()
    stopped = Event()
    thread = Thread(target=lock.refresh_until, args=(stopped,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        with suppress(OutputError):  # the store may be out of reach; the same machine can go on nevertheless
            lock.release()


class _StoreLock:
    def __init__(self, url: str, owner: str) -> None:
        self._url = f"{url.rstrip('/')}/{LOCK}"
        self._shown = shown_url(self._url)
        self._system = filesystem(url_scheme(url) or "", tries=STORE_TRIES)
        self._own = _Holder.new(owner)

    def acquire(self) -> None:
        """Take the lock. A store may ignore the condition: so look before, and after, when the last writer has it."""
        with store_errors(self._shown):
            self._refuse_others(self._read())
            if not self._create():
                self._refuse_others(self._read())
                self._write()
            self._refuse_others(self._read())

    def refresh_until(self, stopped: Event) -> None:
        """Say now and then that the run goes on, while the lock is its own."""
        while not stopped.wait(_REFRESH_S):
            with suppress(OutputError), store_errors(self._shown):
                if not self._is_own():
                    return  # somebody removed it
                self._own = dataclasses.replace(self._own, seen=_now())
                self._write()

    def release(self) -> None:
        with store_errors(self._shown):
            if self._is_own():
                self._system.rm_file(self._url)

    def _create(self) -> bool:
        """Write the object unless it is there; return whether it was written."""
        try:
            self._write(mode="create")
        except OSError as error:
            if error.errno == errno.ENOSYS:  # a store that knows no conditions
                return False
            if self._read() is None:  # not every store says in its error that this is the reason
                raise
            return False
        return True

    def _write(self, **how: Any) -> None:
        self._system.pipe_file(self._url, json.dumps(dataclasses.asdict(self._own)).encode(), **how)

    def _read(self) -> _Holder | None:
        try:
            content = self._system.cat_file(self._url, start=0, end=_MOST_BYTES)
        except FileNotFoundError:
            return None
        make_error = ErrorFactory(OutputError, self._shown, "remove it if no run writes there")
        found = parse_json(content, make_error)
        try:
            return _Holder(**found)
        except TypeError as error:
            raise make_error("is no lock of atsal") from error

    def _is_own(self) -> bool:
        found = self._read()
        return found is not None and found.owner == self._own.owner

    def _refuse_others(self, found: _Holder | None) -> None:
        if found is not None and found.owner != self._own.owner:
            raise OutputError(
                f"{self._shown.removesuffix(LOCK).rstrip('/')}: another run is writing to it: process "
                f"{short_repr(found.process)} on {short_repr(found.host)}, since {short_repr(found.since)}, last seen "
                f"{short_repr(found.seen)}. Wait until it ends, or stop it. If it was killed, run the same command on "
                f"that machine, or remove {self._shown}"
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(" ", timespec="seconds").replace("+00:00", " UTC")
