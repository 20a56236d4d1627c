import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest

import atsal.prediction.export as exporting
from atsal import load_model
from atsal.errors import MissingDependencyError, OutputError
from atsal.models.loading import build_network, find_weights
from atsal.prediction.runtimes import onnx_graph
from atsal.prediction.runtimes.graph_cache import cached_onnx
from atsal.prediction.streams import STREAMS
from atsal.video.image_writer import write_rgb_png
from atsal.video.reader import Frame
from atsal.video.synthetic_scene import Scene


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "lite.onnx"
    assert exporting.export_onnx("lite", path) <= 1e-4
    return path


def test_one_file_tells_how_to_run_it(exported):
    described = json.loads({p.key: p.value for p in onnx.load(exported).metadata_props}["atsal"])
    session = onnxruntime.InferenceSession(exported)
    assert (
        [x.name for x in session.get_inputs()] == list(described["inputs"]) == ["frames", "state", "carry", "seconds"]
    )
    assert [x.name for x in session.get_outputs()] == list(described["outputs"])
    network = build_network(find_weights("lite"))
    rows = network.config.map_height
    assert [x.shape for x in session.get_outputs()] == [[1, rows, 2 * rows]] * 3 + [list(network.state_shape)]
    assert described["weights_sha256"] == find_weights("lite").checksum


WEBGPU = frozenset(
    re.findall(
        r"\w+",
        """Abs Acos Acosh Add ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip Concat
        Conv ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp
        Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool
        Greater GreaterOrEqual GridSample HardSigmoid HardSwish If InstanceNormalization LayerNormalization
        LeakyRelu Less LessOrEqual Log MatMul MaxPool Mul Neg Not Pad Pow Range Reciprocal ReduceL1 ReduceL2
        ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
        Relu Reshape Resize ScatterND Sigmoid Sin Sinh Slice Softmax Split Sqrt Squeeze Sub Tan Tanh
        ThresholdedRelu Tile Transpose Unsqueeze Where""",
    )
)  # docs/webgpu-operators.md of onnxruntime-web 1.30; Reshape, which moves nothing, and Shape have no kernel


