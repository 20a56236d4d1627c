import os
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from atsal.batch.ledger import LEDGER, Ledger, Row, read_ledger
from atsal.errors import OutputError

ROWS = [Row("a", "/in/a.mp4"), Row("b", os.fsdecode(b"/in/\xff.mp4"), "failed", 2, "why", 3, 1.5, "now", "f")]
_ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
_CHANGES = {  # what somebody may do to a ledger of ours
    "other columns": "ALTER TABLE sources DROP COLUMN tries",
    "a trigger": f"CREATE TRIGGER t AFTER INSERT ON sources BEGIN SELECT ({_ENDLESS}); END",
    "a view": f"CREATE VIEW v AS {_ENDLESS}",
    "no number": "UPDATE sources SET seconds = 'x' WHERE id = '7'",
    "no state": "UPDATE sources SET state = NULL WHERE id = '7'",
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
