import copy
import dataclasses
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from atsal import load_model
from atsal.errors import ConfigError, MissingDependencyError, PredictionError, ShapeError
from atsal.models.config import ModelConfig
from atsal.models.front_prior import PHOTO
from atsal.models.loading import build_network, find_weights, new_parts
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes import RUNTIME_CHOICES, RUNTIMES, Runtime, start_session, torch_sessions
from atsal.prediction.runtimes.graph_cache import CachedGraph
from atsal.prediction.runtimes.graph_session import GraphSession
from atsal.prediction.runtimes.onnx import ONNX
from atsal.prediction.runtimes.onnx_graph import trace_onnx
from atsal.prediction.runtimes.torch_sessions import CudaSession, TorchCpuSession
from atsal.prediction.streams import STREAMS, finish_maps
from atsal.video.reader import Frame
from atsal.video.synthetic_scene import Scene

CPU = torch.device("cpu")
TOLERANCE = 1e-4
TIMES = (np.arange(7) / 5).astype(np.float32)


@pytest.fixture(scope="module")
def frames():
    """Seven frames of a scene at the network's size."""
    return np.stack([Scene(7).render(160, number / 5) for number in range(7)])


@pytest.fixture(scope="module")
def expected(frames):
    """What float64 makes of them, frame by frame."""
    network = build_network(find_weights("lite")).compute_in(torch.float64)
    state, found = None, []
    for frame in frames:
        erp = torch.from_numpy(frame).permute(2, 0, 1)[None].double()
        with torch.inference_mode():
            raw = network(erp, state)
            seconds = torch.tensor([len(found) / 5], dtype=torch.float64)
            maps = finish_maps(network, {"attention": raw.attention, "experts": raw.experts}, STREAMS, seconds)
        state = raw.state
        found.append({s: maps[s][0, 0].numpy() for s in STREAMS} | {"state": state[0].numpy()})
    return {name: np.stack([one[name] for one in found]) for name in (*STREAMS, "state")}


@pytest.fixture(scope="module", params=[(name, threads) for name in RUNTIMES for threads in (1, 2)], ids=str)
def session(request):
    """On one thread, and with a thread for each stream."""
    name, threads = request.param
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield start_session(name, build_network(find_weights("lite")), CPU)
    finally:
        torch.set_num_threads(before)


def apart(found, expected):
    """The largest difference, as a share of the highest value."""
    return np.abs(found - expected).max() / np.abs(expected).max()


