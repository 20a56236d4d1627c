import numpy as np
import pytest

from atsal.errors import DataError, ShapeError
from atsal.gaze.readers.saliency_bin import read_saliency_bin, saliency_frame

VALUES = np.arange(3 * 2 * 4, dtype="<f4").reshape(3, 2, 4)  # frames, rows, columns


def test_frames_rows_and_columns_are_in_this_order(tmp_path):
    path = tmp_path / "1_PortoRiverside_4x2x3_32b.bin"
    path.write_bytes(VALUES.tobytes())
    maps = read_saliency_bin(path)
    assert maps.shape == (3, 2, 4)
    assert saliency_frame(maps, 0).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert saliency_frame(maps, 2)[1, 3] == 23
    with pytest.raises(ValueError, match="read-only"):
        maps[0, 0, 0] = 1


@pytest.mark.parametrize("name", ["HEsalmap_50_4x2_32b.bin", "P1_4x2_32b_salmap.bin", "Hsalmap_1_4x2x1_32b.bin"])
def test_an_image_is_one_frame(tmp_path, name):
    (tmp_path / name).write_bytes(VALUES[1].tobytes())
    assert read_saliency_bin(tmp_path / name)[0].tolist() == VALUES[1].tolist()


def test_values_of_64_bits(tmp_path):
    path = tmp_path / "1_a_4x2x3_64b.bin"
    path.write_bytes(VALUES.astype("<f8").tobytes())
    frame = saliency_frame(read_saliency_bin(path), 1)
    assert frame.dtype == np.float32
    assert frame.tolist() == VALUES[1].tolist()


@pytest.mark.parametrize("name", ["maps.bin", "HEsalmap_1_4x2_8b.bin", "1_a_4x2x3_32b.tar.gz", "1_a_4x2_32b.bin.part"])
def test_a_name_without_a_size_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(VALUES.tobytes())
    with pytest.raises(DataError, match="does not give the size"):
        read_saliency_bin(tmp_path / name)


@pytest.mark.parametrize("length", [64, 95, 97, 128])
def test_another_length_is_refused_with_both_numbers(tmp_path, length):
    path = tmp_path / "1_a_4x2x3_32b.bin"
    path.write_bytes(bytes(length))
    with pytest.raises(DataError, match=rf"{length} bytes .* expected 96 for 3 frames of 4x2"):
        read_saliency_bin(path)


def test_no_file_and_no_pixels(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_saliency_bin(tmp_path / "1_a_4x2x3_32b.bin")
    (tmp_path / "1_a_0x2x3_32b.bin").write_bytes(b"")
    with pytest.raises(DataError, match="0 bytes"):
        read_saliency_bin(tmp_path / "1_a_0x2x3_32b.bin")


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5])
def test_a_frame_with_values_that_are_none_is_refused(tmp_path, value):
    values = VALUES.copy()
    values[1, 0, 2] = value
    path = tmp_path / "1_a_4x2x3_32b.bin"
    path.write_bytes(values.tobytes())
    maps = read_saliency_bin(path)
    assert saliency_frame(maps, 2).sum() == 156
    with pytest.raises(DataError, match=r"frame 1 has 1 values .* row 0, column 2"):
        saliency_frame(maps, 1)


@pytest.mark.parametrize("frame", [-1, 3])
def test_a_frame_that_is_not_there(tmp_path, frame):
    path = tmp_path / "1_a_4x2x3_32b.bin"
    path.write_bytes(VALUES.tobytes())
    with pytest.raises(ShapeError, match=f"frame {frame}; expected 0 … 2"):
        saliency_frame(read_saliency_bin(path), frame)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "x_32x32_32b.bin").mkdir()
    with pytest.raises(DataError, match="a folder"):
        read_saliency_bin(tmp_path / "x_32x32_32b.bin")
