"""Maps and pictures that are written can be read back, and bad ones are refused."""

import numpy as np
import pytest
from PIL import Image

from atsal.errors import ConfigError, OutputError, ShapeError
from atsal.video.image_writer import write_map_npy, write_map_png, write_rgb_png
from atsal.video.writer import VideoWriter


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_unwritable_places_name_the_remedy(tmp_path):
    good = np.zeros((4, 8), np.float32)
    (tmp_path / "file").touch()
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(OutputError, match="folder does not exist; create it"):
        write_map_npy(tmp_path / "none" / "m.npy", good)
    with pytest.raises(OutputError, match="not a folder"):
        write_map_png(tmp_path / "file" / "m.png", good)
    with pytest.raises(OutputError, match="a folder has this name"):
        write_map_npy(tmp_path / "folder.npy", good)
    with pytest.raises(OutputError, match="folder does not exist"):
        VideoWriter(tmp_path / "none" / "o.mp4", (128, 64), 30).__enter__()


def test_maps_as_npy_keep_every_value(tmp_path):
    saliency = np.random.default_rng(0).random((5, 10)).astype(np.float32)
    write_map_npy(tmp_path / "m.npy", saliency)
    back = np.load(tmp_path / "m.npy")
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, saliency)


@pytest.mark.parametrize(("bits", "full"), [(8, 255), (16, 65535)])
def test_maps_as_png(tmp_path, bits, full):
    saliency = np.array([[0, 0.25], [0.5, 2.0]], np.float32)
    write_map_png(tmp_path / "own.png", saliency, bits=bits)
    write_map_png(tmp_path / "peak.png", saliency, bits=bits, peak=0.5)
    write_map_png(tmp_path / "zero.png", saliency * 0, bits=bits)
    own, peak, zero = (read(tmp_path / f"{name}.png") for name in ("own", "peak", "zero"))
    assert own.dtype == (np.uint8 if bits == 8 else np.uint16)
    np.testing.assert_array_equal(own, np.rint(saliency / 2 * full))
    np.testing.assert_array_equal(peak, np.rint(np.minimum(saliency / 0.5, 1) * full))
    assert not zero.any()


def test_bad_maps_are_refused(tmp_path):
    path = tmp_path / "m.png"
    for bad in (np.zeros((2, 2, 3), np.float32), np.zeros((2, 2), np.uint8), np.zeros((0, 2), np.float32)):
        with pytest.raises(ShapeError, match=r"expected floating point of shape \(h, w\)"):
            write_map_png(path, bad)
    for value in (np.nan, np.inf, -1):
        with pytest.raises(ShapeError, match="expected finite"):
            write_map_npy(path, np.array([[0, value]], np.float32))
    with pytest.raises(ConfigError, match="bits is 12"):
        write_map_png(path, np.zeros((2, 2), np.float32), bits=12)
    with pytest.raises(ConfigError, match="peak is 0"):
        write_map_png(path, np.zeros((2, 2), np.float32), peak=0)
    assert not list(tmp_path.iterdir())


def test_rgb_png(clips, tmp_path):
    write_rgb_png(tmp_path / "i.png", clips.picture(9))
    np.testing.assert_array_equal(read(tmp_path / "i.png"), clips.picture(9))
    with pytest.raises(ShapeError, match="RGB"):
        write_rgb_png(tmp_path / "j.png", clips.picture(9)[..., :2])
