"""Graphs of small networks in the user's cache folder: making one takes longer than to predict a second of video."""

import hashlib
import inspect
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

import atsal.models
import atsal.projection
from atsal.jobs.atomic_write import atomic_file
from atsal.models.loading import weights_home
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes import onnx_graph

_DIGEST_BYTES = hashlib.sha256().digest_size  # before the graph, to detect a damaged file
MOST_FILES = 12  # older ones are removed


class CachedGraph:
    """One file in the cache. Its name depends on the weights, the settings, the code and `made_by`.

    A cache that is damaged or cannot be written is ignored. Graphs of the large network are not cached: they have
    200 MB each, and a frame takes seconds.
    """

    def __init__(self, network: ATSal, streams: Sequence[str], made_by: str) -> None:
        self.path: Path | None = None
        if network.architecture.is_small:
            with suppress(OSError, RuntimeError, TypeError):  # no home folder, no source files
                self.path = weights_home() / "graphs" / f"{_key(network, streams, made_by)}.graph"

    def read(self) -> bytes | None:
        """Return the graph; None where there is none, or a damaged one."""
        with suppress(OSError):
            content = b"" if self.path is None else self.path.read_bytes()
            if hashlib.sha256(content[_DIGEST_BYTES:]).digest() == content[:_DIGEST_BYTES]:
                return content[_DIGEST_BYTES:]
        return None

    def write(self, graph: bytes) -> None:
        """Store the graph, and remove the oldest files beyond `MOST_FILES`."""
        if self.path is None:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self.path) as part:
                part.write_bytes(hashlib.sha256(graph).digest() + graph)
            files = sorted(self.path.parent.glob("*.graph"), key=lambda file: -file.stat().st_mtime)
            for old in files[MOST_FILES:]:
                old.unlink()


def cached_onnx(network: ATSal, streams: Sequence[str]) -> bytes:
    """Return the raw ONNX graph of `trace_onnx`, from the cache where it is there."""
    cached = CachedGraph(network, streams, f"onnx, torch {torch.__version__}")
    graph = cached.read()
    if graph is None:
        graph = onnx_graph.trace_onnx(network, streams, raw=True)
        cached.write(graph)
    return graph


def _key(network: ATSal, streams: Sequence[str], made_by: str) -> str:
    digest = hashlib.sha256(_source_code(Path(inspect.getfile(type(network.attention))).parent))
    digest.update(json.dumps([network.config.to_dict(), [*streams], made_by]).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@cache
def _source_code(architecture: Path) -> bytes:
    """Return the code that graphs depend on; `architecture` is the folder of the network's layers."""
    folders = {architecture, *(Path(package.__path__[0]) for package in (atsal.models, atsal.projection))}
    files = [*sorted(file for folder in sorted(folders) for file in folder.glob("*.py")), Path(onnx_graph.__file__)]
    return b"".join(file.read_bytes() for file in files)
