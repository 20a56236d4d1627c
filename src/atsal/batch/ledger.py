"""The ledger of a batch: what became of each source, in an SQLite file that can be read while the batch runs.

The results are the truth. A ledger that is lost or damaged is made anew from them.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, get_args

from atsal.errors import OutputError
from atsal.jobs.atomic_write import output_errors

LEDGER = "ledger.sqlite"
State = Literal["waiting", "running", "done", "failed", "set aside"]
_APPLICATION = 0x41545341  # "ATSA", in the header of the file
_WAIT_S = 30.0  # for another process that reads or writes
_MOST_ROWS, _MOST_BYTES = 4_000_000, 2**30  # they are held in memory
_BESIDE = ("-journal", "-wal", "-shm")  # endings of the files that SQLite keeps beside a database
_NAMES_A_FILE = bytes.fromhex("d9d505f920a163d7")  # the last bytes of such a journal, in SQLite's file format


@dataclass(frozen=True)
class Row:
    """What is known of a source."""

    id: str  # the name of its results
    path: str  # without secrets
    state: State = "waiting"
    tries: int = 0  # runs that began it
    reason: str = ""  # why it failed or was set aside
    frames: int = 0  # that have results
    seconds: float = 0.0  # that the last try took
    changed: str = ""  # when the state changed, ISO 8601
    fingerprint: str = ""  # of settings and source, when it ended

    @property
    def is_bad(self) -> bool:
        """Whether it failed or was set aside."""
        return self.state in ("failed", "set aside")


_COLUMNS = [field.name for field in fields(Row)]
_NUMBERS = {"tries": "INTEGER", "frames": "INTEGER", "seconds": "REAL"}
_TYPED = ", ".join(f"{name} {_NUMBERS.get(name, 'TEXT')}" for name in _COLUMNS)
_CREATE = f"CREATE TABLE sources ({_TYPED}, PRIMARY KEY (id))"
_VALUES = ", ".join("?" if name in _NUMBERS else "CAST(? AS TEXT)" for name in _COLUMNS)
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
_PUT = f"INSERT INTO sources VALUES ({_VALUES}) ON CONFLICT (id) DO UPDATE SET {_REPLACED}"  # noqa: S608 - own names
_TYPES = dict.fromkeys(_COLUMNS, "'text'") | dict.fromkeys(_NUMBERS, "'integer'") | {"seconds": "'real'"}
_MOST = 10**15  # of a number: counts go on, and have to stay within 64 bits
_KINDS = [f"typeof({name}) = {kind}" for name, kind in _TYPES.items()]
_ARE_OWN = " AND ".join([*_KINDS, *(f"{name} BETWEEN 0 AND {_MOST}" for name in _NUMBERS)])
_FIND_ODD = f"SELECT 1 FROM sources WHERE NOT ({_ARE_OWN} AND state IN (?, ?, ?, ?, ?)) LIMIT 1"  # noqa: S608 - own names
_GET = f"SELECT {', '.join(_COLUMNS)} FROM sources ORDER BY rowid"  # noqa: S608 - own names


class Ledger:
    """The rows of a batch, by id. Only one process writes them; every change is on the disk at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._rows = {row.id: row for row in _read_rows(connection)}

    @classmethod
    @contextmanager
    def open(cls, path: Path, recover: "Iterable[Row]") -> Iterator[Self]:
        """Open the ledger for writing; one that is lost or damaged is made anew, with the rows of `recover`.

        Raises `OutputError` if it cannot be written, or if the file is another program's.
        """
        if not _is_sound(path):
            with _errors(path), output_errors(path):
                for ending in ("", *_BESIDE):
                    path.with_name(path.name + ending).unlink(missing_ok=True)
                _create(path, recover)
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # much faster; a power cut costs a ledger at most
            yield cls(path, connection)

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order in which they were added."""
        return list(self._rows.values())

    def get(self, name: str) -> Row | None:
        """Return the row of an id."""
        return self._rows.get(name)

    def put(self, *rows: Row) -> None:
        """Add or replace rows."""
        with _errors(self._path), self._connection:
            self._connection.executemany(_PUT, map(_as_values, rows))
        self._rows.update((row.id, row) for row in rows)


def read_ledger(path: Path) -> list[Row] | None:
    """Return the rows of a ledger that another process may be writing; None if it is lost or damaged."""
    if not _is_sound(path):
        return None
    with _errors(path), closing(sqlite3.connect(_read_only(path), uri=True, timeout=_WAIT_S)) as connection:
        return _read_rows(connection)


def count_states(rows: Iterable[Row]) -> Counter[State]:
    """Return the number of sources in each state."""
    counts = Counter(row.state for row in rows)
    return Counter({state: counts[state] for state in get_args(State) if counts[state]})


def now() -> str:
    """Return the time, for `Row.changed`."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


