"""The whole pipeline on one synthetic scene: prepare gaze, train all three networks, score the result.

This is the first thing to try: a network that cannot overfit a single scene cannot learn anything. It takes about a
minute on two cores.
"""

from pathlib import Path

import numpy as np

from atsal.datasets import dataset_named
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.gaze.records import Fixations
from atsal.gaze.tables import write_fixations
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.models.config import ModelConfig
from atsal.prediction.compare import contact_sheet
from atsal.prediction.predictor import load_model
from atsal.training.config import OptimiserConfig, ScheduleConfig, SourceConfig, TrainConfig, ValidationConfig
from atsal.training.run import Say, train
from atsal.training.run_folder import RunFolder
from atsal.training.trainer import Machine
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene, render_video

OVERFIT = FolderKind(description="a trial of training", format="atsal overfit", record="overfit.json")
FRAMES, FPS, HEIGHT, SEED = 8, 4.0, 128, 3
VIEWERS, SPREAD_DEG = 24, 4.0
SMALL = ModelConfig("lite", erp_height=64, face_size=64, map_height=64, face_fov_deg=110)


def write_scene(folder: Path) -> None:
    """Write a video of a synthetic scene, and a table of viewers who fixate its objects."""
    folder.mkdir(parents=True, exist_ok=True)
    render_video(folder / "scene.mp4", seconds=FRAMES / FPS, frame_rate=FPS, erp_height=HEIGHT, seed=SEED)
    rng, scene = np.random.default_rng(SEED), Scene(SEED)
    frame = np.tile(np.arange(FRAMES), VIEWERS)
    objects = np.stack([scene.object_directions(number / FPS) for number in range(FRAMES)])  # (frames, objects, 2)
    chosen = np.repeat(np.arange(VIEWERS) % objects.shape[1], FRAMES)
    lonlat = objects[frame, chosen] + np.deg2rad(rng.normal(0, SPREAD_DEG, (len(frame), 2)))
    lon, lat = (lonlat[:, 0] + np.pi) % (2 * np.pi) - np.pi, lonlat[:, 1].clip(-np.pi / 2, np.pi / 2)
    observer = np.repeat([f"viewer {number}" for number in range(VIEWERS)], FRAMES)
    length_ms = np.full(len(frame), 900 / FPS)
    write_fixations(folder / "scene.csv", Fixations(observer, lon, lat, frame / FPS, length_ms))


def overfit_config(prepared: Path, epochs: int) -> TrainConfig:
    """Train all three networks together from random weights, and validate on the same clip."""
    source = SourceConfig(prepared=str(prepared))
    return TrainConfig(
        title="overfit: one synthetic scene",
        part="fused",
        model=SMALL,
        train=(source,),
        validation=ValidationConfig(sources=(source,), every=6),
        clip_frames=4,
        epochs=epochs,
        batch=1,
        loss="kld-cc-nss",
        optimisers=(OptimiserConfig(learning_rate=0.004),),
        schedule=ScheduleConfig("one-cycle"),
        clip_norm=5.0,
        averaging=0.9,
    )


def overfit(folder: Path, machine: Machine, epochs: int = 30, *, say: Say, status: Say) -> float:
    """Write the scene, prepare its gaze, train, and draw the predictions. Return the CC; 1 is a perfect fit."""
    with OutputFolder(folder, OVERFIT).claim():
        write_scene(folder / "raw")
        dataset = dataset_named("folder")
        preparation = preparation_for(dataset, sigma_deg=8.0)
        prepare(dataset, folder / "raw", folder / "prepared", preparation)
        progress = train(overfit_config(folder / "prepared", epochs), folder / "run", machine, say=say, status=status)
        model = load_model(RunFolder(folder / "run").model, device=str(machine.device))
        results = list(model.predict_video(folder / "raw" / "scene.mp4"))
        write_rgb_png(folder / "learned.png", contact_sheet(results[:: len(results) // 2]))
        return progress.scores["cc"]
