import numpy as np
import pytest
import torch

import atsal
from atsal.errors import ConfigError, ShapeError
from atsal.prediction.overlay import Overlay
from atsal.video.render import colour_table

SALIENCY = np.array([[0.0, 1.0, 2.0, 4.0], [4.0, 2.0, 1.0, 0.0]], np.float32)
IMAGE = np.random.default_rng(1).integers(0, 255, (2, 4, 3), dtype=np.uint8)
WARM = [(142, 96, 53), (186, 140, 88), (110, 62, 30), (205, 170, 125), (160, 82, 45), (222, 184, 135)]  # wood


def lab(rgb):
    """CIE L*a*b* of sRGB colours (N, 3) in [0, 255], white D65."""
    linear = np.where(rgb <= 0.04045 * 255, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(linear @ matrix.T / [0.9505, 1, 1.089])
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def smallest_change(colormap):
    """How much walls of wood change, at least, where the map is at half of its peak or more."""
    walls = np.array(WARM, np.uint8)[:, None].repeat(11, 1)
    levels = np.tile(np.linspace(0, 1, 11, dtype=np.float32), (len(walls), 1))
    drawn = atsal.overlay(walls, levels, colormap=colormap)
    np.testing.assert_array_equal(drawn[:, 0], walls[:, 0])
    return min(
        np.linalg.norm(lab(drawn[:, column].astype(float)) - lab(walls[:, 0].astype(float)), axis=1).min()
        for column in range(5, 11)
    )


def test_the_default_colours_show_on_wood():
    """The orange of inferno is that of wood."""
    assert smallest_change(Overlay().colormap) > 20
    assert smallest_change("inferno") < 15


@pytest.mark.parametrize(("peak", "shown"), [(None, 4.0), (8.0, 8.0)])
def test_the_colours_are_mixed_in_proportion_to_the_map(peak, shown):
    drawn = atsal.overlay(IMAGE, SALIENCY, colormap="viridis", opacity=0.5, peak=peak)
    share = SALIENCY / shown
    colours = colour_table("viridis")[np.rint(share * 255).astype(int)]
    expected = IMAGE + 0.5 * share[..., None] * (colours - IMAGE.astype(float))
    assert np.abs(drawn - expected).max() <= 2
    assert drawn.dtype == np.uint8


def test_bgr_in_is_bgr_out():
    drawn = atsal.overlay(IMAGE[..., ::-1], SALIENCY, channels="bgr")
    np.testing.assert_array_equal(drawn[..., ::-1], atsal.overlay(IMAGE, SALIENCY))
    assert drawn.flags.c_contiguous  # OpenCV draws on nothing else


def test_maps_of_other_sizes_types_and_libraries_are_taken():
    image = np.full((64, 128, 3), 90, np.uint8)
    expected = atsal.overlay(image, SALIENCY)
    assert expected.shape == image.shape
    np.testing.assert_array_equal(atsal.overlay(image, SALIENCY.astype(np.float64)), expected)
    np.testing.assert_array_equal(atsal.overlay(torch.from_numpy(image), torch.from_numpy(SALIENCY)), expected)
    assert (image == 90).all()


def test_the_legend_compares_the_peak_with_gaze_spread_evenly(monkeypatch):
    texts = []
    monkeypatch.setattr("atsal.video.render.draw_legend", lambda _i, _c, _o, low, high: texts.append((low, high)))
    peaked = np.ones((8, 16), np.float32)
    peaked[0, 0] = 40.0  # near the pole, where a pixel covers little: its weight in the mean is small
    row = np.cos((0.5 - (np.arange(8) + 0.5) / 8) * np.pi)
    mean = 1 + 39 * row[0] / (16 * row.sum())
    for saliency in (peaked, np.ones((8, 16), np.float32), np.zeros((8, 16), np.float32)):
        atsal.overlay(np.zeros((32, 64, 3), np.uint8), saliency, legend=True)
    assert texts == [
        ("predicted gaze: none", f"{40 / mean:.0f} times the average"),
        ("predicted gaze: none", "1.0 times the average"),
        ("predicted gaze: none", "0.0 times the average"),
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"colormap": "turb"}, ConfigError, "did you mean 'turbo'"),
        ({"opacity": 1.5}, ConfigError, r"opacity 1.5: expected 0 \(invisible\) to 1"),
        ({"opacity": float("nan")}, ConfigError, "opacity nan"),
        ({"peak": 0.0}, ConfigError, "peak 0.0: expected a value of the map above 0"),
        ({"channels": "gbr"}, ConfigError, "channels 'gbr'"),
        ({"saliency": SALIENCY - 1}, ShapeError, "values from -1.0"),
        ({"saliency": SALIENCY.astype(int)}, ShapeError, "floating point"),
        ({"saliency": SALIENCY * np.nan}, ShapeError, "finite"),
        ({"image": IMAGE[..., 0]}, ShapeError, r"uint8 of shape \(H, W, 3\)"),
        ({"image": IMAGE / 255}, ShapeError, r"uint8 of shape \(H, W, 3\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        atsal.overlay(**{"image": IMAGE, "saliency": SALIENCY} | arguments)


def test_a_look_is_compared_by_its_values():
    assert Overlay() == Overlay("turbo", 0.75, False) != Overlay("viridis")
