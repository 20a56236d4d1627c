"""Graphs of small networks, kept in the user's cache folder: making one takes longer than to run a second of video."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

import atsal.models
import atsal.projection
from atsal.jobs.atomic_write import atomic_file
from atsal.models.registry import weights_home
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes import graph
from atsal.prediction.streams import Stream

_DIGEST = hashlib.sha256().digest_size  # bytes before the graph, to know a damaged file
KEPT = 12  # files; the least recently made one goes first


class KeptGraph:
    """One file in the cache, under a name made of all that the graph depends on: weights, settings, code and `maker`.

    A cache that is damaged or cannot be written is passed over. Graphs of the large network are not kept: 200 MB each,
    for seconds a frame.
    """

    def __init__(self, network: ATSal, streams: Sequence[Stream], maker: str) -> None:
        self.path: Path | None = None
        if network.config.architecture == "lite":
            with suppress(OSError, RuntimeError):  # no home, no source files
                self.path = weights_home() / "graphs" / f"{_key(network, streams, maker)}.graph"

    def read(self) -> bytes | None:
        """What is kept; None where there is nothing, or something else than was written."""
        with suppress(OSError):
            content = b"" if self.path is None else self.path.read_bytes()
            if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
                return content[_DIGEST:]
        return None

    def write(self, made: bytes) -> None:
        """Keep it."""
        if self.path is None:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self.path) as part:
                part.write_bytes(hashlib.sha256(made).digest() + made)
            for old in sorted(self.path.parent.glob("*.graph"), key=lambda file: -file.stat().st_mtime)[KEPT:]:
                old.unlink()


def cached_onnx(network: ATSal, streams: Sequence[Stream]) -> bytes:
    """`onnx_bytes`, from the cache where it is there."""
    kept = KeptGraph(network, streams, f"onnx, torch {torch.__version__}")
    content = kept.read()
    if content is None:
        content = graph.onnx_bytes(network, streams, raw=True)
        kept.write(content)
    return content


def _key(network: ATSal, streams: Sequence[Stream], maker: str) -> str:
    digest = hashlib.sha256(_code())
    digest.update(json.dumps([network.config.to_dict(), [*streams], maker]).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@cache
def _code() -> bytes:
    folders = [Path(package.__path__[0]) for package in (atsal.models, atsal.projection)]
    files = [*sorted(file for folder in folders for file in folder.glob("*.py")), Path(graph.__file__)]
    return b"".join(file.read_bytes() for file in files)
