import numpy as np
import pytest
import torch

from atsal.errors import DataError
from atsal.training.photos import CropRange, gaussian_blur, random_crops, read_photo_sets
from fakes.fixations2d import write_density_maps
from fakes.lite_data import write_photo_set


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    write_photo_set(root / "osie", 12)
    return read_photo_sets(root, ["osie"])


def brightest(images):
    """Where the mass of the brightest pixels lies, in [0, 1]."""
    grey = images.mean(0) if images.ndim == 3 else images
    weight = (grey - grey.quantile(0.97)).clamp(min=0)
    height, width = grey.shape
    rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
    row, column = (weight.sum(1) * rows).sum() / height, (weight.sum(0) * columns).sum() / width
    return [(row / weight.sum()).item(), (column / weight.sum()).item()]


def test_maps_lie_where_observers_looked(photos):
    assert len(photos) == 12
    assert photos.aspects.tolist() == pytest.approx([128 / 96] * 12)
    for image, density in zip(photos.images, photos.maps, strict=True):
        assert brightest(image.float()) == pytest.approx(brightest(density[0]), abs=0.04)


def test_first_fixations_do_not_count(tmp_path):
    """They lie at the centre, where the fakes' observers look before the photo comes up."""
    spots = write_photo_set(tmp_path / "osie", 12)
    for density, (u, v) in zip(read_photo_sets(tmp_path, ["osie"]).maps, spots.values(), strict=True):
        if max(abs(u - 0.5), abs(v - 0.5)) > 0.25:
            assert density[0, 32, 32] < 0.01 * density.max()


def test_density_maps_lie_where_observers_looked(tmp_path):
    write_density_maps(tmp_path / "tasks", items=4)
    photos = read_photo_sets(tmp_path, ["tasks"])
    assert photos.names == ["tasks/1001", "tasks/1002", "tasks/1003", "tasks/1004"]
    assert photos.maps.mean((1, 2, 3)).tolist() == pytest.approx([1] * 4)
    for image, density in zip(photos.images, photos.maps, strict=True):
        assert brightest(image.float()) == pytest.approx(brightest(density[0]), abs=0.04)


def test_photos_without_gaze_are_told(tmp_path):
    write_photo_set(tmp_path / "osie", 1)
    (tmp_path / "osie" / "fixations.csv.gz").unlink()
    with pytest.raises(DataError, match=r"fixations\.csv\.gz: cannot be opened"):
        read_photo_sets(tmp_path, ["osie"])
    np.savez(tmp_path / "osie" / "maps.npz", names=np.array(["1001"]), maps=np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(DataError, match="no photo with gaze in osie"):
        read_photo_sets(tmp_path, ["osie"])


@pytest.mark.parametrize("roll_deg", [8.0, 180.0])
def test_image_and_map_move_together(photos, roll_deg):
    """Whatever the crop, the bright spot stays under the map's peak, where the spot is in view."""
    rng = torch.Generator().manual_seed(0)
    images, maps = random_crops(photos, torch.arange(12), 4, 128, CropRange(roll_deg=roll_deg, colour=0.1), rng)
    assert images.shape == (12, 4, 3, 128, 128)
    assert maps.shape == (12, 4, 1, 32, 32)
    inner = 0
    for image, density in zip(images.flatten(0, 1), maps.flatten(0, 1), strict=True):
        peak = brightest(density[0])
        if density.sum() > 100 and all(0.25 < p < 0.75 for p in peak):
            assert brightest(image) == pytest.approx(peak, abs=0.09)
            inner += 1
    assert inner >= 10


def test_crops_repeat_with_the_seed(photos):
    draws = [
        random_crops(photos, torch.arange(3), 2, 64, CropRange(), torch.Generator().manual_seed(5)) for _ in range(2)
    ]
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])


def test_blur_against_scipy():
    from scipy.ndimage import gaussian_filter

    maps = torch.zeros(1, 1, 40, 40)
    maps[0, 0, 20, 13] = 1
    expected = gaussian_filter(maps[0, 0].numpy().astype(np.float64), 2.0, truncate=4)
    assert gaussian_blur(maps, 2.0)[0, 0].numpy() == pytest.approx(expected, abs=1e-6)
