"""The same numbers on a CUDA device: `make test-gpu`."""

import numpy as np
import pytest
import torch

from atsal import load_model
from atsal.synthetic import Scene
from atsal.video.reader import Frame

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_a_run_with_state_equals_the_cpu():
    on_cpu, on_gpu = load_model("lite", device="cpu"), load_model("lite", device="cuda")
    states = [None, None]
    for time_s in (0.0, 0.2, 0.4):
        image = Scene(0).render(320, time_s)
        (expected, states[0]), (found, states[1]) = (
            model.step(image, state, ("fused", "attention", "experts"))
            for model, state in zip((on_cpu, on_gpu), states, strict=True)
        )
        for stream, saliency in expected.items():
            assert np.abs(found[stream] - saliency).max() <= 1e-4, stream


def test_a_captured_batch_equals_the_cpu_in_either_precision():
    on_cpu = load_model("lite", device="cpu", runtime="torch")
    for precision, tolerance in (("float32", 1e-4), ("half", 2e-2)):
        on_gpu = load_model("lite", device="cuda", precision=precision)
        count = 2 * on_gpu.runtime.frames + 3  # two captured batches, and a rest
        frames = [Frame(i, i / 10, Scene(0).render(320, i / 10)) for i in range(count)]
        pairs = zip(on_cpu.run(frames), on_gpu.run(frames), strict=True)
        for (expected, _), (found, _) in pairs:
            assert np.abs(found.saliency - expected.saliency).max() <= tolerance * expected.saliency.max()
            assert np.corrcoef(found.saliency.ravel(), expected.saliency.ravel())[0, 1] >= 0.999


def test_published_layers_equal_the_cpu():
    from fakes.published import synthetic_attention

    network, x = synthetic_attention(), torch.rand(1, 3, 64, 128) * 100
    with torch.inference_mode():
        expected = network(x)
        load_model("lite", device="cuda")  # sets the precision of convolutions
        found = network.cuda()(x.cuda())
    for one, other in zip(expected, found, strict=True):
        assert (one - other.cpu()).abs().max() <= 1e-4


def test_a_run_of_training_learns_in_half_precision(tmp_path):
    from atsal.training.overfit import overfit
    from atsal.training.trainer import Machine

    machine = Machine(torch.device("cuda"), workers=2, checkpoint_steps=100)
    assert overfit(tmp_path, machine, epochs=16, say=lambda _line: None, status=lambda _line: None) > 0.9
