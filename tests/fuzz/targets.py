"""What is fuzzed: each file that a command reads, with the reading of it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from atsal.config import dump_yaml
from atsal.datasets import dataset_named
from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.figures import draw_prepared_item
from atsal.datasets.prepared.item_fixations import item_fixations
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.evaluation.benchmark_config import read_benchmark
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.map_files import find_map_files
from atsal.evaluation.priors import PooledGaze
from atsal.evaluation.protocol import read_protocol
from atsal.training.config import read_train_config
from fakes.every_set import WRITERS
from fakes.fixations2d import write_fixations2d
from fakes.folder import write_folder
from fuzz.media_targets import picture_targets, sound_targets, video_targets
from fuzz.record_targets import record_targets
from fuzz.table_targets import table_targets
from fuzz.target import Target
from fuzz.weight_targets import weight_targets

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".mp4", ".bmp"}
_CONFIGS = Path(__file__).parents[2] / "configs"
_READY = Path(__file__).parents[2] / "src" / "atsal" / "evaluation" / "protocols"


def targets(root: Path) -> list[Target]:
    """Write the whole files below `root`."""
    own = (_logs, _prepared, _maps, _configs)
    makers = (*own, weight_targets, picture_targets, video_targets, sound_targets, table_targets, record_targets)
    return [target for make in makers for target in make(root / make.__name__)]


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
