import numpy as np
import pytest

from atsal.video.render import COLOURS, MAX_OPACITY, PeakTracker, add_label, comparison, grey_map, overlay, resize, tile


def bump(rows: int = 8, at: tuple[int, int] = (4, 8)) -> np.ndarray:
    saliency = np.zeros((rows, 2 * rows), np.float32)
    saliency[at] = 2.0
    return saliency


def test_colours_grow_evenly_lighter():
    light = COLOURS.astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -1).all()
    assert light[0] < 5
    assert light[-1] > 220


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
    drawn = overlay(image, bump(), 2.0)
    changed = (drawn != image).any(axis=-1)
    assert np.argwhere(changed).tolist() == [[4, 8]]
    np.testing.assert_allclose(drawn[4, 8], 0.25 * image[4, 8] + 0.75 * COLOURS[-1], atol=2)


@pytest.mark.parametrize("height", [63, 64, 65, 150])
def test_an_overlay_has_no_borders_inside(height):
    """It is drawn in bands of rows."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (height, 2 * height, 3), dtype=np.uint8)
    saliency = rng.random((height, 2 * height), dtype=np.float32)
    share = (saliency * 255 + 0.5).astype(np.uint8) / 255 * MAX_OPACITY
    colours = COLOURS[(saliency * 255 + 0.5).astype(np.uint8)]
    expected = share[..., None] * colours + (1 - share[..., None]) * image
    assert np.abs(overlay(image, saliency, 1.0) - expected).max() <= 2


def test_an_overlay_of_nothing_is_the_picture():
    image = np.full((8, 16, 3), 77, np.uint8)
    np.testing.assert_array_equal(overlay(image, np.zeros((4, 8), np.float32), 0.0), image)


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


def test_a_comparison_has_four_panels_of_one_size():
    image = np.full((40, 80, 3), 50, np.uint8)
    maps = {name: (bump(), 2.0) for name in ("attention", "experts", "fused")}
    picture = comparison(image, maps, (64, 32))
    assert picture.shape == (64, 128, 3)
    assert (picture[31, :64] == 50).all()  # the source, unpainted below its label
    assert (picture[14:20, 94:104] != 50).any()  # the map's peak in the panel to its right
