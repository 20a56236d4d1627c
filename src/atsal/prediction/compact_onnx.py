"""Make an ONNX graph small enough to download: each constant once, and in half precision where that is exact."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

_LEAST_BYTES = 1024  # smaller tensors are not worth an operator


def compact(model: Any) -> None:
    """Make an `onnx.ModelProto` smaller, in place. What it computes stays the same to the last bit.

    Constants become initialisers, each stored once. Those that half precision holds exactly, like the kernels of lite,
    are stored in it, followed by a cast to float32 that runtimes evaluate once, at load.
    """
    graph = model.graph
    _turn_constants_into_initialisers(graph)
    _remove_copies(graph)
    _store_in_half_precision(graph)


def _turn_constants_into_initialisers(graph: Any) -> None:
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            nodes.append(node)
    _replace(graph.node, nodes)


def _remove_copies(graph: Any) -> None:
    """Remove copies of tensors, and nodes that pass a tensor on unchanged."""
    from onnx import numpy_helper  # noqa: PLC0415 - an extra

    first: dict[tuple[Any, ...], str] = {}
    renamed: dict[str, str] = {}
    tensors = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        content = hashlib.sha256(values.tobytes()).digest()
        name = first.setdefault((tensor.data_type, values.shape, content), tensor.name)
        if name == tensor.name:
            tensors.append(tensor)
        else:
            renamed[tensor.name] = name
    outputs = {output.name for output in graph.output}
    nodes = []
    for node in graph.node:  # in the order of computation
        for number, name in enumerate(node.input):
            node.input[number] = renamed.get(name, name)
        if node.op_type == "Identity" and node.output[0] not in outputs:
            renamed[node.output[0]] = node.input[0]
        else:
            nodes.append(node)
    _replace(graph.initializer, tensors)
    _replace(graph.node, nodes)


def _store_in_half_precision(graph: Any) -> None:
    """Store in half precision the tensors that it holds exactly."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - an extra

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.nbytes >= _LEAST_BYTES and np.array_equal(half.astype(np.float32), values):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], f"{name}_cast", to=TensorProto.FLOAT))
    _replace(graph.node, [*casts, *graph.node])


def _replace(repeated: Any, items: Iterable[Any]) -> None:
    """Replace the items of a repeated field."""
    copies = list(items)
    del repeated[:]
    repeated.extend(copies)
