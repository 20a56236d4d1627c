"""What commands write and others read: manifests and maps of a result, journals, plans, regions, priors, folds."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from atsal.batch.ledger import LEDGER, Ledger, Row, count_states, read_ledger
from atsal.directing.camera import Keyframe
from atsal.directing.plan import MadeFrom, Plan, read_plan, write_plan
from atsal.jobs.checksums import file_sha256
from atsal.models.directions import DirectionConfig
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.models.fusion_folds import FORMAT, FusionFold, FusionFolds, read_fusion_folds, write_fusion_folds
from atsal.prediction.frame_table import FrameTable
from atsal.prediction.run_record import Journal, read_manifest
from atsal.regions import FrameRegions, Regions, read_regions, write_regions
from atsal.regions.prediction import regions_of_maps
from atsal.viewing.entries.result import make_result_entry
from atsal.viewing.saved_result import open_result
from fakes.blob_maps import tracked_scene
from fuzz.target import Target

_FRAMES = 3


def record_targets(root: Path) -> Iterator[Target]:
    """Of finished and interrupted runs."""
    root.mkdir()
    yield from _result(root / "result")
    plan = root / "plan.json"
    keyframes = tuple(Keyframe(t, y, -5.0, 90.0) for t, y in [(0.0, 0.0), (4.0, 10.0), (9.96, 10.0)])
    made_from = MadeFrom("ab", "16:9", 90.0, "fused")
    write_plan(plan, replace(Plan("in.mp4", 10.0, "16:9", 0.0, 10.0, keyframes), made_from=made_from))
    yield Target("plan", plan, lambda: read_plan(plan).camera.at(np.arange(3.0)))
    yield from _regions(root)
    priors = root / "front-prior.json"
    priors.write_bytes(FRONT_PRIOR.read_bytes())
    yield Target("front priors", priors, lambda: read_front_priors(priors))
    folds = root / "folds.json"
    fold = FusionFold(("a", "b"), DirectionConfig(1.0, 2.0, read_front_priors().head))
    sources = read_front_priors().sources
    write_fusion_folds(folds, FusionFolds(FORMAT, "0" * 64, "folder", "head", sources, (fold,)))
    yield Target("fusion folds", folds, lambda: read_fusion_folds(folds))
    yield from _ledger(root / "batch")


def _result(root: Path) -> Iterator[Target]:
    """A clip of pictures and its maps, as `predict --format npy` writes them."""
    (root / "clip").mkdir(parents=True)
    (root / "v").mkdir()
    rng, frames = np.random.default_rng(2), []
    pixels = rng.integers(0, 255, (32, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "v.png")
    for number in range(_FRAMES):
        np.save(root / "v" / f"{number:06d}.npy", rng.random((8, 16)).astype(np.float32))
        names = [f"v/{number:06d}.npy"]
        frames.append({"index": number, "timestamp_s": number / 10, "files": names, "peaks": {"fused": 1.0}})
    settings: dict[str, Any] = {
        "source": {"path": "v.png", "kind": "image", "sha256": file_sha256(root / "v.png")},
        "model": {"config": {}, "folder": "lite"},
        "options": {"streams": ["fused"], "formats": ["npy"], "front_deg": 0.0, "reading": {"stereo": "auto"}},
    }
    manifest = root / "v.json"
    manifest.write_text(json.dumps({"settings": settings, "frames": frames, "problem": None}, indent=1))

    def read() -> None:
        record = read_manifest(manifest)
        if record is not None:
            record.is_complete(root, "v")

    def show() -> None:
        make_result_entry(manifest)
        list(open_result(manifest, root / "v.png").frames())

    yield Target("manifest: predict again", manifest, read)
    yield Target("manifest: view", manifest, show)
    yield Target("manifest: regions", manifest, lambda: regions_of_maps(manifest))
    yield Target("map of a result", root / "v" / "000001.npy", show)
    journal = Journal(root / "v.journal", settings)
    journal.frames = FrameTable(frames)
    journal._last = (journal.frames.size, rng.random((2, 3)).astype(np.float32))
    journal.save()
    yield Target("journal", journal.path, journal.read)


def _ledger(root: Path) -> Iterator[Target]:
    root.mkdir()
    file, rows = root / LEDGER, [Row(name, f"{name}.mp4", "done", frames=3) for name in "abc"]
    with Ledger.open(file, rows):
        pass

    def resume() -> None:
        with Ledger.open(file, rows) as ledger:
            count_states(ledger.rows)

    yield Target("ledger: status", file, lambda: read_ledger(file))
    yield Target("ledger: run again", file, resume)


def _regions(root: Path) -> Iterator[Target]:
    paths = [lambda t: (170 + 20 * t, 3, 1, 6), lambda t: (-150 - 20 * t, -3, 0.8, 6)]
    frames = [frame for _, frame in tracked_scene(paths, 6)]
    for ending in ("json", "csv", "parquet"):
        file = root / f"regions.{ending}"
        write_regions(file, Regions((*frames, FrameRegions(50, 2.0, ())), "VIDEO.mp4", {"model": "lite"}))
        yield Target(f"regions: {ending}", file, lambda file=file: read_regions(file))