def cc(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def test_every_runtime_equals_float64_over_a_video(session, frames, expected):
    rows = expected["fused"].shape[1]
    state, at = None, 0
    for count in (1, 4, 2):  # whole groups, and fewer frames than the runtime likes
        maps, states = session.run(frames[at : at + count], state, STREAMS, rows, TIMES[at : at + count])
        for stream in STREAMS:
            assert maps[stream].dtype == np.float32
            assert apart(maps[stream], expected[stream][at : at + count]) <= TOLERANCE, stream
        assert apart(states, expected["state"][at : at + count]) <= TOLERANCE
        state, at = states[-1], at + count


def test_frames_of_one_call_equal_a_call_a_frame(session, frames):
    together, states = session.run(frames, None, STREAMS, 80, TIMES)
    state = None
    for number in range(len(frames)):
        own = slice(number, number + 1)
        alone, after = session.run(frames[own], state, STREAMS, 80, TIMES[own])
        state = after[-1]
        assert apart(state, states[number]) <= 1e-5
        for stream in STREAMS:
            assert apart(alone[stream], together[stream][own]) <= 1e-5, (stream, number)


class Watched:
    """Compiles to functions that fail when two threads run one of them."""

    map_of_one_frame = np.ones((1, 80, 160), np.float32)

    def __init__(self):
        self.compiled = []

    def compile_part(self, session, part):
        turn = Lock()
        self.compiled.append(part)

        def run(inputs):
            assert turn.acquire(blocking=False), "two threads run one graph"
            sleep(0.02)
            turn.release()
            maps = [self.map_of_one_frame]
            return maps if part == "attention" else [*maps, inputs["state"] + 1]

        return run


def test_two_threads_never_run_one_compiled_graph():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        watched = Watched()
        session = GraphSession(ONNX, build_network(find_weights("lite")), "float32", watched.compile_part)
        frames = np.zeros((12, 160, 320, 3), np.uint8)
        for _ in range(2):
            _, states = session.run(frames, None, STREAMS, 80, np.zeros(12, np.float32))
            assert states[:, 0, 0, 0, 0].tolist() == list(range(1, 13))
            session.run(frames, None, ("attention",), 80, np.zeros(12, np.float32))
    finally:
        torch.set_num_threads(before)
    assert sorted(watched.compiled) == ["attention", "attention", "experts"], "a graph a thread, kept for later calls"


def test_a_new_video_forgets_the_last_one(session, frames, expected):
    _, states = session.run(frames[3:5], None, ("experts",), 80, TIMES[3:5])
    again, first = session.run(frames[:1], None, ("experts",), 80, TIMES[:1])
    _, with_past = session.run(frames[:1], states[-1], ("experts",), 80, TIMES[:1])
    assert apart(again["experts"], expected["experts"][:1]) <= TOLERANCE
    assert apart(with_past, first) > 10 * TOLERANCE


def test_the_time_of_a_frame_counts(session, frames):
    """Each frame has the prior of its own time, a photo that of photos."""
    same = frames[[0, 0, 0]]
    times = np.array([0.0, 60.0, PHOTO], np.float32)
    maps, _ = session.run(same, None, ("attention",), 80, times)
    start, later, photo = maps["attention"]
    for one, time in ((start, 0.0), (later, 60.0), (photo, PHOTO)):
        prior = session.network.prior(torch.tensor([time]))[0, 0].numpy()
        np.testing.assert_allclose(one / prior, start / session.network.prior(torch.zeros(1))[0, 0].numpy(), rtol=1e-3)
    assert apart(later, start) > 0.01
    assert apart(photo, later) > 0.01


@pytest.mark.parametrize("streams", [("attention",), ("experts",), ("fused",), ("experts", "attention")])
def test_only_the_streams_asked_for(session, frames, expected, streams):
    maps, states = session.run(frames[:2], None, streams, 80, TIMES[:2])
    assert tuple(maps) == streams
    assert (states is None) == (streams == ("attention",))
    for stream in streams:
        assert apart(maps[stream], expected[stream][:2]) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(("name", "stream"), [("openvino", "experts"), ("onnx", "attention")])
def test_the_published_layers_run_in_graphs(name, stream):
    """Small faces and frames: the whole network takes seconds a frame."""
    config = ModelConfig("paper", erp_height=64, map_height=64, face_size=32, channel_order="bgr")
    torch.manual_seed(0)
    network = ATSal(config, **new_parts(config)).eval().requires_grad_(False)
    small = np.stack([Scene(7).render(64, number / 5) for number in range(2)])
    one, _ = start_session("torch", copy.deepcopy(network), CPU).run(small, None, (stream,), 64, TIMES[:2])
    other, _ = start_session(name, network, CPU).run(small, None, (stream,), 64, TIMES[:2])
    assert np.abs(one[stream] - other[stream]).max() <= TOLERANCE


def test_half_precision_in_openvino_keeps_the_maps(frames, expected):
    session = start_session("openvino", build_network(find_weights("lite")), CPU, "half")
    maps, _ = session.run(frames, None, STREAMS, 80, TIMES)
    for stream in STREAMS:
        assert min(cc(a, b) for a, b in zip(maps[stream], expected[stream], strict=True)) >= 0.999, stream


def test_the_gpu_runtime_has_the_same_shapes_and_types(frames, expected):
    """On the CPU, in half precision: what can be known of it without a GPU."""
    session = CudaSession(build_network(find_weights("lite")), CPU, "half")
    maps, states = session.run(frames[:2], None, STREAMS, 80, TIMES[:2])
    later, after = session.run(frames[2:3], states[-1], STREAMS, 80, TIMES[2:3])
    assert states.shape == expected["state"][:2].shape
    assert states.dtype == np.float32
    for stream in STREAMS:
        assert maps[stream].dtype == np.float32
        both = np.concatenate([maps[stream], later[stream]])
        assert min(cc(a, b) for a, b in zip(both, expected[stream], strict=False)) >= 0.99, stream
    _, forgetful = session.run(frames[2:3], None, ("experts",), 80, TIMES[2:3])
    errors = [np.abs(found - expected["state"][2:3]).mean() for found in (after, forgetful)]
    assert errors[0] < 0.5 * errors[1]


def test_the_gpu_runtime_has_the_prior_of_each_time_in_half_precision(frames):
    """A photo among frames of a video, on the CPU."""
    network = build_network(find_weights("lite"))
    times = np.array([0.0, PHOTO, 60.0], np.float32)
    known = network.prior(torch.from_numpy(times))[:, 0].numpy()
    maps, _ = CudaSession(network, CPU, "half").run(frames[[0, 0, 0]], None, ("attention",), 80, times)
    content = maps["attention"] / known
    for one in content[1:]:
        np.testing.assert_allclose(one, content[0], rtol=0.02)
    assert apart(maps["attention"][1], maps["attention"][0]) > 0.05


class FakeCapture:
    """In place of a captured graph, which takes so many frames and no more."""

    def __init__(self, step, frames, device):
        self._step, self._inputs = step, step.examples(frames)

    def __call__(self, given):
        torch_sessions._fill(self._inputs, given)
        return self._step(*self._inputs)


@pytest.mark.parametrize("streams", [STREAMS, ("attention",)])
def test_more_frames_than_the_gpu_takes_run_one_after_the_other(frames, monkeypatch, streams):
    """On the CPU, with a stand-in for the graph: a group of 3 where a graph of 2 was captured."""
    monkeypatch.setattr(torch_sessions, "CapturedStep", FakeCapture)
    session = CudaSession(build_network(find_weights("lite")), CPU)
    at_once = session.run(frames[:3], None, streams, 80, TIMES[:3])
    session.device, session.frames = SimpleNamespace(type="cuda"), 2
    found = session.run(frames[:3], None, streams, 80, TIMES[:3])
    for stream in streams:
        np.testing.assert_allclose(found.streams[stream], at_once.streams[stream], atol=1e-5)
    if "experts" in streams:
        np.testing.assert_allclose(found.states, at_once.states, atol=1e-5)
    else:
        assert found.states is None


def test_small_networks_get_a_thread_a_stream():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        session = start_session("torch", build_network(find_weights("lite")), CPU)
        assert session.threads == 1
        assert session._submit(torch.get_num_threads).result() == 1, "in the thread of a stream"
        with ThreadPoolExecutor(1) as pool:  # as in any thread that the program starts from now on
            assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_every_runtime_is_offered_with_its_help():
    assert list(RUNTIME_CHOICES) == ["auto", "torch", "openvino", "onnx"]
    assert all(RUNTIME_CHOICES.values())


def test_an_added_runtime_is_started_and_its_limits_are_kept(scene, monkeypatch):
    """One object: a runtime that runs the plain layers in PyTorch."""

    def start(network, device, precision):
        return TorchCpuSession(network)

    monkeypatch.setitem(RUNTIMES, "other", Runtime("other", "another one", start))
    monkeypatch.setitem(RUNTIME_CHOICES, "other", "another one")
    expected, found = (
        load_model("lite", device="cpu", runtime=name).predict_image(scene, stream="attention")
        for name in ("torch", "other")
    )
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ConfigError, match="'other' computes in float32"):
        load_model("lite", device="cpu", runtime="other", precision="half")
    monkeypatch.setitem(RUNTIMES, "other", Runtime("other", "another one", start, ("no_such_package",), "some"))
    with pytest.raises(MissingDependencyError, match=r"needs the packages no_such_package: .*atsal\[some\]"):
        load_model("lite", device="cpu", runtime="other")


