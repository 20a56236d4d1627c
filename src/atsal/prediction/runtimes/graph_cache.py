"""Graphs of small networks, kept in the user's cache folder: tracing one takes longer than to run a second of video."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

import atsal.models
import atsal.projection
from atsal.aside import write_aside
from atsal.models.atsal import ATSal
from atsal.models.registry import weights_home
from atsal.prediction.runtimes import graph
from atsal.prediction.streams import Stream

_DIGEST = hashlib.sha256().digest_size  # bytes before the graph, to know a damaged file
KEPT = 8  # files; the least recently made one goes first


def cached_onnx(network: ATSal, streams: Sequence[Stream]) -> bytes:
    """`onnx_bytes`, from the cache where it is there; a cache that is damaged or cannot be written is passed over."""
    if network.config.architecture != "lite":
        return graph.onnx_bytes(network, streams)  # 200 MB a graph, and seconds a frame
    try:
        path = weights_home() / "graphs" / f"{_key(network, streams)}.onnx"
    except (OSError, RuntimeError):  # no home, no source files
        return graph.onnx_bytes(network, streams)
    with suppress(OSError):
        content = path.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
            return content[_DIGEST:]
    made = graph.onnx_bytes(network, streams)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as part:
            part.write_bytes(hashlib.sha256(made).digest() + made)
        for old in sorted(path.parent.glob("*.onnx"), key=lambda file: -file.stat().st_mtime)[KEPT:]:
            old.unlink()
    return made


def _key(network: ATSal, streams: Sequence[Stream]) -> str:
    """Of all that a graph depends on: the weights, the settings, the code and who traced it."""
    digest = hashlib.sha256(_code())
    digest.update(json.dumps([network.config.to_dict(), [*streams], torch.__version__]).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@cache
def _code() -> bytes:
    folders = [Path(package.__path__[0]) for package in (atsal.models, atsal.projection)]
    files = [*sorted(file for folder in folders for file in folder.glob("*.py")), Path(graph.__file__)]
    return b"".join(file.read_bytes() for file in files)
