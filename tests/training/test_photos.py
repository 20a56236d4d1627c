import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from atsal.datasets.prepared import PreparedSet
from atsal.errors import DataError, MediaError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.records import PlanarFixations
from atsal.training.config import SourceConfig
from atsal.training.photo_crops import CropRange, PhotoViews, random_crops
from atsal.training.photos import (
    PhotoSource,
    density_photo_names,
    gaussian_blur,
    read_density_photos,
    read_prepared_photos,
    without_first,
)
from atsal.training.sampler import SampleKey
from fakes.fixations2d import write_density_maps
from training.pictures import brightest


@pytest.fixture(scope="module")
def prepared(sets):
    return PreparedSet(Path(sets.photos))


@pytest.fixture(scope="module")
def densities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("densities")
    return folder, write_density_maps(folder, items=4)


def test_maps_lie_where_observers_looked(photos):
    assert len(photos) == 12
    assert photos.aspects.tolist() == pytest.approx([128 / 96] * 12)
    assert photos.maps.mean((1, 2, 3)).tolist() == pytest.approx([1] * 12)
    for image, density in zip(photos.images, photos.maps, strict=True):
        assert brightest(image.float()) == pytest.approx(brightest(density[0]), abs=0.04)


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


def test_blur_against_scipy():
    from scipy.ndimage import gaussian_filter

    maps = torch.zeros(1, 1, 40, 40)
    maps[0, 0, 20, 13] = maps[0, 0, 39, 1] = 1  # one at the border, which goes on outside
    expected = gaussian_filter(maps[0, 0].numpy().astype(np.float64), 2.0, truncate=4, mode="nearest")
    assert gaussian_blur(maps, 2.0)[0, 0].numpy() == pytest.approx(expected, abs=1e-6)


def test_a_source_of_photos_gives_views_of_the_keys_photo(sets, photos):
    source = PhotoSource(SourceConfig(prepared=sets.photos, exclude=("1002",)), PhotoViews(count=3))
    assert source.items == ("1001", *(f"{k}" for k in range(1003, 1013)))
    assert source.frame_counts == (1,) * 11
    sample = source.read(SampleKey(0, 1, seed=7, view_size=32), augment=True)
    assert sample.frames.shape == (1, 3, 3, 32, 32)
    assert sample.saliency_maps.shape == (1, 3, 1, 8, 8)
    assert sample.name == "osie/1003"
    assert not sample.is_sphere
    assert sample.saliency_maps.max() == 1
    assert torch.equal(sample.fixation_maps, sample.saliency_maps), "the density takes the place of counts"
    rng = torch.Generator().manual_seed(7)
    images, _ = random_crops(photos.images[2:3], photos.maps[2:3], photos.aspects[2:3], 3, 32, CropRange(), rng)
    assert torch.equal(sample.frames[0], (images[0] * 255).round().to(torch.uint8))


def test_photos_are_validated_whole(sets, photos):
    source = PhotoSource(SourceConfig(prepared=sets.photos), PhotoViews(count=3))
    sample = source.read(SampleKey(0, 4, seed=3), augment=False)
    assert sample.frames.shape == (1, 1, 3, 160, 160)
    expected = repeated_and_averaged(photos.images[4][None].float(), 160)
    assert (sample.frames[0, 0].float() - expected[0]).abs().max() <= 0.51
    assert torch.allclose(sample.saliency_maps[0, 0], photos.maps[4] / photos.maps[4].max())


def test_density_photos_are_a_source_too(sets):
    source = PhotoSource(SourceConfig(photos=sets.densities, blur=0.03, folds=3, only_fold=1), PhotoViews())
    assert len(source.items) == 2
    assert source.describe()["items"] == list(source.items)
    assert source.read(SampleKey(0, 0, view_size=32), augment=True).name == f"tasks/{source.items[0]}"
