"""Files that would fill memory: refused while they are read."""

import gzip
import io
import lzma
import os
import tarfile
import zipfile

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.gaze.readers.avtrack360 import read_avtrack360
from atsal.gaze.readers.fixations2d import read_density_maps
from atsal.gaze.readers.parsing import archives, text_rows, text_table
from atsal.gaze.readers.parsing import parquet_columns as parquet_module
from atsal.gaze.readers.parsing.parquet_columns import parquet_columns
from atsal.gaze.readers.parsing.text_table import load_table, read_table
from atsal.untrusted import arrays


def test_a_line_without_end(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1" * 2**22, 1))
    with pytest.raises(DataError, match=r"a\.csv, line 2: longer than 1,048,576 characters"):
        read_table(path)


@pytest.mark.parametrize(("name", "value"), [("_MOST_LINES", 100), ("_MOST_CHARACTERS", 2**10)])
def test_lines_without_end(name, value, tmp_path, monkeypatch):
    monkeypatch.setattr(text_rows, name, value)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000)
    with pytest.raises(DataError, match=r"more than .* lines or .* MiB of text; split it"):
        read_table(path)


def test_values_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(text_table, "MOST_CELLS", 10_000)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 10_000)
    with pytest.raises(DataError, match="more than 10,000 values; split it"):
        read_table(path)


def test_columns_and_names_without_end(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{n}" for n in range(2000)) + "\n")
    with pytest.raises(DataError, match="2,000 columns; expected a table of at most 1,000"):
        read_table(path)
    path.write_text("who\n" + "x" * 5000 + "\n")
    with pytest.raises(DataError, match="who has a name of 5,000 characters"):
        read_table(path).names("who")


def test_no_regular_file_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match="is a pipe"):
        read_table(tmp_path / "a.csv")


def test_parquet_by_what_it_says_of_itself(tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"n": np.zeros(13_000_000, np.int8)}), tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"13,000,000 rows of 1 columns.*expected at most 12,000,000 values"):
        load_table(tmp_path / "rows.parquet")
    texts = arrow.DictionaryArray.from_arrays(np.zeros(50_000, np.int32), ["x" * 2**20])  # 50 GB if each were made
    parquet.write_table(arrow.table({"who": texts}), tmp_path / "texts.parquet")
    assert len(load_table(tmp_path / "texts.parquet").columns["who"][-1]) == 2**20


@pytest.fixture
def archive(tmp_path):
    def write(*members):
        path = tmp_path / "head_rotation.tar.xz"
        with lzma.open(path, "wb", preset=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in members:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return path

    return write


def test_archives_are_bounded_in_each_file_and_in_sum(archive, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_LOG", 2**20)
    monkeypatch.setattr(archives, "_MOST_BYTES", 2**22)
    with pytest.raises(DataError, match=r"2\.json: 2,097,152 bytes; expected the log of one viewer"):
        read_avtrack360(archive(("2.json", b" " * 2**21)))
    for name in ("{}.json", "{}.bin"):  # also of files that nobody asked for
        with pytest.raises(DataError, match="more than 4 MiB when unpacked"):
            read_avtrack360(archive(*((name.format(n), b" " * (2**20 - 512)) for n in range(2, 8))))


def test_names_in_an_archive_are_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_LOG", 2**20)
    path = tmp_path / "head_rotation.tar.xz"
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 2**24
    with lzma.open(path, "wb", preset=0) as packed:
        packed.write(entry.tobuf(tarfile.GNU_FORMAT) + b"a" * 2**24)
    with pytest.raises(DataError, match="MiB when unpacked"):
        read_avtrack360(path)


def test_a_zip_of_little_that_becomes_much(tmp_path):
    with zipfile.ZipFile(tmp_path / "head_rotation.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("2.json", b" " * (2**24 + 1))
    with pytest.raises(DataError, match="16777217 bytes; expected 16777216 at most"):
        read_avtrack360(tmp_path / "head_rotation.zip")


def test_members_that_are_no_files_are_skipped(archive, tmp_path):
    path = tmp_path / "head_rotation.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("2.json", tarfile.SYMTYPE), ("3.json", tarfile.LNKTYPE), ("4.json", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry)
    with pytest.raises(DataError, match="no AVTrack360 JSON files found"):
        read_avtrack360(path)


def test_maps_are_bounded_by_what_the_archive_says(tmp_path, monkeypatch):
    path = tmp_path / "maps.npz"
    np.savez(path, names=np.array(["a"]), maps=np.ones((1, 4, 4), np.uint8))
    assert list(read_density_maps(path).records) == ["a"]
    monkeypatch.setattr(arrays, "MAX_NPZ_BYTES", 100)
    with pytest.raises(DataError, match=r"names\.npy.*132 bytes; expected 100 at most"):
        read_density_maps(path)


def test_a_parquet_column_that_is_shorter_than_stated_is_damage(tmp_path, monkeypatch):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"a": ["1", "2"], "b": ["3", "4"]}), path)
    assert parquet_columns(path, 100) == ({"a": ("1", "2"), "b": ("3", "4")}, 2)
    monkeypatch.setattr("atsal.gaze.readers.parsing.parquet_columns._column", lambda *_: ("1",))
    with pytest.raises(DataError, match="another length than the 2 rows"):
        parquet_columns(path, 100)


@pytest.mark.parametrize("what", ["fixed width", "prefixes", "a false size"])
def test_a_small_parquet_file_of_long_cells(what, tmp_path, monkeypatch):
    """The sizes that it states are those of a repeated cell, or made up."""
    arrow = pytest.importorskip("pyarrow", reason="the extra `data` is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet_module, "_MOST_BYTES", 2**20)
    path, cell, options = tmp_path / "a.parquet", b"1" * 50_000, {"use_dictionary": False}
    values = arrow.array([cell.decode()] * 500)
    if what == "fixed width":
        values, options = arrow.array([cell] * 500, arrow.binary(len(cell))), {}
    elif what == "prefixes":
        options |= {"column_encoding": {"a": "DELTA_BYTE_ARRAY"}}
    parquet.write_table(arrow.table({"a": values}), path, compression="zstd", write_statistics=False, **options)
    if what == "a false size":
        stated = varint(parquet.ParquetFile(path).metadata.row_group(0).total_byte_size)
        path.write_bytes(path.read_bytes().replace(stated, b"\x80" * (len(stated) - 1) + b"\x00"))
    assert path.stat().st_size < 2**14
    assert parquet.ParquetFile(path).metadata.row_group(0).total_byte_size < 2**17
    with pytest.raises(DataError, match="more than 1 MiB of cells; expected short cells"):
        parquet_columns(path, 10**6)


def varint(value):
    """Return a number as the footer of a Parquet file has it."""
    value, written = 2 * value, b""
    while value > 127:
        written, value = written + bytes([value & 127 | 128]), value >> 7
    return written + bytes([value])
