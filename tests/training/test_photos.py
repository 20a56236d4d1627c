import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from atsal.datasets.prepared import PreparedSet
from atsal.errors import DataError, MediaError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.records import PlanarFixations
from atsal.training.config import PhotoViews, SourceConfig
from atsal.training.photo_source import PhotoSource
from atsal.training.photos import (
    CropRange,
    Photos,
    density_photo_names,
    gaussian_blur,
    random_crops,
    read_density_photos,
    read_prepared_photos,
    without_first,
)
from atsal.training.sampler import Key
from fakes.fixations2d import write_density_maps

WHOLE = CropRange(whole=1.0, colour=0.0)


@pytest.fixture(scope="module")
def prepared(sets):
    return PreparedSet(Path(sets.photos))


@pytest.fixture(scope="module")
def photos(prepared):
    return read_prepared_photos(prepared, prepared.items)


@pytest.fixture(scope="module")
def densities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("densities")
    return folder, write_density_maps(folder, items=4)


def own_maps(count):
    """Photos that show their own maps, of two bumps."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256] / 256
    spots = rng.uniform(0.1, 0.9, (count, 2, 2))
    bumps = [sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 0.03) for u, v in two) for two in spots]
    pictures = torch.from_numpy(np.stack([bump / bump.max() for bump in bumps])).float()[:, None]
    maps = avg_pool2d(pictures, 4)
    return Photos(
        [str(k) for k in range(count)],
        (pictures * 255).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous(),
        maps / maps.mean((1, 2, 3), keepdim=True),
        torch.linspace(0.7, 1.6, count),
    )


def brightest(images):
    """Where the mass of the brightest pixels lies, in [0, 1]."""
    grey = images.mean(0) if images.ndim == 3 else images
    weight = (grey - grey.quantile(0.97)).clamp(min=0)
    height, width = grey.shape
    rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    row, column = (weight.sum(1) * rows).sum() / height, (weight.sum(0) * columns).sum() / width
    return [(row / weight.sum()).item(), (column / weight.sum()).item()]


def drawn(photos, range_, *, crops=4, size=64, seed=0):
    return random_crops(photos, torch.arange(len(photos)), crops, size, range_, torch.Generator().manual_seed(seed))


def test_maps_lie_where_observers_looked(photos):
    assert len(photos) == 12
    assert photos.aspects.tolist() == pytest.approx([128 / 96] * 12)
    assert photos.maps.mean((1, 2, 3)).tolist() == pytest.approx([1] * 12)
    for image, density in zip(photos.images, photos.maps, strict=True):
        assert brightest(image.float()) == pytest.approx(brightest(density[0]), abs=0.04)


def test_views_have_the_proportions_of_their_own_photo():
    """The largest square of a photo twice as wide as high is half of its width, of one as high again all of it."""
    ramp = torch.linspace(0, 255, 256).round().to(torch.uint8).expand(2, 3, 256, 256).contiguous()
    photos = Photos(["wide", "high"], ramp, torch.ones(2, 1, 64, 64), torch.tensor([2.0, 0.5]))
    upright = CropRange(smallest=1, roll_deg=0, tilt=0, stretch=1, colour=0)
    images, _ = drawn(photos, upright, crops=4)
    widths = (images.amax((2, 3, 4)) - images.amin((2, 3, 4))) * 255 / 256
    assert torch.allclose(widths, torch.tensor([[0.5], [1.0]]).expand(2, 4), atol=0.02)


def test_first_fixations_do_not_count(prepared, photos):
    """They lie at the centre, where the fakes' observers look before the photo comes up."""
    far = 0
    for name, density in zip(photos.names, photos.maps, strict=True):
        fixations = without_first(prepared.fixations(name))
        assert len(fixations) == 5
        if max(abs(fixations.u.mean() - 0.5), abs(fixations.v.mean() - 0.5)) > 0.2:
            assert density[0, 31:33, 31:33].max() < 0.01 * density.max()
            far += 1
    assert far > 3


