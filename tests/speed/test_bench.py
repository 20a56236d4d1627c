import importlib.util
import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from atsal.errors import AtsalError, MediaError, MissingDependencyError
from atsal.models.loading import build_network, find_weights
from atsal.prediction.streams import finish_maps
from atsal.speed.bench import Bench, _left_out, bench, gflop_per_frame
from atsal.speed.file_speed import run_in_process
from atsal.speed.published_procedure import PublishedProcedure
from atsal.speed.tables import tables
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import render_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    render_video(path, seconds=0.5, frame_rate=10, erp_height=320, seed=0)
    return path


def test_the_published_procedure_gives_the_same_maps(clip):
    network = build_network(find_weights("lite"))
    state = None
    published = PublishedProcedure(build_network(find_weights("lite")))
    states = published.new_states()
    for frame in read_frames(clip, size=(320, 160)):
        raw_maps = published.run_attention(frame.image), published.run_experts(frame.image, states)
        found = published.fuse(*raw_maps, frame.timestamp_s)
        erp = torch.from_numpy(frame.image.copy()).permute(2, 0, 1)[None].float()
        with torch.inference_mode():
            raw = network(erp, state)
            seconds = torch.tensor([frame.timestamp_s])
            maps = finish_maps(network, {"attention": raw.attention, "experts": raw.experts}, ("fused",), seconds)
        state = raw.state
        expected = maps["fused"][0, 0].numpy()
        assert np.abs(found - expected).max() < 1e-5 * expected.max()


def test_without_scipy_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingDependencyError, match=r"atsal\[bench\]"):
        PublishedProcedure(build_network(find_weights("lite")))


def test_it_says_what_was_left_out_and_how_to_get_it(monkeypatch):
    real = importlib.util.find_spec
    hidden = ("onnxruntime", "scipy")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in hidden else real(name))
    cpu = torch.device("cpu")
    runtime, published = _left_out(Bench(), cpu)
    assert 'runtime onnx: pip install "atsal[onnx]"' in runtime
    assert 'needs SciPy: pip install "atsal[bench]"' in published
    assert _left_out(Bench(runtimes=("torch",), published=False), cpu) == []


@pytest.mark.slow
def test_a_bench_tells_what_it_measured(clip):
    document = bench(Bench(video=clip, rounds=1, runtimes=("torch", "openvino")))
    json.dumps(document, allow_nan=False)
    network = document["network"]
    for name in ("torch", "openvino", "published"):
        found = network[name]
        assert found["frames_per_s"] == pytest.approx(1000 / found["ms"])
        assert found["share_of_floor"] == pytest.approx(network["floor_ms"] / found["ms"])
    for name in ("openvino", "published"):
        assert network[name]["largest_difference"] < 1e-3
        assert network[name]["lowest_cc"] > 0.9999
    for name in ("torch", "openvino"):
        of_file = document["file"][name]
        assert of_file["share_of_decoding"] == pytest.approx(
            of_file["frames_per_s"] / document["file"]["decode_and_scale_frames_per_s"]
        )
        assert of_file["peak_memory_mib"] > 100
    assert document["video"]["frames"] == 5
    assert document["machine"]["versions"]["torch"] == torch.__version__
    text = [part if isinstance(part, str) else part.row_count for part in tables(document)]
    assert len(text) == 6


def test_flops_are_two_a_multiplication_and_addition():
    network = build_network(find_weights("lite"))
    counted = []

    def count(layer, _inputs, output):
        counted.append(2 * output.numel() * layer.weight[0].numel())

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count)
    gflop = gflop_per_frame(network)
    assert gflop == pytest.approx(sum(counted) / 1e9, rel=0.05)  # and the smoothing


def test_peak_memory_is_what_was_held_once():
    script = """
        import numpy as np
        from atsal.speed.machine import peak_memory_mib
        before = peak_memory_mib()
        np.ones(300 << 17)  # 300 MB, given back at once
        print(peak_memory_mib() - before)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert 250 < float(run.stdout) < 350


def test_a_process_that_is_ended_is_no_wait_for_ever():
    with pytest.raises(AtsalError, match="was ended"):
        run_in_process(os._exit, 9)


def test_a_video_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"missing\.mp4"):
        bench(Bench(video=tmp_path / "missing.mp4", rounds=1))