def test_two_threads_may_be_the_first_to_use_openvino():
    """Its first array initialises its access to numpy; when two threads do that at once, they can wait for ever."""
    script = """
        import threading
        import numpy as np
        from onnx import TensorProto, helper
        from atsal.prediction.runtimes.openvino import _load

        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
        graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", values[:1], values[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        core = _load()[0]
        compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_NUM_THREADS": 1})
        barrier = threading.Barrier(64)

        def run(request):
            barrier.wait()
            request.infer({"x": np.ones(1, np.float32)}, share_inputs=True, share_outputs=True)

        threads = [threading.Thread(target=run, args=(compiled.create_infer_request(),)) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "device", "changes", "precision", "message"),
    [
        ("openvine", "cpu", {}, "float32", "did you mean 'openvino'"),
        ("torch", "cpu", {}, "double", "precision 'double'"),
        ("torch", "cpu", {}, "half", "take runtime 'openvino'"),
        ("onnx", "cpu", {}, "half", "computes in float32"),
        ("openvino", "meta", {}, "float32", "runs on the CPU, not on meta"),
        ("onnx", "cpu", {"procedure": "published"}, "float32", "take runtime 'torch'"),
    ],
)
def test_what_a_runtime_cannot_do_is_refused(name, device, changes, precision, message):
    network = build_network(find_weights("lite"))
    network.procedure = changes.get("procedure", "corrected")
    with pytest.raises(ConfigError, match=message):
        start_session(name, network, torch.device(device), precision)


def test_the_published_procedure_goes_to_torch_by_itself():
    network = build_network(find_weights("lite"))
    network.procedure = "published"
    assert start_session("auto", network, CPU).runtime.name == "torch"
    with pytest.raises(ConfigError, match="torch"):
        trace_onnx(network, STREAMS)


def test_without_the_extra_auto_takes_torch_and_asking_says_how(tmp_path):
    """In a Python in which neither can be imported."""
    script = """
        import importlib.util
        real = importlib.util.find_spec
        hidden = ("openvino", "onnxruntime")
        importlib.util.find_spec = lambda name, *rest: None if name in hidden else real(name, *rest)
        import atsal
        print(atsal.load_model("lite").runtime.name)
        for name in ("openvino", "onnx"):
            try:
                atsal.load_model("lite", runtime=name)
            except atsal.AtsalError as error:
                print(type(error).__name__, error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    first, *others = run.stdout.splitlines()
    assert first == "torch"
    for line, extra in zip(others, ("openvino", "onnx"), strict=True):
        assert line.startswith(MissingDependencyError.__name__)
        assert f'pip install "atsal[{extra}]"' in line


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(RuntimeError("not enough memory"), "smaller --face-size"), (PredictionError("runtime 'x' failed"), "failed$")],
)
def test_a_failing_network_names_its_frames(predictor, scene, monkeypatch, error, remedy):
    def fail(*_arguments):
        raise error

    monkeypatch.setattr(predictor.session, "run", fail)
    with pytest.raises(PredictionError, match=rf"frames 5 to 5 \(from 0.500 s\): the network failed: .*{remedy}"):
        list(predictor.run([Frame(5, 0.5, scene)]))


