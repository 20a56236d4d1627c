import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.parsing.checked_table import CheckedTable, RowFilter
from atsal.gaze.readers.parsing.position_checks import PositionRange, degrees, fractions
from atsal.gaze.readers.parsing.text_table import read_table


def rows_of(count):
    return RowFilter(count, lambda row: f"log, row {row}")


def drops(rows):
    return [(drop.reason, drop.count, drop.first) for drop in rows.result(None).drops]


def test_a_row_is_dropped_once():
    rows = rows_of(4)
    rows.drop(np.array([False, True, True, False]), "first reason")
    rows.drop(np.array([False, False, True, True]), "second reason")
    rows.drop(np.zeros(4, bool), "third reason")
    assert rows.rows.tolist() == [0]
    assert drops(rows) == [("first reason", 2, "log, row 1"), ("second reason", 1, "log, row 3")]


def test_only_used_rows_of_the_same_recording_count_as_earlier():
    rows = rows_of(6)
    rows.drop(np.array([False, True, False, False, False, False]), "bad")
    rows.drop_backward(np.array([1.0, 9, 2, 0, 5, 4]), "back", np.array([1, 1, 1, 2, 2, 2]))
    assert rows.rows.tolist() == [0, 2, 3, 4]


def test_positions_are_clipped_within_rounding_and_lost_rows_need_none():
    rows = rows_of(5)
    x, _ = rows.check_positions(
        np.array([0.5, 1 + 5e-7, np.nan, np.nan, 2.0]),
        np.full(5, 0.5),
        fractions(),
        lost=np.array([False, False, False, True, False]),
    )
    assert x[:2].tolist() == [0.5, 1.0]
    assert rows.rows.tolist() == [0, 1, 3]
    assert [reason for reason, _, _ in drops(rows)] == ["no position (a lost sample)", "position outside the frame"]


@pytest.mark.parametrize(
    ("x", "y", "allowed", "message"),
    [
        ([2, 0.5, 3], [0.5] * 3, fractions(("u", "v")), r"row 0: position 2, 0\.5; 2 of 3 .* u from 0 to 1 and v from"),
        (np.arange(9) * 9.0, np.arange(9) * 20.0, degrees(("lon", "lat")), "lat reaches from 0 to 160.*exchanged"),
        (np.arange(60) / 60, np.arange(60) / 60, degrees(("lon", "lat")), "all 60 positions lie within .*radians"),
    ],
)
def test_positions_that_contradict_their_range_are_refused(x, y, allowed, message):
    with pytest.raises(DataError, match=message):
        rows_of(len(x)).check_positions(np.array(x, float), np.array(y, float), allowed)


def test_any_share_outside_may_be_dropped_where_another_check_decides():
    rows = rows_of(2)
    rows.check_positions(np.array([500.0, 0]), np.zeros(2), degrees(("lon", "lat")), most_outside=None)
    assert rows.rows.tolist() == [1]


def test_a_resting_head_is_no_placeholder():
    x = np.r_[np.zeros(100), np.linspace(60.5, 90.5, 100)][np.arange(200) * 101 % 200]
    heads, eyes = rows_of(200), rows_of(200)
    for rows, only_heads in ((heads, True), (eyes, False)):
        rows.check_positions(x, x * 0, PositionRange((-180, 180), (-90, 90), "degrees"), only_heads=only_heads)
    assert (len(heads.rows), len(eyes.rows)) == (200, 100)


def test_a_strict_table_refuses_what_others_drop(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("who,t,f,x,y\n a ,0,1,10,20\nb,-1,0,10,200\n,,nan,,\n")
    table = read_table(path, strip=False)
    lenient = CheckedTable(table)
    assert lenient.names("who", "observer").tolist() == ["a", "b", ""]
    lenient.times("t")
    assert lenient.frames("f", first=1)[0] == 0
    lenient.positions(degrees(("x", "y")), most_outside=None)
    assert drops(lenient) == [("no observer", 1, f"{path}, line 4"), ("time below 0", 1, f"{path}, line 3")]
    strict = CheckedTable(table, strict=True)
    for read, message in (
        (lambda: strict.names("who", "observer"), "line 4: who is 'empty', expected a name"),
        (lambda: strict.times("t"), "line 4: t is 'empty', expected a number"),
        (lambda: strict.frames("f", first=1), "line 4: f is 'nan', expected a frame, counted from 1"),
        (lambda: strict.positions(degrees(("x", "y"))), "line 4: x is 'empty', expected a number from -180 to 180"),
    ):
        with pytest.raises(DataError, match=message):
            read()
    lost = np.array([False, True, True])
    x, y = strict.positions(degrees(("x", "y")), lost=lost)
    assert (x[:2].tolist(), y[0], np.isnan(y[1:]).all()) == ([10, 10], 20, True)
