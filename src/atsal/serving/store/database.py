"""Connections to the database, and its errors in words."""

import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from atsal.errors import ConfigError, MissingDependencyError, StoreError, install_hint
from atsal.serving.store.tables import METADATA

_WAIT_S = 30  # for another process that writes
_WRITES = "atsal_writes"
_NO_DATABASE = "--database: is no URL of Postgres; expected postgresql+psycopg://USER:PASSWORD@HOST/NAME"


class Database:
    """A database with the tables of the service, for many threads and several processes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for queries. Raises `StoreError`."""
        with _errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection for changes, which are written at the end of the block, all or none.

        Raises `StoreError`; an `IntegrityError` of the block passes.
        """
        with _errors(), self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open a database, and make its tables if they are missing.

    Raises `ConfigError` for a URL that is none, `MissingDependencyError` without the driver, and `StoreError`.
    """
    engine = _make_engine(url)
    database = Database(engine)
    with database.writing() as connection:
        lock_until_end(connection, "tables")  # several servers may start at once
        METADATA.create_all(connection)
    return database


def lock_until_end(connection: Connection, name: str) -> None:
    """Wait until no other transaction that writes has locked this name, and lock it until this one ends.

    In SQLite there is one such transaction at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(zlib.crc32(name.encode()))))


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{path}"


def _make_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if not is_sqlite and parsed.get_backend_name() != "postgresql":
            raise ConfigError(_NO_DATABASE)
        engine = create_engine(parsed, pool_pre_ping=not is_sqlite, pool_size=10, max_overflow=50)
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError(_NO_DATABASE) from error
    except ImportError as error:
        raise MissingDependencyError(f"--database needs a driver: {install_hint('postgres')}") from error
    if is_sqlite:
        _make_private(Path(parsed.database or ""))
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """Make the file so that only its user can read it, also in a folder that others can; SQLite reports problems."""
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_S * 1000}")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # an accepted job survives a power cut


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers not wait for a writer. SQLite does not wait by itself where several processes switch at once."""
    last_s = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last_s:
                raise
            time.sleep(0.05)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """Begin; a transaction that will write takes its lock at once, because SQLite cannot wait for it later."""
    is_writing = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        reason, is_full = _reason(error.orig), _is_full(error.orig)
        raise StoreError(f"the store of jobs cannot be used: {reason}", is_full=is_full) from error
    except SQLAlchemyError as error:  # as a pool of connections that are all in use
        raise StoreError(f"the store of jobs cannot be used: {type(error).__name__}") from error


def _is_full(error: Any) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or type(error).__name__ == "DiskFull"


def _reason(error: Any) -> str:
    """Say in one line what is wrong, without addresses and passwords that a driver may tell."""
    if _is_full(error):
        return "the disk is full; free some space"
    if isinstance(error, sqlite3.Error):
        return f"{error}; check the data folder and its disk"
    return f"the database does not answer as it should ({type(error).__name__}); check the database server"
