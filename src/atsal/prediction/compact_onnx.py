"""An ONNX graph in few bytes, for a file that is downloaded: each constant once, and in half precision where exact."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

_WORTH = 1024  # bytes from which a tensor is worth an operator


def compact(model: Any) -> None:
    """Make an `onnx.ModelProto` smaller, in place; what it computes stays the same to the last bit.

    Constants become initialisers, each kept once. Those that half precision holds exactly, as the kernels of lite, are
    stored in it, followed by a cast to float32 that runtimes evaluate once, at load.
    """
    graph = model.graph
    _name_constants(graph)
    _keep_each_once(graph)
    _halve(graph)


def _name_constants(graph: Any) -> None:
    """Turn nodes that hold a tensor into initialisers."""
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            kept.append(node)
    _replace(graph.node, kept)


def _keep_each_once(graph: Any) -> None:
    """Drop copies of tensors, and the nodes that pass a tensor on as it is."""
    from onnx import numpy_helper  # noqa: PLC0415 - an extra

    first: dict[tuple[Any, ...], str] = {}
    stands_for: dict[str, str] = {}
    kept_tensors = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        content = hashlib.sha256(values.tobytes()).digest()
        name = first.setdefault((tensor.data_type, values.shape, content), tensor.name)
        if name == tensor.name:
            kept_tensors.append(tensor)
        else:
            stands_for[tensor.name] = name
    outputs = {output.name for output in graph.output}
    kept_nodes = []
    for node in graph.node:  # which come in the order of computation
        for number, name in enumerate(node.input):
            node.input[number] = stands_for.get(name, name)
        if node.op_type == "Identity" and node.output[0] not in outputs:
            stands_for[node.output[0]] = node.input[0]
        else:
            kept_nodes.append(node)
    _replace(graph.initializer, kept_tensors)
    _replace(graph.node, kept_nodes)


def _halve(graph: Any) -> None:
    """Store in half precision what it holds exactly."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - an extra

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.nbytes >= _WORTH and np.array_equal(half.astype(np.float32), values):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], f"{name}_cast", to=TensorProto.FLOAT))
    _replace(graph.node, [*casts, *graph.node])


def _replace(repeated: Any, items: Iterable[Any]) -> None:
    """Give a repeated field these items."""
    copies = list(items)
    del repeated[:]
    repeated.extend(copies)
