import os
import sqlite3
import struct
from contextlib import closing
from dataclasses import replace

import pytest

from atsal.batch import ledger as ledger_module
from atsal.batch.destination import open_destination
from atsal.batch.ledger import LEDGER, Ledger, Row, read_ledger
from atsal.errors import OutputError
from atsal.remote.path import as_path

ROWS = [Row("a", "/in/a.mp4"), Row("b", os.fsdecode(b"/in/\xff.mp4"), "failed", 2, "why", 3, 1.5, "now", "f")]
_ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
_CHANGES = {  # what somebody may do to a ledger of ours
    "other columns": "ALTER TABLE sources DROP COLUMN tries",
    "a trigger": f"CREATE TRIGGER t AFTER INSERT ON sources BEGIN SELECT ({_ENDLESS}); END",
    "a view": f"CREATE VIEW v AS {_ENDLESS}",
    "no number": "UPDATE sources SET seconds = 'x' WHERE id = '7'",
    "no state": "UPDATE sources SET state = NULL WHERE id = '7'",
    "a count at its end": "UPDATE sources SET tries = 9223372036854775807 WHERE id = '7'",
    "a time without end": "UPDATE sources SET seconds = 9e999 WHERE id = '7'",
}


def test_rows_stay_in_their_order_and_hold_any_name(tmp_path):
    with Ledger.open(tmp_path / LEDGER, []) as ledger:
        ledger.put(*ROWS)
        ledger.put(replace(ROWS[0], state="running"))
        assert read_ledger(tmp_path / LEDGER) == ledger.rows  # while it is open
    with Ledger.open(tmp_path / LEDGER, []) as ledger:
        assert ledger.rows == [replace(ROWS[0], state="running"), ROWS[1]]


@pytest.mark.parametrize("damage", ["lost", "cut", "empty", "nonsense", "text", *_CHANGES])
def test_a_lost_or_damaged_ledger_is_made_anew(tmp_path, damage):
    path = tmp_path / LEDGER
    with Ledger.open(path, []) as ledger:
        ledger.put(*(Row(str(number), "x" * 500) for number in range(100)))
    if damage == "lost":
        path.unlink()
    elif damage in _CHANGES:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(_CHANGES[damage])
    else:
        data = path.read_bytes()
        path.write_bytes(
            {
                "cut": data[:9000],
                "empty": b"",
                "nonsense": b"no database" * 99,
                "text": data.replace(b"CREATE", b"CR\xff\xffTE"),
            }[damage]
        )
    assert read_ledger(path) is None
    with Ledger.open(path, ROWS) as ledger:
        assert ledger.rows == ROWS


def test_the_database_of_another_program_stays(tmp_path):
    with closing(sqlite3.connect(tmp_path / LEDGER)) as connection, connection:
        connection.execute("CREATE TABLE mine (a)")
    with pytest.raises(OutputError, match="another program"), Ledger.open(tmp_path / LEDGER, []):
        pass


@pytest.mark.parametrize("is_link", [False, True])
def test_a_journal_beside_a_ledger_deletes_no_other_file(tmp_path, is_link):
    """SQLite deletes the file that the journal of several databases names at its end."""
    path, precious, real = tmp_path / LEDGER, tmp_path / "precious.txt", tmp_path / "real.sqlite"
    precious.write_text("mine")
    with Ledger.open(path, []) as ledger:
        ledger.put(*ROWS)
    write_journal_naming(precious, real if is_link else path, path.read_bytes())
    if is_link:
        path.rename(real)
        path.symlink_to(real)
    assert read_ledger(path) is None
    with Ledger.open(path, ROWS) as ledger:
        assert ledger.rows == ROWS
    assert precious.read_text() == "mine"


def write_journal_naming(other, path, content):
    """Write a journal that SQLite would play back, as its file format says, with `other` as its super-journal."""
    magic, name, page = bytes.fromhex("d9d505f920a163d7"), os.fsencode(other), struct.unpack(">H", content[16:18])[0]
    head = (magic + struct.pack(">5I", 1, 0, len(content) // page, 512, page)).ljust(512, b"\0")
    first = content[:page]
    record = struct.pack(">I", 1) + first + struct.pack(">I", sum(first[place] for place in range(page - 200, 0, -200)))
    end = struct.pack(">I", 2**30 // page + 1) + name + struct.pack(">2I", len(name), sum(name)) + magic
    path.with_name(f"{path.name}-journal").write_bytes(head + record + end)


def test_the_conditions_of_a_table_of_others_do_not_run(tmp_path):
    path = tmp_path / LEDGER
    with Ledger.open(path, ROWS):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        (created,) = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchone()
        runs = f"{created[:-1]}, CHECK (abs(-9223372036854775807 - 1)))"  # an error, where it runs
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'sources'", [runs])
    assert read_ledger(path) is None


def test_a_ledger_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / LEDGER
    with Ledger.open(path, ROWS):
        pass
    monkeypatch.setattr(ledger_module, "_MOST_ROWS", 1)
    with pytest.raises(OutputError, match="has 2 rows, expected at most 1; choose another folder"):
        read_ledger(path)
    with path.open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(OutputError, match=r"has 1,048,576 MiB, expected at most 1,024"):
        read_ledger(path)


def test_a_ledger_in_a_store_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    fsspec = pytest.importorskip("fsspec", reason="the extra `cloud` is not installed")
    fsspec.filesystem("memory").pipe("/large/maps/ledger.sqlite", bytes(100_000))
    monkeypatch.setenv("ATSAL_HOME", str(tmp_path))
    monkeypatch.setattr(ledger_module, "_MOST_BYTES", 50_000)
    with pytest.raises(OutputError, match=r"memory://large/maps/ledger\.sqlite: has 0 MiB, expected at most 0"):
        open_destination(as_path("memory://large/maps")).begin()
    assert not list(tmp_path.rglob("*.sqlite"))
