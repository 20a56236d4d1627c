import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from atsal.errors import ConfigError
from atsal.models.config import ModelConfig
from atsal.models.loading import new_parts
from atsal.models.two_stream import ATSal
from atsal.training.config import Augmentation, SourceConfig, ValidationConfig
from atsal.training.loader import Loader
from atsal.training.losses import Comparison
from atsal.training.photo_crops import PhotoViews
from atsal.training.photos import PhotoSource
from atsal.training.ranks import Ranks
from atsal.training.sampler import SampleKey
from atsal.training.sources import SphereSource
from atsal.training.trained_part import Output, TrainedPart
from atsal.training.validation import METRICS, frame_scores, validate
from evaluation.oracles import cc_by_formula, kld_by_formula, nss_by_formula, sim_by_formula
from training.conftest import CPU, DIRECTED, TINY


@pytest.mark.parametrize("batch", [5, 100])
@pytest.mark.parametrize("part", ["equator", "fused"])
def test_frames_validated_together_score_as_one_by_one(sets, part, batch):
    """Photos and 360° images, whose shapes differ, for the expert; images and frames of videos for the fused map."""
    torch.manual_seed(0)
    config = ModelConfig(**TINY)
    trained_part = TrainedPart(ATSal(config, **new_parts(config)), part).eval()
    if part == "equator":
        sources = [PhotoSource(SourceConfig(photos=sets.densities), PhotoViews())]
        sources += [SphereSource(SourceConfig(prepared=sets.images), config, Augmentation())]
    else:
        configs = (SourceConfig(prepared=sets.images), SourceConfig(prepared=sets.videos))
        sources = [SphereSource(one, config, Augmentation()) for one in configs]

    def scored(batch):
        wanted = ValidationConfig(sources=(sources[0].config,), frames_per_item=3)
        return validate(trained_part, Loader([], sources), wanted, None, batch, Ranks(), CPU.device)

    alone, together = scored(1), scored(batch)
    assert together.scores == pytest.approx(alone.scores, rel=1e-4)
    assert [panel.name for panel in together.panels] == [panel.name for panel in alone.panels]
    for one, other in zip(alone.panels, together.panels, strict=True):
        assert torch.equal(one.frame, other.frame)
        assert torch.allclose(one.saliency, other.saliency, atol=1e-4)
        assert torch.equal(one.target, other.target)


ORACLES = {
    "cc": lambda target, saliency, _, weights: cc_by_formula(target, saliency, weights),
    "nss": lambda _, saliency, fixations, weights: nss_by_formula(saliency, fixations, weights),
    "sim": lambda target, saliency, _, weights: sim_by_formula(target, saliency, weights),
    "kld": lambda target, saliency, _, weights: kld_by_formula(target, saliency, weights),
}


@pytest.mark.parametrize("metric", METRICS)
def test_a_frame_is_scored_by_solid_angle_and_not_otherwise(metric):
    """Two faces a frame, the second frame of three; without the weights, every score is clearly another one."""
    made = torch.Generator().manual_seed(1)
    saliency, target = (torch.rand(3, 2, 1, 12, 12, generator=made) for _ in range(2))
    saliency[..., 4:8, 4:8] += 2 * target[..., 4:8, 4:8]  # alike in the middle of a face, where its pixels are largest
    fixations = torch.randint(3, saliency.shape, generator=made).float()
    weights = TrainedPart.weights(hollow("equator"), saliency, sphere=True)
    compared = Comparison(saliency, target, fixations, weights)
    maps = [m[1, :, 0].flatten(0, 1).double().numpy() for m in (target, saliency, fixations)]
    both_faces = weights.expand_as(saliency)[1, :, 0].flatten(0, 1).double().numpy()
    found = frame_scores(compared, 1)[metric]
    assert found == pytest.approx(ORACLES[metric](*maps, both_faces), rel=1e-5)
    assert abs(found - ORACLES[metric](*maps, None)) > 0.003


def hollow(part):
    """A trained_part of which only the geometry is used."""
    config = ModelConfig(**TINY)
    return TrainedPart(ATSal(config, nn.Identity(), nn.Identity(), nn.Identity()), part)


class OneMap(TrainedPart):
    """Predicts the same map whatever it sees: the upper half of the frame, with a ramp."""

    def forward(self, frames, state=None, carry=None):
        rows = torch.arange(32.0)[:, None].expand(32, 64)
        maps = torch.where(rows < 16, 40 - rows, 1.0).expand(len(frames), 1, 1, 32, 64)
        return Output(maps, None, state)


def test_validation_scores_are_those_of_the_sphere(sets):
    """From the source to the mean over its items, against formulas; by plain pixels each score is another one."""
    config = ModelConfig(**TINY)
    source = SphereSource(SourceConfig(prepared=sets.images), config, Augmentation())
    trained_part = OneMap(ATSal(config, nn.Identity(), nn.Identity(), nn.Identity()), "fused")
    wanted = ValidationConfig(sources=(source.config,))
    found = validate(trained_part, Loader([], [source]), wanted, None, 4, Ranks(), CPU.device).scores
    saliency = trained_part(torch.zeros(1)).saliency[0, 0, 0].double().numpy()
    cosines = np.cos((0.5 - (np.arange(32) + 0.5) / 32) * np.pi)[:, None]
    samples = [source.read(SampleKey(0, item), augment=False) for item in range(len(source.items))]
    maps = [[m[0, 0, 0].double().numpy() for m in (sample.saliency_maps, sample.fixation_maps)] for sample in samples]

    def by(metric, weights):
        return np.mean([ORACLES[metric](target, saliency, counts, weights) for target, counts in maps])

    assert set(found) == set(METRICS) == set(ORACLES)
    for metric in METRICS:
        assert found[metric] == pytest.approx(by(metric, cosines), rel=1e-4)
        assert found[metric] != pytest.approx(by(metric, None), rel=0.01)


def test_an_unknown_metric_is_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="'kdl'; did you mean 'kld'"):
        ValidationConfig(sources=(SourceConfig(prepared="somewhere"),), metric="kdl")


@pytest.mark.parametrize("part", ["attention", "equator", "fused"])
def test_what_is_predicted_is_compared_under_the_prior(sets, part):
    """The layers' map times the prior, on the part's own views; what was measured stays as it is."""
    config = ModelConfig.from_dict(DIRECTED)
    trained_part = TrainedPart(ATSal(config, **new_parts(config)), part).eval()
    source = SphereSource(SourceConfig(prepared=sets.videos), config, Augmentation(yaw=True, flip=True))
    samples = [source.read(SampleKey(0, item, first=2, seed=5 + item), augment=True) for item in range(2)]
    with torch.no_grad():
        compared, _ = trained_part.compare(samples, 0, CPU.device)
        bare, _ = trained_part.compare([dataclasses.replace(s, prior=None) for s in samples], 0, CPU.device)
    priors = torch.stack([sample.prior[0] for sample in samples])
    expected = trained_part.to_views(priors, bare.saliency, sphere=True)
    assert expected.shape == compared.saliency.shape
    assert expected.std() > 0.05
    assert torch.allclose(compared.saliency, bare.saliency * expected, atol=1e-6)
    assert torch.equal(compared.target, bare.target)
