"""Scores against independent implementations, cases worked out by hand, and videos that differ in a known way."""

import math

import numpy as np
import pytest
import torch

from atsal.errors import DataError, MediaError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.head_path import HeadPath
from atsal.gaze.records import GazeSamples
from atsal.quality import measure_quality
from atsal.quality.measure import psnr_db, weighted_mean_squared_error
from atsal.quality.ssim import SphericalSsim, flat_ssim
from atsal.quality.viewports import direction_at
from video.conftest import Clips

SIZE = (128, 64)


@pytest.fixture
def clips(tmp_path):
    return Clips(tmp_path)


def ws_psnr_of_the_paper(reference, distorted):
    """Sun, Lu, Yu 2017, equations 5 to 7, pixel by pixel."""
    height, width = reference.shape
    error = total = 0.0
    for j in range(height):
        weight = math.cos((j + 0.5 - height / 2) * math.pi / height)
        for i in range(width):
            error += weight * (float(reference[j, i]) - float(distorted[j, i])) ** 2
            total += weight
    return 10 * math.log10(255**2 / (error / total))


def test_ws_psnr_is_that_of_the_paper():
    random = np.random.default_rng(0)
    reference, distorted = random.uniform(0, 255, (2, 16, 32)).astype(np.float32)
    found = psnr_db(weighted_mean_squared_error(reference, distorted))
    assert found == pytest.approx(ws_psnr_of_the_paper(reference, distorted), abs=1e-4)


def test_an_error_in_one_row_counts_by_its_part_of_the_sphere():
    """Two rows: both cover half of the sphere. Four rows: a row at a pole covers (1 - cos 45°) / 2 of it, nearly."""
    for rows, row, share in ((2, 0, 0.5), (4, 0, math.cos(3 * math.pi / 8)), (4, 1, math.cos(math.pi / 8))):
        picture = np.zeros((rows, 2 * rows), np.float32)
        picture[row] = 10
        norm = 1 if rows == 2 else 2 * (math.cos(3 * math.pi / 8) + math.cos(math.pi / 8))
        assert weighted_mean_squared_error(picture, 0 * picture) == pytest.approx(100 * share / norm)


def test_an_error_counts_by_the_density_of_attention():
    """Attention is 3 on the left and 1 on the right; an error of 8 on the left gives 64 * 3 / 4."""
    density = np.ones((4, 8))
    density[:, :4] = 3
    picture = np.zeros((4, 8), np.float32)
    picture[:, :4] = 8
    assert weighted_mean_squared_error(picture, 0 * picture, density) == pytest.approx(48)
    assert weighted_mean_squared_error(picture[:, ::-1], 0 * picture, density) == pytest.approx(16)


def ssim_of_window(x, y, weights):
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    cov = (weights * (x - mean_x) * (y - mean_y)).sum()
    c1, c2 = 2.55**2, 7.65**2
    return (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))


def gaussian_window():
    g = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(g, g)
    return window / window.sum()


