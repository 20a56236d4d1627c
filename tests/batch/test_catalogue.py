import csv
import json
import time
from pathlib import Path

import pytest

from atsal.batch.catalogue import read_catalogue
from atsal.cli.catalogue_columns import option_columns, with_row
from atsal.cli.predict import predict
from atsal.errors import DataError
from atsal.remote.path import as_path

COLUMNS = option_columns(predict)
ROWS = [
    {"path": "clips/a.mp4", "id": "first", "start": "2.5", "format": "npy png", "no-front": "true"},
    {"path": "https://host/b.mp4?sig=hush", "id": "", "start": "", "format": "", "no-front": ""},
    {"path": "/videos/c.mp4", "id": "", "start": "0", "format": "", "no-front": "false"},
]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({key: cell for key, cell in row.items() if cell}) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        arrow = pytest.importorskip("pyarrow", reason="the extra `data` is not installed")
        arrow.parquet = pytest.importorskip("pyarrow.parquet")
        arrow.parquet.write_table(arrow.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_form_gives_the_same_entries(tmp_path, ending):
    entries = read_catalogue(write(tmp_path / f"list.{ending}", ROWS), COLUMNS)
    assert [entry.path for entry in entries] == [
        tmp_path / "clips/a.mp4",
        as_path("https://host/b.mp4?sig=hush"),
        Path("/videos/c.mp4"),
    ]
    assert [entry.id for entry in entries] == ["first", "b", "c"]
    assert [dict(entry.options) for entry in entries] == [
        {"start": 2.5, "format": ("npy", "png"), "no-front": True},
        {},
        {"start": 0.0, "no-front": False},
    ]


def test_a_value_without_end_is_named_in_short(tmp_path):
    path = write(tmp_path / "list.csv", [{"path": "a.mp4", "start": "9" * 20_000}])
    with pytest.raises(DataError, match=r"line 2: column start: .* has 20,000 characters; expected at most 1,000") as e:
        read_catalogue(path, COLUMNS)
    assert len(str(e.value)) < 500


def test_values_of_json_keep_their_kind(tmp_path):
    path = tmp_path / "list.jsonl"
    path.write_text(
        '{"path": "a.mp4", "start": 2, "stream": ["fused", "attention"], "no_front": true, "model": null}\n'
    )
    (entry,) = read_catalogue(path, COLUMNS)
    assert entry.options == {"start": 2.0, "stream": ("fused", "attention"), "no-front": True}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("path,strat\na.mp4,2", "list.csv: unknown column 'strat'; did you mean 'start'?"),
        ("path,output\na.mp4,there", "list.csv: unknown column 'output'"),
        ("path,start\na.mp4,0\nb.mp4,-1", "line 3: column start: -1.0 is not in the range x>=0"),
        ("path,format\na.mp4,npy gif", "line 2: column format: 'gif' is not one of"),
        ("path,size\na.mp4,640x330", "line 2: column size: expected WIDTHxHEIGHT"),
        ("path,no-front\na.mp4,perhaps", "line 2: column no-front: 'perhaps' is not a valid boolean"),
        ("video,start\na.mp4,2", "list.csv: unknown column 'video'"),
        ("id,start\na,2", "not a catalogue file: no column path"),
        ("path,id\n,a", "line 2: column path is empty"),
        ("path\nftp://user:word@host/a.mp4", "line 2: ftp://host/a.mp4 is a URL of ftp"),
        ("path\nx/a.mp4\ny/a.mov", "line 3: id 'a' is that of line 2, too"),
        ("path,id\na.mp4,../b", "line 2: id '../b' is no name for results"),
        ("path,id\na.mp4,.b", "line 2: id '.b' is no name for results"),
        ("path,id\na.mp4,\x1b[31mb", r"line 2: id '\x1b[31mb' is no name for results"),
        ('path,id\na.mp4,"b\nc"', r"line 3: id 'b\nc' is no name for results"),
        ("path;id;start\na.mp4;b;1", "expected commas"),
        ("", "is empty"),
    ],
)
def test_a_mistake_is_named_with_its_row(tmp_path, rows, message):
    path = tmp_path / "list.csv"
    path.write_text(rows)
    with pytest.raises(DataError) as raised:
        read_catalogue(path, COLUMNS)
    assert message in str(raised.value)
    assert "word" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"path": "a.mp4"', "line 2: cannot be read as JSON"),
        ("[1]", "line 2: holds a list"),
        ('{"path": {"a": 1}}', "line 2: path is {'a': 1}"),
        ('{"path": "a\\udcff.mp4"}', r"line 2: id 'a\udcff' is no name"),
        ('{"path": "a.mp4", "strat": 1}', "line 2: unknown column 'strat'; did you mean 'start'?"),
    ],
)
def test_a_wrong_line_of_json_is_named(tmp_path, line, message):
    path = tmp_path / "list.jsonl"
    path.write_text('{"path": "first.mp4"}\n' + line)
    with pytest.raises(DataError) as raised:
        read_catalogue(path, COLUMNS)
    assert message in str(raised.value)


def test_lines_of_json_with_columns_of_their_own_do_not_fill_the_memory(tmp_path):
    path = tmp_path / "list.jsonl"
    path.write_text("".join(json.dumps({"path": f"{row}.mp4", f"column{row}": ""}) + "\n" for row in range(1000)))
    with pytest.raises(DataError, match="line 100: more than 100 columns so far"):
        read_catalogue(path, COLUMNS)


def test_a_long_text_that_many_rows_share_does_not_fill_the_memory(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="the extra `data` is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows, path = 600, tmp_path / "list.parquet"
    shared = arrow.DictionaryArray.from_arrays(arrow.array([0] * rows, arrow.int32()), ["a" * 500_000 + ".mp4"])
    parquet.write_table(arrow.table({"path": shared, "id": [str(row) for row in range(rows)]}), path)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(DataError, match="more than 256 MiB of text"):
        read_catalogue(path, COLUMNS)


def test_ten_thousand_entries_are_read_at_once(tmp_path):
    rows = [
        {"path": f"clips/{number}.mp4", "id": f"clip{number}", "start": str(number / 7), "fps": "5", "model": "lite"}
        for number in range(10_000)
    ]
    path = write(tmp_path / "list.csv", rows)
    started_s = time.process_time()
    entries = read_catalogue(path, COLUMNS)
    assert time.process_time() - started_s < 2
    assert len(entries) == 10_000


def test_a_row_takes_the_place_of_the_command(tmp_path):
    values = {"start_s": 1.0, "duration_s": 5.0, "end_s": None, "stride": 1, "fps": 2.0, "model": "lite"}
    assert with_row(predict, values, {"end": 9.0, "stride": 3}) == {
        "start_s": 1.0,
        "duration_s": None,
        "end_s": 9.0,
        "stride": 3,
        "fps": None,
        "model": "lite",
    }
