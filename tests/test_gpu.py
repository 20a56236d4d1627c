"""The same numbers on a CUDA device: `make test-gpu`."""

import copy

import numpy as np
import pytest
import torch

from atsal import load_model
from atsal.models.config import ModelConfig
from atsal.models.loading import new_parts
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes import start_session
from atsal.video.reader import Frame
from atsal.video.synthetic_scene import Scene

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_a_run_with_state_equals_the_cpu():
    on_cpu, on_gpu = load_model("lite", device="cpu"), load_model("lite", device="cuda")
    states = [None, None]
    for time_s in (0.0, 0.2, 0.4):
        image = Scene(0).render(160, time_s)
        (expected, states[0]), (found, states[1]) = (
            model.step(image, state, ("fused", "attention", "experts"), seconds=time_s)
            for model, state in zip((on_cpu, on_gpu), states, strict=True)
        )
        for stream, saliency in expected.items():
            assert np.abs(found[stream] - saliency).max() <= 1e-4 * saliency.max(), stream


def test_a_captured_batch_equals_the_cpu_in_either_precision():
    on_cpu = load_model("lite", device="cpu", runtime="torch")
    for precision, tolerance in (("float32", 1e-4), ("half", 2e-2)):
        on_gpu = load_model("lite", device="cuda", precision=precision)
        count = 2 * on_gpu.session.frames + 3  # two captured batches, and a rest
        frames = [Frame(i, i / 10, Scene(0).render(160, i / 10)) for i in range(count)]
        pairs = zip(on_cpu.run(frames), on_gpu.run(frames), strict=True)
        for (expected, _), (found, _) in pairs:
            assert np.abs(found.saliency - expected.saliency).max() <= tolerance * expected.saliency.max()
            assert np.corrcoef(found.saliency.ravel(), expected.saliency.ravel())[0, 1] >= 0.999


def test_published_layers_equal_the_cpu_without_tensor_floats():
    torch.manual_seed(0)
    config = ModelConfig("paper", erp_height=64, face_size=64, map_height=64)
    network = ATSal(config, **new_parts(config)).eval()
    frames = np.stack([Scene(0).render(64, k / 10) for k in range(3)])
    on_cpu, on_gpu = (start_session("torch", copy.deepcopy(network), torch.device(d)) for d in ("cpu", "cuda"))
    times = np.zeros(3, np.float32)
    expected, found = (runtime.run(frames, None, ("attention", "experts"), 64, times) for runtime in (on_cpu, on_gpu))
    for stream, maps in expected.streams.items():
        assert np.abs(found.streams[stream] - maps).max() <= 1e-4 * maps.max(), stream


def test_a_run_of_training_learns_in_half_precision(tmp_path):
    from atsal.training.overfit import overfit
    from atsal.training.trainer import Machine

    machine = Machine(torch.device("cuda"), workers=2, checkpoint_steps=100)
    assert overfit(tmp_path, machine, epochs=16, say=lambda _line: None, status=lambda _line: None) > 0.9