def test_flat_ssim_is_the_mean_over_windows():
    random = np.random.default_rng(1)
    x = random.uniform(0, 255, (14, 13))
    y = np.clip(x + random.normal(0, 30, x.shape), 0, 255)
    window = gaussian_window()
    expected = [
        ssim_of_window(x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11], window) for i in range(4) for j in range(3)
    ]
    assert flat_ssim(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(np.mean(expected), abs=1e-6)


def test_spherical_ssim_samples_windows_on_the_tangent_plane():
    """Pictures that are functions of the direction, sampled without a frame, agree with windows cut from frames."""
    height = 256

    def scene(x, y, z):
        return 128 + 60 * np.sin(9 * x + 4 * y) * np.cos(7 * z - 5 * y)

    def worse(x, y, z):
        return scene(x, y, z) + 25 * np.sin(15 * x) * np.sin(15 * z) * (1 + y)

    lat = (0.5 - (np.arange(height) + 0.5) / height)[:, None] * math.pi
    lon = ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5)[None, :] * 2 * math.pi
    direction = np.cos(lat) * np.sin(lon), np.sin(lat) + 0 * lon, np.cos(lat) * np.cos(lon)
    frames = [torch.from_numpy(f(*direction).astype(np.float32)) for f in (scene, worse)]
    meter = SphericalSsim(height, points=60)
    found = meter(*frames)
    step, window = math.pi / height, gaussian_window()
    for k in range(0, 60, 7):
        lo, la = float(meter.lon_rad[k]), float(meter.lat_rad[k])
        forward = np.array([math.cos(la) * math.sin(lo), math.sin(la), math.cos(la) * math.cos(lo)])
        east = np.array([math.cos(lo), 0, -math.sin(lo)])
        north = np.array([-math.sin(la) * math.sin(lo), math.cos(la), -math.sin(la) * math.cos(lo)])
        v, u = np.meshgrid((5 - np.arange(11)) * step, (np.arange(11) - 5) * step, indexing="ij")
        rays = forward + u[..., None] * east + v[..., None] * north
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        expected = ssim_of_window(*(f(*np.moveaxis(rays, -1, 0)) for f in (scene, worse)), window)
        assert found[k] == pytest.approx(expected, abs=0.01)


def test_spherical_ssim_of_equal_pictures_is_1():
    picture = torch.rand(32, 64) * 255
    assert SphericalSsim(32, points=500)(picture, picture) == pytest.approx(1, abs=1e-5)


def gradient(number, width, height):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.repeat(((x * 2 + y * 3 + 5 * number) % 200 + 20).astype(np.uint8)[..., None], 3, -1)


def brighter(amount, columns=slice(None)):
    def paint(number, width, height):
        picture = gradient(number, width, height).astype(int)
        picture[:, columns] += amount
        return picture.clip(0, 255).astype(np.uint8)

    return paint


def lossless(clips, name, paint=gradient, size=SIZE, **options):
    return clips.make(name, size=size, codec="ffv1", paint=paint, container_options={}, **options)


def test_a_known_error_gives_a_known_psnr(clips):
    reference = lossless(clips, "a.mkv", frames=4)
    other = lossless(clips, "b.mkv", brighter(14), frames=4)
    found = measure_quality(reference, other)
    luma = 14 * 219 / 255  # limited range; rounding gives a little more
    assert found.scores["ws_psnr_db"] == pytest.approx(20 * math.log10(255 / luma), abs=0.3)
    assert 0.9 < found.scores["s_ssim"] < 1
    assert [row["frame_index"] for row in found.frames] == [0, 1, 2, 3]
    assert measure_quality(reference, reference).scores == {"ws_psnr_db": 100.0, "s_ssim": pytest.approx(1, abs=1e-5)}


def test_frames_are_compared_by_their_times(clips):
    fast = lossless(clips, "fast.mkv", frames=12)
    slow = lossless(clips, "slow.mkv", lambda k, w, h: gradient(2 * k, w, h), ticks=[0, 2, 4, 6, 8, 10])
    found = measure_quality(fast, slow)
    errors = [row["ws_mse"] for row in found.frames]
    assert errors[::2] == pytest.approx([0] * 6)
    assert min(errors[1::2]) > 1
    assert measure_quality(slow, fast).scores["ws_psnr_db"] == 100


def test_another_length_is_an_error(clips):
    long, short = lossless(clips, "long.mkv", frames=20), lossless(clips, "short.mkv", frames=10)
    for one, other in ((long, short), (short, long)):
        with pytest.raises(MediaError, match=r"short.mkv: its last frame is at 0.30 s, but .*long.mkv goes on at"):
            measure_quality(one, other)