@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_errors_of_a_runtime_become_ours(name, frames, monkeypatch):
    monkeypatch.setattr(CachedGraph, "read", lambda _self: None)
    session = start_session(name, build_network(find_weights("lite")), CPU)
    with pytest.raises(PredictionError, match=f"runtime '{name}' failed .*--runtime torch"):
        session.run(frames[:1, ::2, ::2], None, ("attention",), 80, TIMES[:1])
    session.trace = lambda _part: b"no graph"
    with pytest.raises(PredictionError, match=f"runtime '{name}' failed"):
        session.run_experts(frames[:1], None)


def test_a_state_of_another_model_is_refused(predictor, scene):
    with pytest.raises(ShapeError, match=r"state of shape \(6, 2, 2\): expected \(6, 96"):
        predictor.step(scene, np.zeros((6, 2, 2), np.float32), ("fused",), seconds=0)


def test_a_bad_frame_is_named_after_the_results_before_it(predictor, scene):
    frames = [Frame(i, i / 10, scene if i < 2 else scene[:, :100]) for i in range(3)]
    results = predictor.run(frames)
    assert [next(results)[0].frame_index for _ in range(2)] == [0, 1]
    with pytest.raises(ShapeError, match="frame 2 of 100x160 pixels"):
        next(results)


def test_runs_in_every_runtime_give_the_same_videos(clip):
    found = {
        name: list(load_model("lite", runtime=name, device="cpu").predict_video(clip, streams=("fused",)))
        for name in RUNTIMES
    }
    for name in found.keys() - {"torch"}:
        for one, other in zip(found["torch"], found[name], strict=True):
            assert dataclasses.astuple(one)[:2] == dataclasses.astuple(other)[:2]
            assert apart(other.saliency, one.saliency) <= TOLERANCE
