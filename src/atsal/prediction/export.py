"""A model as one ONNX file that runs without this package: pixels and state in, maps and state out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import MissingDependencyError, OutputError, install_hint
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.models.directions import Direction
from atsal.models.front_prior import PHOTO
from atsal.models.registry import build_network, find_bundle
from atsal.models.two_stream import ATSal
from atsal.models.weight_folder import Bundle
from atsal.prediction.compact_onnx import compact
from atsal.prediction.runtimes import OnnxRuntime
from atsal.prediction.runtimes.graph import OPSET, SECONDS, Step, onnx_bytes
from atsal.prediction.streams import STREAMS, Stream
from atsal.version import __version__
from atsal.video.synthetic_scene import Scene

TOLERANCE = 1e-4
CHECKED_TIMES_S = (0.0, 0.2, 3.0, PHOTO)  # of the frames on which it is checked


def export_onnx(
    model: str | Path,
    path: Path | str,
    *,
    streams: Sequence[Stream] = STREAMS,
    face_size: int | None = None,
    direction: Direction = "head_eye",
    front_deg: float | None = 0.0,
    overwrite: bool = False,
) -> float:
    """Write the graph of one recurrent step, check it in ONNX Runtime against PyTorch, and return the difference.

    `runtimes.graph.Step` says what goes in and out, for one frame at a time; `direction` and `front_deg`, those of
    `load_model`, are fixed in the file. Its metadata has the key "atsal": JSON with version, configuration, checksum
    and the meaning of inputs and outputs.

    Raises `OutputError` where there is a file already and not `overwrite`, or where the check fails: nothing is written
    then. `MissingDependencyError` without the extra `onnx`.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: is there already; give another name or --overwrite")
    if not OnnxRuntime.is_installed():
        raise MissingDependencyError(f"exporting needs the packages onnx and onnxruntime: {install_hint('onnx')}")
    bundle = find_bundle(model)
    network = build_network(bundle, face_size=face_size, direction=direction, front_deg=front_deg)
    graph = with_metadata(
        onnx_bytes(network, streams), describe(bundle, network, streams), output_shapes(network, streams)
    )
    difference = check(graph, network, streams)
    if not difference <= TOLERANCE:
        raise OutputError(
            f"{path}: not written: in ONNX Runtime the graph differs by {difference:.2g} from PyTorch, expected "
            f"{TOLERANCE:g} at most; try other versions of torch and onnxruntime"
        )
    with output_errors(path), atomic_file(path) as part:
        part.write_bytes(graph)
    return difference


def describe(bundle: Bundle, network: ATSal, streams: Sequence[Stream]) -> dict[str, Any]:
    """What a reader of the file needs, as JSON values."""
    step, height = Step(network, streams), network.config.erp_height
    rows = network.config.map_height
    inputs = {"frames": f"(1, {height}, {2 * height}, 3) uint8, an equirectangular frame in RGB"}
    what = f"(1, {rows}, {2 * rows}) float32 >= 0, density per unit of solid angle, unscaled"
    outputs = {str(stream): what for stream in streams}
    if step.has_experts:
        shape = tuple(network.state_shape)
        inputs |= {"state": f"{shape} float32, next_state of the frame before; zeros at a video's start"}
        inputs |= {"carry": "() float32, 0 at a video's start, else 1"}
        outputs |= {"next_state": f"{shape} float32"}
    if step.has_seconds:
        inputs |= {SECONDS: f"(1,) float32, time since the start of the video, also of a part; {PHOTO:g} for a photo"}
    return {
        "atsal": __version__,
        "weights_sha256": bundle.checksum,
        "config": network.config.to_dict(),
        "direction": network.direction,
        "front_deg": network.front_deg,
        "opset": OPSET,
        "inputs": inputs,
        "outputs": outputs,
    }


def output_shapes(network: ATSal, streams: Sequence[Stream]) -> list[tuple[int, ...]]:
    """The shapes of what a step gives, in order."""
    rows = network.config.map_height
    maps: list[tuple[int, ...]] = [(1, rows, 2 * rows)] * len(streams)
    return [*maps, network.state_shape] if Step(network, streams).has_experts else maps


def with_metadata(graph: bytes, description: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> bytes:
    """Write a description and the shapes of the outputs into the graph, made small, and check it by ONNX's rules."""
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


def check(graph: bytes, network: ATSal, streams: Sequence[Stream]) -> float:
    """The largest difference of any output, state included, over a few frames; of its peak where that is above 1."""
    import onnxruntime  # noqa: PLC0415 - an extra

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    step = Step(network, streams).eval()
    scene, worst = Scene(0), 0.0
    state = np.zeros(network.state_shape, np.float32)
    for number, time_s in enumerate(CHECKED_TIMES_S):
        frame = scene.render(network.config.erp_height, number / 5)[None]
        given: list[NDArray[Any]] = [frame]
        if step.has_experts:
            given += [state, np.asarray(float(number > 0), np.float32)]
        if step.has_seconds:
            given += [np.array([time_s], np.float32)]
        found = session.run(None, dict(zip(step.input_names, given, strict=True)))
        with torch.inference_mode():
            expected = [x.numpy() for x in step(*map(torch.from_numpy, given))]
        for one, other in zip(found, expected, strict=True):
            worst = float(np.maximum(worst, np.abs(one - other).max() / max(1.0, np.abs(other).max())))  # keeps NaN
        state = found[-1] if step.has_experts else state
    return worst
