"""Checkpoints and weight folders."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from atsal.jobs.checksums import file_sha256
from atsal.models.checkpoints import extract_state_dict, read_checkpoint
from atsal.models.loading import load_parts
from atsal.models.weight_folder import PARTS, read_weight_folder
from atsal.training import checkpoint
from fuzz.target import Target


def weight_targets(root: Path) -> Iterator[Target]:
    """Checkpoints of each format, and weight folders."""
    root.mkdir()
    state = {"state_dict": {"a.weight": torch.ones(3, 4), "a.bias": torch.zeros(3)}, "epoch": 3, "loss": np.float64(1)}
    for name, is_new in (("zip.pth", True), ("legacy.pth", False)):
        torch.save(state, root / name, _use_new_zipfile_serialization=is_new)
    safetensors.numpy.save_file({"a": np.ones((2, 3), np.float32)}, root / "tensors.safetensors")
    for name in ("zip.pth", "legacy.pth", "tensors.safetensors"):
        file = root / name
        yield Target(f"checkpoint: {name}", file, lambda file=file: extract_state_dict(read_checkpoint(file), file))
    progress = checkpoint.Progress(epoch=2, best=0.5, scores={"cc": 0.5})
    checkpoint.save_checkpoint(root / "run.safetensors", progress, weights={"w": torch.ones(2)})
    yield Target(
        "run's checkpoint", root / "run.safetensors", lambda: checkpoint.read_checkpoint(root / "run.safetensors")
    )
    lite = Path(read_weight_folder(Path(checkpoint.__file__).parents[1] / "models" / "weights" / "lite").folder)
    shutil.copytree(lite, root / "lite")
    for name in ("model.json", "equator.safetensors"):
        yield Target(f"weight folder: {name}", root / "lite" / name, lambda: _read_bundle(root / "lite"))
    changed = root / "unsigned"  # a safetensors file whose checksum fits, as that of a hostile author
    shutil.copytree(lite, changed)
    yield Target("weights of a hostile author", changed / "attention.safetensors", lambda: _read_signed(changed))


def _read_bundle(folder: Path) -> None:
    bundle = read_weight_folder(folder)
    for part in PARTS:
        bundle.load(part)


def _read_signed(folder: Path) -> None:
    """Read a folder whose record is right about a damaged file."""
    file, record = folder / "attention.safetensors", folder / "model.json"
    description = json.loads(record.read_text())
    description["files"]["attention"] |= {"sha256": file_sha256(file), "bytes": file.stat().st_size}
    record.write_text(json.dumps(description))
    load_parts(read_weight_folder(folder))
