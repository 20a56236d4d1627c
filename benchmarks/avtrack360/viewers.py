"""Compare directed cameras and predicted tiles with the recorded heads of AVTrack360.

    python benchmarks/avtrack360/viewers.py data/avtrack360

The folder holds `frames/<n>.webp`, one still of each video, and the logs of 48 viewers. Each still is taken as a clip
of 30 s: only the prior of `lite` changes with time. It takes about two minutes.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from atsal import load_model
from atsal.directing.camera import Camera
from atsal.directing.in_frame import GazeLog, InFrame, recorded_in_frame
from atsal.directing.planning import plan_film
from atsal.directing.scene_cuts import FrameWatch
from atsal.directing.shot import STEP_S
from atsal.gaze.readers.avtrack360 import read_avtrack360
from atsal.gaze.records import GazeSamples
from atsal.models.front_prior import FrontPrior
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.projection.perspective import Perspective
from atsal.tiles.grid import TileGrid
from atsal.tiles.hits import equator_parts, hit_rates
from atsal.tiles.segments import Segmenter, TimedMap
from atsal.video.image_reader import read_image

SECONDS = 30.0
KNOTS_S = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 30.0)  # the prior changes slowly between them
OTHER_SCENES = ("11", "12", "14", "16")  # their videos change the scene, so the still is of a part only
BUDGETS = (5, 10, 20)  # of 40 tiles
TIMES_S = np.arange(0, SECONDS, STEP_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    model, film = load_model("lite", runtime="torch"), Perspective(90, 16 / 9)
    priors = read_front_priors(FRONT_PRIOR)
    segmenter = Segmenter(TileGrid(8, 5, 1920, 960), Perspective(100, 1.0), 1.0)
    equator = equator_parts(segmenter, priors.head)
    front_maps = list(_in_between(FrontPrior(priors.head, 80)(torch.tensor(KNOTS_S))[:, 0].numpy()))
    logs = read_avtrack360(next(folder.glob("head_rotation*"))).records
    shares, hits = {}, {}
    for name, viewers in logs.items():
        image = read_image(next((folder / "frames").glob(f"{name}.*")))
        maps = list(_in_between(np.stack([model.predict_image(image, height=80, seconds=t) for t in KNOTS_S])))
        shares[name] = _directed(maps, viewers, film)
        predicted = hit_rates(segmenter, _segments(segmenter, maps), viewers, BUDGETS, equator)
        front = hit_rates(segmenter, _segments(segmenter, front_maps), viewers, BUDGETS, equator)
        hits[name] = [(p.predicted, f.predicted, p.equator, p.uniform) for p, f in zip(predicted, front, strict=True)]
        print(f"{name:>3} {_text(shares[name])}  best 10 tiles {hits[name][1][0]:.3f}", flush=True)
    for title, names in (("all", list(logs)), ("without other scenes", [n for n in logs if n not in OTHER_SCENES])):
        found = [shares[name] for name in names]
        print(f"\n{title}: {_text(InFrame(*(np.mean([vars(s)[k] for s in found]) for k in vars(found[0]))))}")
        print(f"least gain over a fixed camera {min(s.directed - s.forward for s in found):+.4f}")
        print("tiles  predicted  front prior  equator prior  uniform")
        for budget, row in zip(BUDGETS, np.mean([hits[name] for name in names], axis=0), strict=True):
            print(f"{budget:5} {row[0]:10.3f} {row[1]:12.3f} {row[2]:14.3f} {row[3]:8.3f}")


def _in_between(knots: np.ndarray) -> Iterator[TimedMap]:
    """Yield the map at each step, between those at `KNOTS_S`."""
    for index, time_s in enumerate(TIMES_S):
        place = float(np.interp(time_s, KNOTS_S, np.arange(len(KNOTS_S))))
        first = min(int(place), len(KNOTS_S) - 2)
        yield index, float(time_s), knots[first] + (place - first) * (knots[first + 1] - knots[first])


def _directed(maps: list[TimedMap], viewers: tuple[GazeSamples, ...], film: Perspective) -> InFrame:
    watch = FrameWatch()
    watch.first_s, watch.last_s = 0.0, float(TIMES_S[-1])
    with GazeLog() as gaze:
        camera = Camera(plan_film(maps, watch, film, gaze))
        found = recorded_in_frame(viewers, camera.at, film.aspect, 0.0, (0.0, SECONDS), gaze)
    if found is None:
        raise SystemExit("no viewer has samples within the clip")
    return found


def _segments(segmenter: Segmenter, maps: list[TimedMap]) -> list:
    return list(segmenter.segments(maps, lambda _last: SECONDS))


def _text(shares: InFrame) -> str:
    return f"in frame: directed {shares.directed:.3f}, fixed {shares.forward:.3f}, peaks {shares.peaks:.3f}"


if __name__ == "__main__":
    main()
