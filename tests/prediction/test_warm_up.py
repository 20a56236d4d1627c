"""After the warm-up, the maps of a chunk are those of an unbroken run, also across a scene cut."""

import numpy as np
import pytest
import torch

from atsal.models.architecture import find_architecture
from atsal.models.two_stream import ATSal
from atsal.prediction.options import Options
from atsal.prediction.predictor import Predictor
from atsal.prediction.runtimes import start_session
from atsal.prediction.warm_up import PEAK_TOLERANCE, count_frames, warm_up_frames
from atsal.video.reader import Frame
from atsal.video.render import PEAK_MEMORY, PeakTracker, map_levels
from atsal.video.synthetic_scene import Scene


@pytest.mark.parametrize(("memory", "tolerance", "frames"), [(0.5, 0.25, 2), (0.5, 0.2, 3), (0.9, 1.0, 0), (0, 0.1, 0)])
def test_count(memory, tolerance, frames):
    assert count_frames(memory, tolerance) == frames


def test_what_needs_no_warm_up(predictor):
    def count(stream, *formats):
        return warm_up_frames(predictor.network, Options(streams=(stream,), formats=formats))

    assert count("attention", "npy", "png") == 0
    assert count("fused", "npy") == count("experts", "npy") == 33  # 0.7^33 < 1e-5 < 0.7^32
    assert count("attention", "npy", "video") == count("fused", "overlay") == 122  # 0.95^122 < 1/512 < 0.95^121


def frames(height: int, count: int):
    """A dark scene, then another one from frame 3 on."""
    pictures = [np.zeros((height, 2 * height, 3), np.uint8), Scene(5).render(height, 0.0)]
    return [Frame(number, number / 30, pictures[number >= 3]) for number in range(count)]


def differences(predictor: Predictor, height: int, warm_up: int) -> list[float]:
    """How far each frame of a chunk is from an unbroken run, relative to the peak, over all streams."""
    seen = frames(height, 3 + warm_up + 1)
    whole = [result for result, _ in predictor.run(seen)][3:]
    part = [result for result, _ in predictor.run(seen[3:])]
    assert np.corrcoef(whole[-1].saliency.ravel(), part[-1].saliency.ravel())[0, 1] >= 0.9999
    pairs = list(zip(whole, part, strict=True))
    return [max(float(abs(a.map(s) - b.map(s)).max() / a.map(s).max()) for s in a.maps) for a, b in pairs]


def test_a_cut_right_at_the_start_of_a_chunk(predictor):
    warm_up = warm_up_frames(predictor.network, Options(formats=("npy",)))
    found = differences(predictor, 160, warm_up)
    assert found[warm_up] < 2e-5
    assert found[warm_up // 3] > 1e-4  # so the test would notice a warm-up that is too short


@pytest.mark.slow
def test_a_cut_with_the_layers_of_the_paper():
    torch.manual_seed(0)
    paper = find_architecture("paper")
    network = ATSal(paper.default_config, **paper.new_parts(paper.default_config)).eval()
    predictor = Predictor(start_session("torch", network, torch.device("cpu")), None)
    warm_up = warm_up_frames(network, Options(formats=("npy",)))
    assert warm_up == 14  # sigmoid(0.25) = 0.562
    assert differences(predictor, 320, warm_up)[-1] < 1e-4


@pytest.mark.parametrize("before", [0.0, 0.2, 3.0])
def test_levels_differ_by_one_at_most(before):
    """The peak before the chunk may be up to three times as high as in it."""
    rng = np.random.default_rng(0)
    maps = [rng.random((4, 8)).astype(np.float32) for _ in range(400)]
    tracker, chunk = PeakTracker(), PeakTracker()
    for _ in range(200):
        tracker.update(np.full((4, 8), before, np.float32))
    warm_up = count_frames(PEAK_MEMORY, PEAK_TOLERANCE)
    for number, saliency in enumerate(maps):
        peaks = tracker.update(saliency), chunk.update(saliency)
        if number >= warm_up:
            levels = [map_levels(saliency, peak).astype(int) for peak in peaks]
            assert abs(levels[0] - levels[1]).max() <= 1
