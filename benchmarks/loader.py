"""Measure how fast clips are read for training: decoded from a video, scaled, augmented, with their measured maps.

    python benchmarks/loader.py [VIDEO]       a 360° video; without one, a made-up clip of 1920 x 960

This prints frames a second for clips of 20 frames of 160 x 320 and maps of 80 x 160, for each number of worker
processes. The ratio to decoding and scaling the same frames in sequence shows the cost of seeking and of the maps.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from atsal.datasets import dataset_named
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.gaze.records import Fixations
from atsal.gaze.tables import write_fixations
from atsal.models.loading import find_weights
from atsal.training.config import Augmentation, OptimiserConfig, SourceConfig, TrainConfig
from atsal.training.loader import Loader
from atsal.training.sampler import epoch_steps
from atsal.training.sources import SphereSource
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import render_video

VIEWERS = 40


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "raw"
        raw.mkdir()
        video = raw / "clip.mp4"
        if len(sys.argv) > 1:
            video.symlink_to(Path(sys.argv[1]).resolve())
        else:
            render_video(video, seconds=8, frame_rate=30, erp_height=960, seed=1)
        info = probe_video(video)
        write_gaze(raw / "clip.csv", info.duration_s or 1.0)
        dataset = dataset_named("folder")
        prepare(dataset, raw, Path(scratch) / "set", preparation_for(dataset, sigma_deg=5.0))
        config = TrainConfig(
            title="loader",
            part="equator",
            train=(SourceConfig(prepared=str(Path(scratch) / "set")),),
            epochs=1,
            loss="bce",
            optimisers=(OptimiserConfig(1e-3),),
            batch=1,
            start="lite",
            clip_frames=20,
        )
        source = SphereSource(config.train[0], find_weights("lite").config, Augmentation(yaw=True, flip=True))
        batches = [batch for step in epoch_steps(config, [source.frame_counts], 0) for batch in step]
        started = time.perf_counter()
        count = sum(1 for _ in read_frames(video, size=(320, 160)))
        plain = count / (time.perf_counter() - started)
        print(f"decoding and scaling alone, in sequence: {plain:.0f} frames/s")
        for workers in (0, 1, 2, 4):
            read = Loader([source], workers=workers).read(batches * 4, for_training=True)
            for _ in range(max(1, workers)):  # so that the workers have started and no batch is ready
                next(read)
            started = time.perf_counter()
            frames = sum(len(sample.frames) for batch in read for sample in batch)
            rate = frames / (time.perf_counter() - started)
            print(f"{workers} workers: {rate:.0f} frames/s, {rate / plain:.2f} of that")


def write_gaze(path: Path, seconds: float) -> None:
    rng = np.random.default_rng(0)
    onset = np.tile(np.arange(0, seconds - 0.3, 0.3), VIEWERS)
    observer = np.repeat([f"viewer {n}" for n in range(VIEWERS)], len(onset) // VIEWERS)
    lon, lat = rng.normal(0, 0.8, len(onset)).clip(-3, 3), rng.normal(0, 0.3, len(onset)).clip(-1.5, 1.5)
    write_fixations(path, Fixations(observer, lon, lat, onset, np.full(len(onset), 290.0)))


if __name__ == "__main__":
    main()
