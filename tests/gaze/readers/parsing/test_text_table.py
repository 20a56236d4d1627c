"""What real text files have beside their rows, and what is no text file."""

import gzip

import pytest

from atsal.errors import DataError
from atsal.gaze.readers.parsing.text_table import read_table

ROWS = "a, b,c\n1,2,3\n4,5,6\n"


@pytest.fixture
def log(tmp_path):
    def write(content):
        path = tmp_path / "log.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("strip", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        ROWS.replace("\n", "\r\n"),
        "\ufeff" + ROWS,
        ROWS.encode("utf-16"),
        gzip.compress(ROWS.encode(), mtime=0),  # whatever its name is
        ROWS.replace("\n", ",\n"),
        ROWS.replace("3\n", "3,,\n").replace("6\n", "6,\n"),
        ROWS.replace("c\n", "c,\n"),
        "\n" + ROWS.replace("\n", "\n \n,,\n,\n,,,,\n") + "\n\n",
        "# recorded in 2017, by hand\n" + ROWS + "# end\n",
        "# recorded in 2017\n# " + ROWS,
        "# Universit\u00e9 de Nantes\n".encode("latin-1") + ROWS.encode(),
        '"a","b","c"\n"1",2,3\n4,5,"6"\n',
        ",a,b,c\n0,1,2,3\n1,4,5,6\n",
        "a,b,c,\n1,2,3,note\n4,5,6,\n",
        "sep=,\n" + ROWS,
    ],
)
def test_what_real_files_have_beside_their_rows(log, strip, content):
    table = read_table(log(content), strip=strip)
    assert list(table.columns) == ["a", "b", "c"]
    assert [table.numbers(name).tolist() for name in "abc"] == [[1, 4], [2, 5], [3, 6]]


def test_lines_are_still_counted_as_editors_do(log):
    table = read_table(log("# one\n\na,b\n# four\n1,2\n"))
    assert table.where(0).endswith("log.csv, line 5")


def test_a_viewer_may_be_called_number_1(log):
    assert read_table(log("who,x\n#1,2\n#2,3\n")).columns["who"] == ("#1", "#2")


@pytest.mark.parametrize("strip", [True, False])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n", "has no rows"),
        (ROWS + "7,8", "line 4: 2 columns, expected 3"),
        (ROWS + "7,8,9,10\n", "line 4: 4 columns, expected 3"),
        (ROWS + "7;8;9\n", "line 4: 1 column, expected 3.*semicolons"),
        (ROWS.replace(",", ";"), "line 1: one column.*separated by semicolons; expected commas"),
        (ROWS.replace(",", "\t"), "line 1: one column.*separated by tabs"),
        ("1,2,2\n3,4,5\n", "line 1: a duplicate column name.*is the header missing"),
        ("a,b,a\n1,2,3\n", "line 1: a duplicate column name"),
        (b"\0" * 100, "not a text file"),
        (bytes(range(128, 256)) * 40, "not a text file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a text file"),
        (gzip.compress(ROWS.encode() * 99, mtime=0)[:-9], "cannot be read to its end"),
    ],
)
def test_what_is_refused(log, strip, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(log(content), strip=strip)
    assert "log.csv" in str(caught.value)


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize("strip", [True, False])
def test_quoted_cells_hold_separators_and_line_ends(log, strip):
    table = read_table(log('who,note\n"Smith, A","two\nlines"\nb,""\nc,x\n'), strip=strip)
    assert table.columns == {"who": ("Smith, A", "b", "c"), "note": ("two\nlines", "", "x")}
    assert [table.where(row).rpartition(" ")[2] for row in range(3)] == ["3", "4", "5"], "the last line of each row"


def test_spaces_around_cells_are_stripped_on_request(log):
    path = log('who, x\n a , "1"\n')
    assert read_table(path).columns == {"who": ("a",), "x": ("1",)}
    assert read_table(path, strip=False).columns["who"] == (" a ",)


def test_blanks_part_whatever_their_number(log):
    table = read_table(log("who   lon lat\na 1     2\n  b    3 4\n"), separator=" ")
    assert table.columns == {"who": ("a", "b"), "lon": ("1", "3"), "lat": ("2", "4")}


def test_whole_numbers_with_gaps(log):
    table = read_table(log("n,m\n12.0,1\n,1\nnan,1\n1.2e1,1.5\n"))
    numbers, given = table.integers_or_missing("n")
    assert (numbers.tolist(), given.tolist()) == ([12, 0, 0, 12], [True, False, False, True])
    with pytest.raises(DataError, match=r"line 5: m is '1\.5', expected a whole number"):
        table.integers_or_missing("m")
