"""Export a model as one ONNX file that runs without this package: pixels and state in, maps and state out."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import MissingDependencyError, OutputError, install_hint
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.models import Direction
from atsal.models.front_prior import PHOTO
from atsal.models.loading import build_network, find_weights
from atsal.models.weight_folder import WeightFolder
from atsal.prediction.compact_onnx import compact
from atsal.prediction.runtimes.onnx import ONNX
from atsal.prediction.runtimes.onnx_graph import NEXT_STATE, OPSET, SECONDS, STATE, RecurrentStep, trace_onnx
from atsal.prediction.streams import STREAMS, choose_streams
from atsal.version import __version__
from atsal.video.synthetic_scene import Scene

TOLERANCE = 1e-4
CHECKED_TIMES_S = (0.0, 0.2, 3.0, PHOTO)  # of the frames on which the file is checked


def export_onnx(
    model: str | Path,
    path: Path | str,
    *,
    streams: Iterable[str] = tuple(STREAMS),
    face_size: int | None = None,
    direction: Direction = "head_eye",
    front_deg: float | None = 0.0,
    overwrite: bool = False,
) -> float:
    """Write the graph of one recurrent step, and return its largest difference in ONNX Runtime from PyTorch.

    `RecurrentStep` explains the inputs and outputs, here for one frame. `direction` and `front_deg` are those of
    `load_model` and are fixed in the file. The metadata of the file has the key "atsal": JSON with the version, the
    configuration, the checksum, and the meaning of the inputs and outputs.

    Raise `OutputError` where the file exists and `overwrite` is off, or where the difference is too large; then nothing
    is written. Raise `MissingDependencyError` without the extra `onnx`.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: is there already; give another name or --overwrite")
    if not ONNX.is_installed():
        raise MissingDependencyError(f"exporting needs the packages onnx and onnxruntime: {install_hint('onnx')}")
    bundle = find_weights(model)
    network = build_network(bundle, face_size=face_size, direction=direction, front_deg=front_deg)
    step = RecurrentStep(network, choose_streams(streams)).eval()
    graph = _complete(trace_onnx(network, step.streams), _describe(bundle, step), _output_shapes(step))
    difference = _largest_difference(graph, step)
    if not difference <= TOLERANCE:
        raise OutputError(
            f"{path}: not written: in ONNX Runtime the graph differs by {difference:.2g} from PyTorch, expected "
            f"{TOLERANCE:g} at most; try other versions of torch and onnxruntime"
        )
    with output_errors(path), atomic_file(path) as part:
        part.write_bytes(graph)
    return difference


def _describe(bundle: WeightFolder, step: RecurrentStep) -> dict[str, Any]:
    """Return what a reader of the file needs, as JSON values."""
    network = step.network
    height, rows, state = network.config.erp_height, network.config.map_height, tuple(network.state_shape)
    texts = {
        "frames": f"(1, {height}, {2 * height}, 3) uint8, an equirectangular frame in RGB",
        STATE: f"{state} float32, next_state of the frame before; zeros at the start of a video",
        "carry": "() float32, 0 at the start of a video, else 1",
        SECONDS: f"(1,) float32, time since the start of the whole video; {PHOTO:g} for a photo",
        NEXT_STATE: f"{state} float32",
    }
    a_map = f"(1, {rows}, {2 * rows}) float32 >= 0, density per unit of solid angle, unscaled"
    return {
        "atsal": __version__,
        "weights_sha256": bundle.checksum,
        "config": network.config.to_dict(),
        "direction": network.direction,
        "front_deg": network.front_deg,
        "opset": OPSET,
        "inputs": {name: texts[name] for name in step.input_names},
        "outputs": {name: texts.get(name, a_map) for name in step.output_names},
    }


def _output_shapes(step: RecurrentStep) -> list[tuple[int, ...]]:
    """Return the shapes of the outputs, in order."""
    rows = step.network.config.map_height
    maps: list[tuple[int, ...]] = [(1, rows, 2 * rows)] * len(step.streams)
    return [*maps, step.network.state_shape] if step.has_experts else maps


def _complete(graph: bytes, description: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> bytes:
    """Return the graph made compact, with its description and the shapes of its outputs, checked by ONNX's rules."""
    import onnx  # noqa: PLC0415 - an extra

    model = onnx.load_model_from_string(graph)
    compact(model)
    for output, shape in zip(model.graph.output, shapes, strict=True):
        del output.type.tensor_type.shape.dim[:]
        for size in shape:
            output.type.tensor_type.shape.dim.add().dim_value = size
    onnx.checker.check_model(model, full_check=True)
    onnx.helper.set_model_props(model, {"atsal": json.dumps(description)})
    return bytes(model.SerializeToString())


def _largest_difference(graph: bytes, step: RecurrentStep) -> float:
    """Return the largest difference of any output over a few frames, as a share of its peak where that is above 1."""
    import onnxruntime  # noqa: PLC0415 - an extra

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    scene, worst = Scene(0), 0.0
    state = np.zeros(step.network.state_shape, np.float32)
    for number, time_s in enumerate(CHECKED_TIMES_S):
        values: dict[str, NDArray[Any]] = {
            "frames": scene.render(step.network.config.erp_height, number / 5)[None],
            STATE: state,
            "carry": np.asarray(float(number > 0), np.float32),
            SECONDS: np.array([time_s], np.float32),
        }
        inputs = {name: values[name] for name in step.input_names}
        found = session.run(None, inputs)
        with torch.inference_mode():
            expected = [x.numpy() for x in step(*map(torch.from_numpy, inputs.values()))]
        for one, other in zip(found, expected, strict=True):
            # np.maximum, unlike max, keeps NaN.
            worst = float(np.maximum(worst, np.abs(one - other).max() / max(1.0, np.abs(other).max())))
        state = found[-1] if step.has_experts else state
    return worst
