"""States of videos from clip to clip, whatever interrupts the run."""

import pytest
import torch

from atsal.config import from_mapping
from atsal.training.config import TrainConfig
from atsal.training.run import train
from atsal.training.trained_part import TrainedPart
from atsal.training.trainer import Trainer
from training.conftest import CPU
from training.runs import same, side_by_side, weights


@pytest.mark.parametrize("after", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 5))])
def test_interrupted_within_videos_it_goes_on_with_their_states(settings, trained, tmp_path, monkeypatch, after):
    config = from_mapping(TrainConfig, settings("clips", epochs=1, **side_by_side(settings)), "")
    step, steps = Trainer._take_step, []

    def counted(self, *arguments):
        if len(steps) == after:
            raise KeyboardInterrupt
        steps.append(self.progress.step)
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_take_step", counted)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "interrupted", CPU)
    train(config, tmp_path / "interrupted", CPU)
    whole = trained("clips", "whole", epochs=1, **side_by_side(settings))
    assert same(weights(tmp_path / "interrupted"), weights(whole))


def test_each_video_begins_without_a_state_and_then_keeps_its_own(settings, tmp_path, monkeypatch):
    """In training and in validation: the state that comes with a frame is the one that its video left."""
    left, seen = {}, {"training": 0, "validation": 0}
    compare = TrainedPart.compare

    def watched(trained_part, samples, at, device, state=None, carry=None):
        compared, after = compare(trained_part, samples, at, device, state, carry)
        use = "training" if torch.is_grad_enabled() else "validation"
        for number, (sample, own) in enumerate(zip(samples, after, strict=True)):
            video = use, sample.name, sample.key.source, sample.key.slot
            begins = sample.key.starts_video and at == 0
            carried = state is not None and (carry is None or carry[number] == 1)
            assert carried is not begins
            if carried:
                assert torch.equal(state[number], left[video])
                seen[use] += 1
            left[video] = own.detach()
        return compared, after

    changed = side_by_side(settings)
    changed["validation"] = {"sources": [changed["train"][0] | {"stride": 2}]}
    monkeypatch.setattr(TrainedPart, "compare", watched)
    train(from_mapping(TrainConfig, settings("clips", **changed), ""), tmp_path / "run", CPU)
    assert min(seen.values()) > 10
