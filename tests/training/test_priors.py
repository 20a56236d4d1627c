import pytest
import torch

from atsal.datasets import dataset_named
from atsal.datasets.preparation import preparation_for
from atsal.datasets.prepare import prepare
from atsal.errors import AtsalError
from atsal.projection import solid_angle_weights
from atsal.training.config import SourceConfig
from atsal.training.priors import equator_prior, log_profile
from fakes.salient360_images import write_salient360_images, write_scanpaths

HEADER = "Idx, longitude, latitude, start timestamp, duration"


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """Two images: one looked at four times from the upper part, one once from the mirrored place below."""
    root = tmp_path_factory.mktemp("looked")
    write_salient360_images(root / "raw", items=2)
    for number, (v, count) in enumerate(((0.3, 4), (0.7, 1)), start=1):
        rows = [(k, 0.15 + 0.2 * k, v, 500.0 * k, 300.0) for k in range(count)]
        for eye in "LR":
            write_scanpaths(root / f"raw/HE/Scanpaths/{eye}/HEscanpath_{number}.txt", HEADER, rows)
    dataset = dataset_named("salient360-images")
    prepare(dataset, root / "raw", root / "set", preparation_for(dataset), workers=1)
    return str(root / "set")


def sphere_mean(profile):
    weight = solid_angle_weights(len(profile))[:, 0]
    return (profile.double() * weight).sum().item() / weight.sum().item()


@pytest.mark.parametrize("height", [20, 32])
def test_a_prior_is_a_density_of_mean_one_on_the_sphere(sets, height):
    for folder, sigma in ((sets.images, 5.0), (sets.images, None), (sets.videos, 20.0)):
        prior = equator_prior(SourceConfig(prepared=folder, sigma_deg=sigma), height)
        assert prior.shape == (height,)
        assert prior.min() >= 0
        assert sphere_mean(prior) == pytest.approx(1, abs=1e-5)


def test_each_item_counts_the_same_however_often_it_was_looked_at(looked):
    """So gaze at mirrored latitudes gives a symmetric prior, though one of both was looked at four times as often."""
    prior = equator_prior(SourceConfig(prepared=looked, sigma_deg=8.0), 40)
    assert torch.allclose(prior, prior.flip(0), atol=1e-4)
    assert sorted(prior.topk(2).indices.tolist()) in ([11, 28], [12, 27])
    assert prior[19] < 0.3 * prior.max()


def test_only_the_chosen_items_count(looked):
    prior = equator_prior(SourceConfig(prepared=looked, sigma_deg=8.0, exclude=("P2",)), 40)
    assert prior.argmax().item() in (11, 12)
    assert prior[27] < 0.01 * prior.max()
    wide = equator_prior(SourceConfig(prepared=looked, sigma_deg=30.0, exclude=("P2",)), 40)
    assert wide[27] > 0.05 * wide.max()


def test_photos_have_no_equator(sets):
    for sigma in (None, 5.0):
        with pytest.raises(AtsalError, match="flat photos have no"):
            equator_prior(SourceConfig(prepared=sets.photos, sigma_deg=sigma), 20)


def test_logits_rebuild_the_profile():
    profile = torch.exp(-(torch.linspace(-2, 2, 40) ** 2))
    logits = log_profile(profile, 40)
    rebuilt = torch.sigmoid(logits)
    assert torch.allclose(rebuilt / rebuilt.max(), profile / profile.max(), atol=1e-3)
    assert rebuilt.max().item() == pytest.approx(0.5)
    fewer, middles = torch.sigmoid(log_profile(7 * profile, 10)), profile.reshape(10, 4)[:, 1:3].mean(1)
    assert fewer.shape == (10,)
    assert torch.allclose(fewer / fewer.max(), middles / middles.max(), atol=1e-3)


def test_rows_that_nobody_looked_at_keep_finite_logits():
    profile = torch.zeros(8)
    profile[3] = 2
    logits = log_profile(profile, 8)
    assert torch.isfinite(logits).all()
    assert logits.argmax() == 3
    assert torch.sigmoid(logits)[0] < 1e-3