def repeated_and_averaged(x, side):
    """Area means in float64: each pixel is repeated until a whole number of them make a new one."""
    fine, block = x.double(), []
    for axis in (-2, -1):
        together = math.lcm(x.shape[axis], side)
        fine = fine.repeat_interleave(together // x.shape[axis], axis)
        block.append(together // side)
    return avg_pool2d(fine, block).float()


def test_maps_are_those_of_the_fixations_in_the_sets_own_width(prepared, photos):
    fixations = without_first(prepared.fixations("1003"))
    expected = torch.from_numpy(planar_saliency_map(fixations, 96, 128, prepared.dataset.sigma_width))
    expected = repeated_and_averaged(expected[None, None], 64)[0]
    assert torch.allclose(photos.maps[photos.names.index("1003")], expected / expected.mean(), atol=1e-4)


def test_one_fixation_of_each_observer_is_dropped_the_first():
    u = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    fixations = PlanarFixations(np.array(["b", "b", "a", "c", "c", "c"]), u, u)
    assert without_first(fixations).u.tolist() == [0.2, 0.5, 0.6]
    assert not len(without_first(fixations.select(slice(1, 4))))


def test_only_the_items_asked_for_are_read(prepared):
    found = read_prepared_photos(prepared, ["1004", "1001"])
    assert found.names == ["1004", "1001"]
    assert found.images.shape == (2, 3, 256, 256)


def test_density_maps_lie_where_observers_looked(densities):
    folder, spots = densities
    assert density_photo_names(folder) == ["1001", "1002", "1003", "1004"]
    photos = read_density_photos(folder, ["1002", "1004"], 0.0)
    assert photos.names == ["1002", "1004"]
    assert photos.aspects.tolist() == pytest.approx([128 / 96] * 2)
    assert photos.maps.mean((1, 2, 3)).tolist() == pytest.approx([1] * 2)
    for name, image, density in zip(photos.names, photos.images, photos.maps, strict=True):
        u, v = spots[name]
        assert brightest(density[0]) == pytest.approx([v, u], abs=0.02)
        assert brightest(image.float()) == pytest.approx([v, u], abs=0.04)


def test_density_maps_are_blurred_by_a_share_of_their_side(densities):
    sharp, blurred = (read_density_photos(densities[0], ["1001"], blur).maps for blur in (0.0, 0.05))
    expected = gaussian_blur(sharp, 0.05 * 64)
    assert torch.allclose(blurred, expected / expected.mean(), atol=1e-4)
    assert blurred.max() < 0.8 * sharp.max()


def test_squeezed_files_get_their_true_aspect(densities):
    assert read_density_photos(densities[0], ["1001", "1002"], 0.0, 1.9).aspects.tolist() == pytest.approx([1.9] * 2)


def test_photos_without_map_or_picture_are_left_out(tmp_path):
    write_density_maps(tmp_path, items=3)
    with np.load(tmp_path / "maps.npz") as stored:
        names, maps = stored["names"], stored["maps"]
    maps[1] = 0
    np.savez(tmp_path / "maps.npz", names=np.array([*names, "9999"]), maps=np.concatenate([maps, maps[:1]]))
    assert density_photo_names(tmp_path) == ["1001", "1003"]


def test_density_photos_that_are_not_there_are_told(tmp_path):
    write_density_maps(tmp_path, items=1)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("1001.webp", b"no picture")
    with pytest.raises(MediaError, match=r"1001\.webp: cannot be read"):
        read_density_photos(tmp_path, ["1001"], 0.0)
    (tmp_path / "images.zip").unlink()
    with pytest.raises(DataError, match=r"images\.zip: no such file"):
        density_photo_names(tmp_path)


def test_photos_that_nobody_looked_at_are_left_out(prepared, monkeypatch):
    empty = PlanarFixations(np.array([], np.str_), np.array([]), np.array([]))
    known = prepared.fixations
    monkeypatch.setattr(prepared, "fixations", lambda item: empty if item == "1001" else known(item))
    assert read_prepared_photos(prepared, ["1001", "1002"]).names == ["1002"]
    with pytest.raises(DataError, match="no photo with gaze"):
        read_prepared_photos(prepared, ["1001"])


@pytest.mark.parametrize(
    "range_",
    [
        CropRange(colour=0.1),
        CropRange(roll_deg=180.0, colour=0.1),
        CropRange(smallest=0.3, tilt=0.4, stretch=1.5, colour=0.1, grey=0.5, whole=0.3),
    ],
)
def test_image_and_map_move_together(photos, range_):
    """Whatever the crop, the bright spot stays under the map's peak, where the spot is in view."""
    images, maps = drawn(photos, range_, crops=8, size=128)
    assert images.shape == (12, 8, 3, 128, 128)
    assert maps.shape == (12, 8, 1, 32, 32)
    inner = 0
    for image, density in zip(images.flatten(0, 1), maps.flatten(0, 1), strict=True):
        peak = brightest(density[0])
        if density.sum() > 100 and all(0.25 < p < 0.75 for p in peak):
            assert brightest(image) == pytest.approx(peak, abs=0.09)
            inner += 1
    assert inner >= 10


@pytest.mark.parametrize("range_", [CropRange(colour=0.0), CropRange(colour=0.0, whole=0.5, roll_deg=180, tilt=0.4)])
def test_views_show_what_their_maps_show(range_):
    photos = own_maps(6)
    images, maps = drawn(photos, range_, crops=8)
    shown = avg_pool2d(images.flatten(0, 1).mean(1, keepdim=True), 4)
    expected = maps.flatten(0, 1) / photos.maps.amax((1, 2, 3)).repeat_interleave(8)[:, None, None, None]
    assert (shown - expected).abs().amax((1, 2, 3)).quantile(0.9) < 0.06
    assert (shown - expected).abs().mean() < 0.01


def test_the_whole_photo_is_shown_upright_and_mirrored_at_most():
    photos = own_maps(4)
    small = interpolate(photos.images.float() / 255, (64, 64), mode="area")
    images, maps = drawn(photos, WHOLE, crops=6)
    mirrors = []
    for number in range(4):
        for image, density in zip(images[number], maps[number], strict=True):
            apart = [(image - wanted).abs().max().item() for wanted in (small[number], small[number].flip(-1))]
            assert min(apart) < 0.05
            mirror = apart[1] < apart[0]
            wanted = interpolate(photos.maps[number][None], (16, 16), mode="area")[0]
            assert torch.allclose(density, wanted.flip(-1) if mirror else wanted, atol=0.15 * wanted.max().item())
            mirrors.append(mirror)
    assert 5 < sum(mirrors) < 19, "half of them mirrored"


def test_a_crop_has_the_photos_own_proportions():
    """A square of a scene twice as wide spans half as much of the canvas across as down."""
    line = torch.linspace(0, 1, 256)
    ramps = torch.stack([line.expand(256, 256), line[:, None].expand(256, 256), torch.zeros(256, 256)])
    images = (ramps * 255).to(torch.uint8)[None]
    for aspect in (2.0, 0.5):
        one = Photos(["ramp"], images, torch.ones(1, 1, 64, 64), torch.tensor([aspect]))
        still = CropRange(0.8, 0.8, roll_deg=0, tilt=0, stretch=1, colour=0)
        views, _ = drawn(one, still, crops=16)
        across = (views[0, :, 0].amax((1, 2)) - views[0, :, 0].amin((1, 2))) * 64 / 63
        down = (views[0, :, 1].amax((1, 2)) - views[0, :, 1].amin((1, 2))) * 64 / 63
        assert across.tolist() == pytest.approx([0.8 * min(1, 1 / aspect)] * 16, abs=0.02)
        assert down.tolist() == pytest.approx([0.8 * min(1, aspect)] * 16, abs=0.02)
        assert views[0, :, 0].mean((1, 2)).std() > 0.02 or aspect < 1, "anywhere in the photo"


def test_some_views_are_grey():
    photos = own_maps(6)
    tinted = Photos(photos.names, photos.images // torch.tensor([1, 2, 4])[:, None, None], photos.maps, photos.aspects)
    images, maps = drawn(tinted, CropRange(grey=0.5, colour=0.0), crops=8)
    spread = (images.amax(2) - images.amin(2)).amax((-2, -1)).flatten()
    assert 12 < (spread < 1e-5).sum() < 36
    assert (spread[spread > 1e-5] > 0.1).all()
    coloured, same_maps = drawn(tinted, CropRange(colour=0.0), crops=8)
    assert torch.equal(maps, same_maps)
    assert not torch.equal(images, coloured)


def test_crops_repeat_with_the_seed(photos):
    draws = [drawn(photos, CropRange(), seed=seed) for seed in (5, 5, 6)]
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert not torch.equal(draws[0][1], draws[2][1])


def test_blur_against_scipy():
    from scipy.ndimage import gaussian_filter

    maps = torch.zeros(1, 1, 40, 40)
    maps[0, 0, 20, 13] = maps[0, 0, 39, 1] = 1  # one at the border, which goes on outside
    expected = gaussian_filter(maps[0, 0].numpy().astype(np.float64), 2.0, truncate=4, mode="nearest")
    assert gaussian_blur(maps, 2.0)[0, 0].numpy() == pytest.approx(expected, abs=1e-6)


def test_a_source_of_photos_gives_views_of_the_keys_photo(sets, photos):
    source = PhotoSource(SourceConfig(prepared=sets.photos, exclude=("1002",)), PhotoViews(count=3))
    assert source.items == ("1001", *(f"{k}" for k in range(1003, 1013)))
    assert source.extent().frames == (1,) * 11
    sample = source.sample(Key(0, 1, seed=7, size=32))
    assert sample.frames.shape == (1, 3, 3, 32, 32)
    assert sample.maps.shape == (1, 3, 1, 8, 8)
    assert sample.name == "osie/1003"
    assert not sample.is_sphere
    assert sample.maps.max() == 1
    assert torch.equal(sample.counts, sample.maps), "the density takes the place of counts"
    rng = torch.Generator().manual_seed(7)
    images, _ = random_crops(photos, torch.tensor([2]), 3, 32, CropRange(), rng)
    assert torch.equal(sample.frames[0], (images[0] * 255).round().to(torch.uint8))


def test_photos_are_validated_whole(sets, photos):
    source = PhotoSource(SourceConfig(prepared=sets.photos), PhotoViews(count=3))
    sample = source.plain(Key(0, 4, seed=3))
    assert sample.frames.shape == (1, 1, 3, 160, 160)
    expected = repeated_and_averaged(photos.images[4][None].float(), 160)
    assert (sample.frames[0, 0].float() - expected[0]).abs().max() <= 0.51
    assert torch.allclose(sample.maps[0, 0], photos.maps[4] / photos.maps[4].max())


def test_density_photos_are_a_source_too(sets):
    source = PhotoSource(SourceConfig(photos=sets.densities, blur=0.03, folds=3, only_fold=1), PhotoViews())
    assert len(source.items) == 2
    assert source.describe()["items"] == list(source.items)
    assert source.sample(Key(0, 0, size=32)).name == f"tasks/{source.items[0]}"