def test_one_frame_does_not_stand_for_a_video(clips):
    long, one = lossless(clips, "long.mkv", frames=8), lossless(clips, "one.mkv", frames=1)
    for pair in ((long, one), (one, long)):
        with pytest.raises(MediaError, match=r"one.mkv: its last frame is at 0.00 s, but .*long.mkv goes on at"):
            measure_quality(*pair)


def test_another_size_is_scaled_and_depths_are_comparable(clips):
    reference = clips.make("a.mp4", frames=3, size=(256, 128), paint=gradient, options={"crf": "1"})
    small = clips.make("b.mp4", frames=3, size=(128, 64), paint=lambda k, w, h: gradient(k, 256, 128)[::2, ::2])
    deep = clips.make("c.mp4", frames=3, size=(256, 128), paint=gradient, pix_fmt="yuv420p10le", options={"crf": "1"})
    assert 10 < measure_quality(reference, small).scores["ws_psnr_db"] < 45
    assert measure_quality(reference, deep).scores["ws_psnr_db"] > 45


def test_other_ranges_are_not_compared(clips):
    reference = clips.make("a.mp4", frames=2)
    full = clips.make("b.mp4", frames=2, pix_fmt="yuvj420p")
    with pytest.raises(MediaError, match=r"has the full range, that of .* the limited range"):
        measure_quality(reference, full)


class RightHalf:
    name = "the right half"

    def at(self, timestamp_s):
        density = np.zeros((8, 16))
        density[:, 9:15] = 1
        return density if timestamp_s < 0.05 else None


def test_weights_choose_where_errors_count(clips):
    reference = lossless(clips, "a.mkv", frames=3)
    left = lossless(clips, "left.mkv", brighter(14, slice(0, 64)), frames=3)
    right = lossless(clips, "right.mkv", brighter(14, slice(64, 128)), frames=3)
    scores = [measure_quality(reference, path, weighting=RightHalf()).scores for path in (left, right)]
    assert scores[0]["ws_psnr_db"] == pytest.approx(scores[1]["ws_psnr_db"], abs=0.2)
    assert scores[0]["weighted_ws_psnr_db"] > scores[1]["weighted_ws_psnr_db"] + 20
    assert scores[1]["weighted_ws_psnr_db"] == pytest.approx(scores[1]["ws_psnr_db"] - 3.01, abs=0.2)
    assert scores[0]["weighted_s_ssim"] > scores[1]["weighted_s_ssim"]


def viewer(yaw_deg):
    """A viewer who looks along the horizon, with one sample a second."""
    heads = unit_vectors(np.radians(yaw_deg), np.zeros(len(yaw_deg)))
    return HeadPath(GazeSamples("a", np.arange(len(yaw_deg), dtype=float), head=heads))


def test_views_show_what_is_ahead(clips):
    reference = lossless(clips, "a.mkv", frames=3, size=(256, 128))
    back = lossless(clips, "b.mkv", brighter(14, slice(192, 256)), frames=3, size=(256, 128))
    ahead, behind = viewer([0, 0]), viewer([134, 136])
    assert measure_quality(reference, back, viewers=[ahead]).scores["viewport_psnr_db"] == 100
    found = measure_quality(reference, back, viewers=[behind], fov_deg=60).scores
    assert found["viewport_psnr_db"] == pytest.approx(26.5, abs=0.5)
    assert found["viewport_ssim"] < 1


def test_the_first_and_last_direction_stand_for_a_second():
    assert direction_at(viewer([170, 190]), 1.9) == pytest.approx((-170, 0))
    assert direction_at(viewer([170, 190]), 2.1) is None


def test_viewers_of_another_time_are_refused(clips):
    reference = lossless(clips, "a.mkv", frames=3)
    heads = unit_vectors(np.zeros(2), np.zeros(2))
    late = HeadPath(GazeSamples("a", np.array([60.0, 61.0]), head=heads))
    with pytest.raises(DataError, match=r"no frame of .*a\.mkv has any head direction of the viewers"):
        measure_quality(reference, reference, viewers=[late])
