import numpy as np
import pytest

from atsal.video.colormaps import COLORMAPS
from atsal.video.render import (
    PeakTracker,
    add_label,
    colour_table,
    draw_legend,
    grey_map,
    overlay,
    resize,
    tile,
)

INFERNO = colour_table("inferno")


def bump(rows: int = 8, at: tuple[int, int] = (4, 8)) -> np.ndarray:
    saliency = np.zeros((rows, 2 * rows), np.float32)
    saliency[at] = 2.0
    return saliency


@pytest.mark.parametrize("name", sorted(set(COLORMAPS) - {"grey"}))
def test_the_colours_are_those_of_matplotlib(name):
    matplotlib = pytest.importorskip("matplotlib")
    expected = matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
    assert np.abs(colour_table(name) - expected).max() <= 6


@pytest.mark.parametrize("name", sorted(set(COLORMAPS) - {"turbo"}))
def test_colours_grow_evenly_lighter(name):
    light = colour_table(name).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -1).all()
    assert light[-1] - light[0] > 150


def test_levels_reach_from_nothing_to_the_peak():
    found = grey_map(np.array([[0.0, 1.0, 2.0, 9.0]], np.float32), 2.0, (4, 1))[..., 0]
    assert found.tolist() == [[0, 128, 255, 255]]


def test_levels_have_no_seam_at_the_border():
    saliency = np.zeros((4, 8), np.float32)
    saliency[:, 0] = 1  # the brightest column touches the border from the right only
    found = grey_map(saliency, 1.0, (64, 4))[..., 0].astype(int)
    np.testing.assert_array_equal(found[:, 0:4], found[:, 4:8][:, ::-1])  # as bright to either side of its centre
    assert (found[:, -1] > 60).all()
    assert np.abs(found[:, 0] - found[:, -1]).max() <= np.abs(np.diff(found, axis=1)).max()


def test_grey_has_the_size_asked_for():
    picture = grey_map(bump(), 2.0, (32, 16))
    assert (picture.shape, picture.dtype) == ((16, 32, 3), np.uint8)
    assert picture.max() > 100
    assert (picture[..., 0] == picture[..., 2]).all()


def test_an_overlay_leaves_the_picture_where_the_map_is_zero():
    image = np.random.default_rng(1).integers(0, 255, (8, 16, 3), dtype=np.uint8)
    drawn = overlay(image, bump(), 2.0, INFERNO, 0.75)
    changed = (drawn != image).any(axis=-1)
    assert np.argwhere(changed).tolist() == [[4, 8]]
    np.testing.assert_allclose(drawn[4, 8], 0.25 * image[4, 8] + 0.75 * INFERNO[-1], atol=2)


@pytest.mark.parametrize("height", [63, 64, 65, 150])
def test_an_overlay_has_no_borders_inside(height):
    """It is drawn in bands of rows."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (height, 2 * height, 3), dtype=np.uint8)
    saliency = rng.random((height, 2 * height), dtype=np.float32)
    share = (saliency * 255 + 0.5).astype(np.uint8) / 255 * 0.6
    colours = INFERNO[(saliency * 255 + 0.5).astype(np.uint8)]
    expected = share[..., None] * colours + (1 - share[..., None]) * image
    assert np.abs(overlay(image, saliency, 1.0, INFERNO, 0.6) - expected).max() <= 2


def test_an_overlay_of_nothing_is_the_picture():
    image = np.full((8, 16, 3), 77, np.uint8)
    np.testing.assert_array_equal(overlay(image, np.zeros((4, 8), np.float32), 0.0, INFERNO, 0.75), image)


def test_the_peak_follows_slowly_and_is_never_zero():
    tracker = PeakTracker(memory=0.5)
    assert tracker.update(bump()) == 2.0
    assert tracker.update(np.zeros((2, 4), np.float32)) == 1.0
    assert tracker.update(np.zeros((2, 4), np.float32)) == 0.5
    assert PeakTracker().update(np.zeros((2, 4), np.float32)) > 0


def test_a_label_leaves_the_original_alone():
    image = np.full((64, 128, 3), 128, np.uint8)
    written = add_label(image, "experts")
    assert (image == 128).all()
    changed = np.argwhere((written != image).any(axis=-1))
    assert len(changed) > 50
    assert changed[:, 0].max() < 32


def test_resize_averages_and_keeps_the_same_size():
    image = np.zeros((4, 8, 3), np.uint8)
    image[::2] = 200
    assert resize(image, (8, 4)) is image
    assert resize(image, (4, 2)).mean() == pytest.approx(100, abs=2)


def test_tiles_go_row_by_row():
    pictures = [np.full((2, 4, 3), value, np.uint8) for value in (1, 2, 3, 4)]
    found = tile(pictures, 2)
    assert found[::2, ::4, 0].tolist() == [[1, 2], [3, 4]]


def test_tiles_are_parted_in_both_directions():
    found = tile([np.zeros((2, 4, 3), np.uint8)] * 4, 2, gap=2)
    assert found.shape == (6, 10, 3)
    white = (found == 255).all(axis=-1)
    assert white[2:4].all()
    assert white[:, 4:6].all()
    assert white.sum() == 6 * 10 - 4 * 2 * 4


@pytest.mark.parametrize("size", [(200, 400), (16, 32)])
def test_a_legend_is_in_the_lower_left_corner(size):
    image = np.full((*size, 3), 200, np.uint8)
    draw_legend(image, INFERNO, 0.75, "none", "7 times the average")
    assert (image[-1, 0] == 0).all()
    changed = np.argwhere((image != 200).any(axis=-1))
    assert changed[:, 0].min() >= size[0] - 24
    if size[0] > 16:
        last = 0.25 * 128 + 0.75 * INFERNO[-1]  # as the peak looks over a grey picture
        assert np.abs(image[-12].astype(float) - last).max(axis=-1).min() <= 3
        assert (image[:, 300:] == 200).all()
