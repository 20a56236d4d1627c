import struct
import zipfile

import numpy as np
import pytest

from atsal.errors import DataError
from atsal.untrusted.arrays import open_npy, read_npz
from atsal.untrusted.files import ErrorFactory

BLAME = ErrorFactory(DataError, "a.npy", "write it again")


def header(text, version=(1, 0), content=b"\0" * 64):
    text = text.encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + content


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)),
        np.array(3.5),
        np.zeros((0, 3)),
        np.array([1, 256], ">i4"),
        np.array([True, False]),
    ],
)
def test_what_numpy_saved_comes_back(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    found = open_npy(tmp_path / "a.npy", BLAME)
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.savez_compressed(tmp_path / "a.npz", one=array, two=[1, 2])
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", ["two", "one"], BLAME)["one"], array)


def test_later_versions_of_the_header(tmp_path):
    (tmp_path / "a.npy").write_bytes(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 8)}", (2, 0)))
    assert open_npy(tmp_path / "a.npy", BLAME).shape == (2, 8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"\x93NUMPY\1\0", "EOF"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999, 99999)}"), "cut short"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 9)}"), "72 bytes .* the file has 64"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -8)}"), r"has the shape \(-2, -8\)"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2.5, 2)}"), "shape"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (True, 2)}"), "shape"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9999999999999999)}"), "shape"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}"), "expected plain numbers"),
        (header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}"), "expected plain numbers"),
        (header("{'descr': '<f4', 'fortran_order': False"), "cannot be read"),
        (header("(" * 900), "cannot be read"),
        (header("-" * 900 + "1"), "cannot be read"),
        (header("x" * 5000), "cannot be read"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 8)}", (3, 0)), "version 3.0"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff" + b" " * 5000, "cannot be read"),
    ],
)
def test_what_is_refused(tmp_path, content, message):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match=rf"(?s)^a\.npy: .*{message}.*; write it again$"):
        open_npy(tmp_path / "a.npy", BLAME)


def test_an_archive_under_the_name_of_an_array(tmp_path):
    np.savez(tmp_path / "a.npz", maps=np.zeros(3))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(DataError, match=r"it is an \.npz archive; expected one array"):
        open_npy(tmp_path / "a.npy", BLAME)


def test_arrays_of_an_archive_are_bounded(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}"))
    with pytest.raises(DataError, match=r"its array a cannot be read .*expected plain numbers"):
        read_npz(tmp_path / "a.npz", ["a"], BLAME)
    with pytest.raises(DataError, match=r"its member 'b\.npy' cannot be read \(no such member\)"):
        read_npz(tmp_path / "a.npz", ["b"], BLAME)