def _as_values(row: Row) -> list[Any]:
    """Return the values of a row, texts as bytes: names of files may hold any."""
    return [os.fsencode(value) if isinstance(value, str) else value for value in astuple(row)]


def _read_rows(connection: sqlite3.Connection) -> list[Row]:
    connection.text_factory = os.fsdecode
    return [Row(*values) for values in connection.execute(_GET)]


def _create(path: Path, rows: Iterable[Row]) -> None:
    with closing(sqlite3.connect(path, timeout=_WAIT_S)) as connection, connection:
        connection.execute("BEGIN")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(_CREATE)
        connection.executemany(_PUT, map(_as_values, rows))


def check_size(path: Path) -> None:
    """Raise `OutputError` for a ledger, perhaps of a store, that has more bytes than fit into memory."""
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise _size_error(path, f"{size >> 20:,} MiB, expected at most {_MOST_BYTES >> 20:,}")


def _is_sound(path: Path) -> bool:
    """Whether there is a ledger that can be used. Raises `OutputError` for a database of another program."""
    if not path.is_file() or not path.stat().st_size or _names_a_file(_journal(path)):
        return False
    check_size(path)
    try:
        with closing(sqlite3.connect(_read_only(path), uri=True, timeout=_WAIT_S)) as connection:
            connection.text_factory = os.fsdecode
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application != _APPLICATION:
                raise OutputError(f"{path}: is a database of another program; choose another folder")
            return _has_own_table(connection) and _has_own_rows(path, connection)
    except (sqlite3.DatabaseError, UnicodeError) as error:  # the latter where a message quotes damaged text
        if isinstance(error, sqlite3.OperationalError):
            raise OutputError(f"{path}: cannot be read: {error}; check the folder") from error
        return False


def _names_a_file(journal: Path) -> bool:
    """Whether a journal is of several databases: it names a file, which SQLite would delete. Ours is of one."""
    if journal.exists() and not journal.is_file():
        return True
    try:
        with journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(_NAMES_A_FILE)))
            return file.read(len(_NAMES_A_FILE)) == _NAMES_A_FILE
    except FileNotFoundError:  # so it is nearly always
        return False


def _journal(path: Path) -> Path:
    real = path.resolve()  # SQLite follows links
    return real.with_name(real.name + _BESIDE[0])


def _has_own_table(connection: sqlite3.Connection) -> bool:
    """Whether it holds one table, ours: the check for damage runs the conditions of a table of others, too."""
    if connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall() != [(_CREATE,)]:
        return False
    return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))


def _has_own_rows(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether its values are of our types. Raises `OutputError` for more of them than fit into memory."""
    (count,) = connection.execute("SELECT count(*) FROM sources").fetchone()
    if count > _MOST_ROWS:
        raise _size_error(path, f"{count:,} rows, expected at most {_MOST_ROWS:,}")
    return connection.execute(_FIND_ODD, get_args(State)).fetchone() is None


def _size_error(path: Path, found: str) -> OutputError:
    return OutputError(f"{path}: has {found}; choose another folder")


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=rw"  # not "ro", which cannot undo what a killed process began


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(f"{path}: cannot be written: {error}; check the folder and its disk") from error
