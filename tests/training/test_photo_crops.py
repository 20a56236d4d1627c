import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from atsal.training.photo_crops import CropRange, random_crops
from atsal.training.photos import Photos
from training.pictures import brightest

WHOLE = CropRange(whole=1.0, colour=0.0)


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


def drawn(photos, range_, *, crops=4, size=64, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return random_crops(photos.images, photos.maps, photos.aspects, crops, size, range_, rng)


def test_views_have_the_proportions_of_their_own_photo():
    """The largest square of a photo twice as wide as high is half of its width, of one as high again all of it."""
    ramp = torch.linspace(0, 255, 256).round().to(torch.uint8).expand(2, 3, 256, 256).contiguous()
    photos = Photos(["wide", "high"], ramp, torch.ones(2, 1, 64, 64), torch.tensor([2.0, 0.5]))
    upright = CropRange(smallest=1, roll_deg=0, tilt=0, stretch=1, colour=0)
    images, _ = drawn(photos, upright, crops=4)
    widths = (images.amax((2, 3, 4)) - images.amin((2, 3, 4))) * 255 / 256
    assert torch.allclose(widths, torch.tensor([[0.5], [1.0]]).expand(2, 4), atol=0.02)


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
