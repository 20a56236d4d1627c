import pytest
import torch

from atsal.models.atsal import ATSal
from atsal.models.config import ModelConfig
from atsal.models.registry import new_parts
from atsal.training.config import Augmentation, PhotoViews, SourceConfig, ValidationConfig
from atsal.training.loader import Loader
from atsal.training.photo_source import PhotoSource
from atsal.training.ranks import Ranks
from atsal.training.sources import SphereSource
from atsal.training.subject import Subject
from atsal.training.validation import validate
from training.conftest import CPU, TINY


@pytest.mark.parametrize("batch", [2, 5, 100])
@pytest.mark.parametrize("part", ["equator", "fused"])
def test_frames_validated_together_score_as_one_by_one(sets, part, batch):
    """Photos and 360° images, whose shapes differ, for the expert; images and frames of videos for the fused map."""
    torch.manual_seed(0)
    config = ModelConfig(**TINY)
    subject = Subject(ATSal(config, **new_parts(config)), part).eval()
    if part == "equator":
        sources = [PhotoSource(SourceConfig(photos=sets.densities), PhotoViews())]
        sources += [SphereSource(SourceConfig(prepared=sets.images), config, Augmentation())]
    else:
        configs = (SourceConfig(prepared=sets.images), SourceConfig(prepared=sets.videos))
        sources = [SphereSource(one, config, Augmentation()) for one in configs]

    def scored(batch):
        wanted = ValidationConfig(sources=(sources[0].config,), frames_per_item=3)
        return validate(subject, Loader([], sources), wanted, None, batch, Ranks(), CPU.device)

    alone, together = scored(1), scored(batch)
    assert together.scores == pytest.approx(alone.scores, rel=1e-4)
    assert [panel.name for panel in together.panels] == [panel.name for panel in alone.panels]
    for one, other in zip(alone.panels, together.panels, strict=True):
        assert torch.equal(one.frame, other.frame)
        assert torch.allclose(one.saliency, other.saliency, atol=1e-4)
        assert torch.equal(one.target, other.target)