def test_every_operator_runs_on_webgpu(exported, tmp_path):
    """Those that are left once constants are worked out, which runtimes do when they load a file."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
    left = {node.op_type for node in onnx.load(tmp_path / "folded.onnx").graph.node}
    assert "Conv" in left
    assert left <= WEBGPU
    stored = {node.op_type for node in onnx.load(exported).graph.node}
    assert not [name for name in stored if "Sequence" in name]
    assert {node.domain for node in onnx.load(exported).graph.node} == {""}


def test_kernels_are_stored_in_half_precision_and_nothing_is_lost(exported):
    network = build_network(find_weights("lite"))
    kernels = {name: value for name, value in network.named_parameters() if value.ndim == 4}
    assert exported.stat().st_size < 2 * sum(value.numel() for value in kernels.values()) + 2_400_000
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(exported).graph.initializer}
    halves = [array for array in stored.values() if array.dtype == np.float16 and array.ndim == 4]
    assert halves
    known = {value.numpy().tobytes() for value in kernels.values()}
    assert all(array.astype(np.float32).tobytes() in known for array in halves)
    step = onnx_graph.RecurrentStep(network, STREAMS)
    given = {name: x.numpy() for name, x in zip(step.input_names, step.examples(1), strict=True)}
    given["frames"] = Scene(2).render(160, 0.0)[None]
    plain, small = (
        onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, given)
        for file in (onnx_graph.trace_onnx(network, STREAMS), exported)
    )
    for one, other in zip(plain, small, strict=True):
        np.testing.assert_array_equal(one, other)


def test_direction_and_front_are_fixed_in_the_file(tmp_path):
    path = tmp_path / "head.onnx"
    exporting.export_onnx("lite", path, streams=("attention",), direction="head", front_deg=90.0)
    described = json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["atsal"])
    assert (described["direction"], described["front_deg"]) == ("head", 90.0)
    assert "-1 for a photo" in described["inputs"]["seconds"]
    image = Scene(2).render(160, 0.0)
    model = load_model("lite", device="cpu", runtime="torch", direction="head", front_deg=90.0)
    session = onnxruntime.InferenceSession(path)
    assert [x.name for x in session.get_inputs()] == ["frames", "seconds"], "the attention stream has no state"
    assert [x.name for x in session.get_outputs()] == ["attention"]
    for seconds in (0.0, 2.0, None):
        given = {"frames": image[None], "seconds": np.array([-1.0 if seconds is None else seconds], np.float32)}
        (found,) = session.run(["attention"], given)
        expected = model.predict_image(image, stream="attention", height=model.config.map_height, seconds=seconds)
        assert np.abs(found[0] - expected).max() <= 1e-4 * expected.max()


def test_the_example_of_the_documents_runs_without_this_package(exported, tmp_path, pytestconfig):
    """It is cut out of docs/export.md, and atsal and torch cannot be imported."""
    text = (pytestconfig.rootpath / "docs" / "export.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for number in range(3):
        write_rgb_png(tmp_path / f"{number}.png", Scene(2).render(160, number / 5))
    (tmp_path / "lite.onnx").write_bytes(exported.read_bytes())
    blocked = "import sys; sys.modules['torch'] = sys.modules['atsal'] = None\n"
    (tmp_path / "example.py").write_text(blocked + textwrap.dedent(example), encoding="utf-8")
    subprocess.run([sys.executable, "example.py", "0.png", "1.png", "2.png"], cwd=tmp_path, check=True)
    model, state = load_model("lite", runtime="torch"), None
    for number in range(3):
        image = Scene(2).render(160, number / 5)
        maps, state = model.step(image, state, ("fused",), model.config.map_height, seconds=number / 30)
        assert np.abs(np.load(tmp_path / f"{number}.npy") - maps["fused"]).max() <= 1e-4


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_a_graph_that_differs_is_not_written(tmp_path, monkeypatch, value):
    class Wrong:
        def __init__(self, *_arguments, **_settings):
            pass

        def run(self, _names, inputs):
            height = inputs["frames"].shape[1] // 2
            return [np.full((1, height, 2 * height), value, np.float32)]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Wrong)
    with pytest.raises(OutputError, match=r"differs by .* from PyTorch"):
        exporting.export_onnx("lite", tmp_path / "lite.onnx", streams=("attention",))
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays(tmp_path):
    path = tmp_path / "lite.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="--overwrite"):
        exporting.export_onnx("lite", path)
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_extra_it_says_how_to_get_it(tmp_path, monkeypatch, package):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else real(name, *rest))
    with pytest.raises(MissingDependencyError, match=r'pip install "atsal\[onnx\]"'):
        exporting.export_onnx("lite", tmp_path / "lite.onnx")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ATSAL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def experts_graph():
    """A graph that takes a while to make, for the tests of what is done with it."""
    return onnx_graph.trace_onnx(build_network(find_weights("lite")), ("experts",), raw=True)


@pytest.fixture
def traced(monkeypatch):
    """The graphs that were traced: in place of graphs, their numbers."""
    made = []

    def numbered(*_arguments, **_settings):
        made.append(b"graph %d" % len(made))
        return made[-1]

    monkeypatch.setattr(onnx_graph, "trace_onnx", numbered)
    return made


def test_graphs_are_kept_until_the_weights_change(home, traced):
    network = build_network(find_weights("lite"))
    assert cached_onnx(network, ("attention",)) == cached_onnx(network, ("attention",))
    assert len(traced) == 1
    network.attention.decoder.head.bias.data += 1
    assert cached_onnx(network, ("attention",)) != traced[0]
    assert len(traced) == len(list((home / "graphs").iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"\0" * 1000])
def test_a_damaged_graph_is_made_anew(home, traced, damage):
    network = build_network(find_weights("lite"))
    cached_onnx(network, ("attention",))
    (file,) = (home / "graphs").iterdir()
    file.write_bytes(damage)
    assert cached_onnx(network, ("attention",)) == traced[1]
    assert cached_onnx(network, ("attention",)) == traced[1]
    assert len(traced) == 2


@pytest.mark.parametrize(
    "damage",
    [None, b"", hashlib.sha256(b"no model").digest() + b"no model"],
    ids=["whole", "empty", "another file of ours"],
)
def test_openvino_keeps_what_it_compiled(home, experts_graph, scene, monkeypatch, damage):
    traced = []

    def trace(*_arguments, **_settings):
        traced.append(experts_graph)
        return experts_graph

    monkeypatch.setattr(onnx_graph, "trace_onnx", trace)
    frames = [Frame(number, number / 10, np.roll(scene, 40 * number, 1)) for number in range(2)]

    def predicted() -> list[np.ndarray]:
        results = load_model("lite", runtime="openvino", device="cpu").run(frames, streams=("experts",))
        return [array for result, state in results for array in (result.experts, state)]

    first = predicted()
    (compiled,) = (file for file in (home / "graphs").iterdir() if traced[0] not in file.read_bytes())
    made = compiled.read_bytes()
    if damage is not None:
        compiled.write_bytes(damage)
    kept = compiled.stat().st_mtime_ns
    assert all(np.array_equal(one, other) for one, other in zip(first, predicted(), strict=True))
    assert len(traced) == 1  # the ONNX graph was not damaged
    assert (compiled.stat().st_mtime_ns == kept) == (damage is None)
    assert len(compiled.read_bytes()) > len(made) / 2


def test_a_compiled_graph_that_cannot_be_kept_runs_all_the_same(home, scene, monkeypatch):
    def fail(_model: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(openvino.CompiledModel, "export_model", fail)
    assert load_model("lite", runtime="openvino", device="cpu").predict_image(scene, stream="attention").max() > 0
    assert len(list((home / "graphs").iterdir())) == 1


def test_a_cache_that_cannot_be_written_does_no_harm(home, scene):
    home.write_text("a file where the folder should be")
    assert load_model("lite", runtime="openvino", device="cpu").predict_image(scene, stream="attention").max() > 0
