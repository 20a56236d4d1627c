"""What is fuzzed: each file that a command reads, with the reading of it."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from PIL import Image

from atsal.config import dump_yaml
from atsal.datasets import dataset_named
from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.figures import draw_prepared_item
from atsal.datasets.prepared.item_fixations import item_fixations
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.datasets.stimulus import read_photo
from atsal.evaluation.benchmark_config import read_benchmark
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.map_files import find_map_files
from atsal.evaluation.priors import PooledGaze
from atsal.evaluation.protocol import read_protocol
from atsal.models.checkpoints import extract_state_dict, read_checkpoint
from atsal.models.weight_folder import PARTS, read_weight_folder
from atsal.prediction.run_record import read_manifest
from atsal.training import checkpoint
from atsal.training.config import read_train_config
from atsal.video.image_reader import read_image
from fakes.every_set import WRITERS
from fakes.fixations2d import write_fixations2d
from fakes.folder import write_folder

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".mp4", ".bmp"}
_CONFIGS = Path(__file__).parents[2] / "configs"
_READY = Path(__file__).parents[2] / "src" / "atsal" / "evaluation" / "protocols"


@dataclass(frozen=True)
class Target:
    """A file, and what reads it."""

    name: str
    file: Path
    read: Callable[[], object]


def targets(root: Path) -> list[Target]:
    """Write the whole files below `root`."""
    found = [*_logs(root / "raw"), *_prepared(root / "set"), *_maps(root / "maps"), *_configs(root / "configs")]
    return [*found, *_weights(root / "weights"), *_pictures(root / "pictures"), *_records(root / "records")]


def _logs(root: Path) -> Iterator[Target]:
    """One log of each kind of each data set, and what else its folder holds beside pictures."""
    for name, write in (WRITERS | {"osie": write_fixations2d}).items():
        write(root / name)
        files = [f for f in sorted((root / name).rglob("*")) if f.is_file() and f.suffix.lower() not in _PICTURES]
        kinds = {(file.parent.name, file.suffix): file for file in files}
        for file in kinds.values():
            yield Target(f"{name}: {file.name}", file, lambda name=name: _read_set(name, root / name))


def _read_set(name: str, source: Path) -> None:
    dataset = dataset_named(name)
    if dataset.read_splits:
        dataset.read_splits(source)
    for direction in dataset.directions:
        for raw in dataset.find(source).items:
            gaze = dataset.read(raw, direction, Stimulus())
            item_fixations(gaze, Stimulus(), dataset, preparation_for(dataset, direction=direction))


def _prepared(root: Path) -> Iterator[Target]:
    write_folder(root / "raw")
    dataset = dataset_named("folder")
    preparation = preparation_for(dataset, erp_height=32, maps="png")
    prepare(dataset, root / "raw", root / "out", preparation)
    (item, *_), out = PreparedSet(root / "out").items, root / "out"

    def read() -> None:
        prepared = PreparedSet(out)
        for name in prepared.items[:3]:
            draw_prepared_item(prepared, name)
        prepared.statistics()
        truth = GroundTruth(prepared, replace(read_protocol("folder-video"), erp_height=16))
        truth.fingerprint()

    for name in ("manifest.json", f"{item}/item.json", f"{item}/fixations.csv"):
        yield Target(f"prepared: {name}", out / name, read)
    again = lambda: prepare(dataset, root / "raw", out, preparation)  # noqa: E731
    for name in ("settings.json", "manifest.json", f"{item}/item.json", f"{item}/statistics.json"):
        yield Target(f"prepare again: {name}", out / name, again)


def _maps(root: Path) -> Iterator[Target]:
    root.mkdir()
    maps = np.random.default_rng(0).random((3, 8, 16)).astype(np.float32)
    np.save(root / "npy.npy", maps)
    np.save(root / "fortran.npy", np.asfortranarray(maps[0]))
    np.savez(root / "pooled.npz", **dict.fromkeys(("density", "fit_density", "spread", "counts", "places"), maps[0]))
    (root / "bin_16x8x3_32b.bin").write_bytes(maps.tobytes())
    Image.fromarray((maps[0] * 255).astype(np.uint8)).save(root / "png.png")
    Image.fromarray((maps[0] * 65535).astype(np.uint16)).save(root / "deep.png")
    for file in sorted(root.iterdir()):
        stem = file.stem.partition("_")[0]
        if file.suffix == ".npz":
            yield Target("maps: npz", file, lambda file=file: PooledGaze.load(file, "x"))
        else:
            yield Target(f"maps: {file.name}", file, lambda stem=stem: _read_maps(root, stem))
    np.savez(root / "zipped.npy.npz", maps)
    (root / "zipped.npy.npz").rename(root / "zipped.npy")
    yield Target("maps: an npz named npy", root / "zipped.npy", lambda: _read_maps(root, "zipped"))


def _read_maps(root: Path, stem: str) -> None:
    files = find_map_files(root, (stem,))
    files.fingerprint()
    if files.count() < 1000:
        list(files.read())


def _configs(root: Path) -> Iterator[Target]:
    root.mkdir()
    for file in (*sorted(_CONFIGS.rglob("*.yaml"))[:4],):
        copy = root / f"{file.parent.name}-{file.name}"
        shutil.copy(file, copy)
        yield Target(f"config: {copy.name}", copy, lambda copy=copy: read_train_config(copy, ("epochs=3",)))
    shutil.copy(_READY / "vr-eyetracking.yaml", root / "protocol.yaml")
    yield Target("protocol", root / "protocol.yaml", lambda: read_protocol("protocol.yaml", root))
    benchmark = {
        "title": "t",
        "datasets": [{"prepared": "out", "protocol": "folder-video"}],
        "predictors": [{"baseline": "viewers", "repeats": 3}, {"model": "lite", "streams": ["fused"], "stride": 2}],
        "resamples": 1000,
    }
    (root / "benchmark.yaml").write_text(dump_yaml(benchmark))
    yield Target("benchmark", root / "benchmark.yaml", lambda: read_benchmark(root / "benchmark.yaml"))


def _weights(root: Path) -> Iterator[Target]:
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
    yield Target("model.json", root / "lite" / "model.json", lambda: _read_bundle(root / "lite"))


def _read_bundle(folder: Path) -> None:
    bundle = read_weight_folder(folder)
    for part in PARTS:
        bundle.load(part)


def _pictures(root: Path) -> Iterator[Target]:
    root.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (16, 32, 3), dtype=np.uint8)
    for ending in ("png", "jpg", "webp", "tif", "bmp"):
        file = root / f"picture.{ending}"
        Image.fromarray(pixels).save(file)
        yield Target(f"picture: {ending}", file, lambda file=file: (read_image(file), read_photo(file)))


def _records(root: Path) -> Iterator[Target]:
    """Of a finished `predict`."""
    root.mkdir()
    frames = [
        {"index": n, "timestamp_s": n / 10, "files": [f"v/{n:06d}.npy"], "peaks": {"fused": 1.0}} for n in range(3)
    ]
    settings: dict[str, Any] = {
        "source": {"path": "/v.mp4", "kind": "video"},
        "model": {"config": {}},
        "options": {"streams": ["fused"], "formats": ["npy"]},
    }
    (root / "v.json").write_text(json.dumps({"settings": settings, "frames": frames, "problem": None}, indent=1))

    def read() -> None:
        record = read_manifest(root / "v.json")
        if record is not None:
            record.is_complete(root, "v")

    yield Target("prediction's manifest", root / "v.json", read)
