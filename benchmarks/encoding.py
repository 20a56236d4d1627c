"""Compare guided with plain encoding at equal sizes, over four bit rates, with the weights of recorded gaze.

The rates are those that plain encoding takes at four constant qualities (crf), so that they suit each clip.

    python benchmarks/encoding.py avtrack360 PREPARED --direction head -o OUT
    python benchmarks/encoding.py scene -o OUT
    python benchmarks/encoding.py video VIDEO.mp4 -o OUT

`avtrack360` needs AVTrack360 with the stills of its videos, prepared with `atsal prepare avtrack360 … --direction
head`. Each still becomes a clip of two seconds: a camera that sways by 2°, and grain. Its weights are the head
directions of 48 viewers. Views follow the traces of four of them: what they saw in 28 s passes in two. `scene` is
synthetic: its weights are Gaussians at the moving objects. `video` has no recorded gaze: its weights are the maps that
guide the encoding, so its gain is an upper bound. `--against latitude` guides by the solid angle of a pixel alone.

The tables are printed. OUT gets the clips, their scores, which are not computed again, and `curves-CODEC.png`.
"""

import argparse
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import atsal
from atsal.datasets.prepared import PreparedSet
from atsal.encoding import BlockGrid, Codec, Encoded, Guide, Rate, codec_named, encode_video
from atsal.encoding.attention import predict_attention
from atsal.errors import OutputError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.head_path import HeadPath
from atsal.gaze.maps import saliency_density, saliency_map
from atsal.gaze.records import Fixations, GazeSamples
from atsal.prediction.map_track import MapTrack, track_maps
from atsal.projection import RotateErp
from atsal.quality import GazeWeighting, TrackWeighting, Weighting, measure_quality
from atsal.video.pixels import scale_image
from atsal.video.probe import probe_video
from atsal.video.synthetic_scene import Scene, render_video
from atsal.video.writer import VideoWriter

HEIGHT, RATE, SECONDS = 512, 24, 2
SWAY_DEG, GRAIN = 2.0, 1.5
FIRST_S, LAST_S = 2.0, 30.0  # of the traces: viewers of AVTrack360 start at one place
STILL_AT_S = 8.0
CHANGING = ("11", "12", "14", "16")  # stills that do not match the gaze on the whole clip
LEVELS = {"x264": (42, 36, 30, 24), "x265": (42, 36, 30, 24), "vp9": (60, 52, 44, 36)}  # crf: the rates of these
SCORES = {
    "ws_psnr_db": "WS-PSNR",
    "weighted_ws_psnr_db": "weighted WS-PSNR",
    "viewport_psnr_db": "viewport PSNR",
    "elsewhere_ws_psnr_db": "WS-PSNR elsewhere",
}


Curves = dict[str, list[dict[str, float]]]  # by version: rate and scores at each level


@dataclass(frozen=True)
class Clip:
    """A video, and where its viewers look."""

    name: str
    path: Path
    attention: MapTrack  # predicted
    gaze: MapTrack | GazeWeighting
    viewers: tuple[HeadPath, ...] = ()

    def weighting(self) -> Weighting:
        return TrackWeighting(self.gaze) if isinstance(self.gaze, MapTrack) else self.gaze


class Elsewhere:
    """Weights for what is seen little: 1 where the attention is below its mean on the sphere, else 0."""

    name = "elsewhere"

    def __init__(self, attention: Weighting) -> None:
        self._attention = attention
        self._map: np.ndarray | None = None
        self._rest: np.ndarray | None = None

    def at(self, timestamp_s: float) -> np.ndarray | None:
        density = self._attention.at(timestamp_s)
        if density is not self._map:
            self._map = density
            self._rest = None if density is None else (saliency_density(density) < 1 / (4 * math.pi)).astype(np.float32)
        return self._rest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["avtrack360", "scene", "video"])
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--codec", default="x264")
    parser.add_argument("--items", nargs="*")
    parser.add_argument("--against", choices=["nothing", "latitude"], default="nothing")
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    codec = codec_named(chosen.codec)
    found: dict[str, Curves] = {}
    for clip in make_clips(chosen):
        kept = chosen.output / f"{clip.name}-{codec.name}.json"
        if not kept.exists():
            kept.write_text(json.dumps(curves(clip, codec, chosen.against, chosen.output), indent=1))
        found[clip.name] = json.loads(kept.read_text())
        print_gains(clip.name, {clip.name: found[clip.name]}, LEVELS[codec.name])
    print_gains("mean", found, LEVELS[codec.name])
    draw_curves(found, chosen.output / f"curves-{codec.name}.png")


def curves(clip: Clip, codec: Codec, against: str, folder: Path) -> Curves:
    """Encode plain at the rates of four qualities, and each guided version at the rate of the plain one."""
    found: Curves = {}
    wanted = [
        encode_video(clip.path, folder / "rate.mp4", codec, Rate(crf=crf)).bitrate_kbps for crf in LEVELS[codec.name]
    ]
    for name, track in guides(clip, against).items():
        rates = [point["kbps"] for point in found["plain"]] if found else wanted
        found[name] = [score(clip, name, track, codec, kbps, folder) for kbps in rates]
    return found


def guides(clip: Clip, against: str) -> dict[str, MapTrack | None]:
    even = MapTrack(np.zeros(1), np.ones((1, 45, 90), np.float16))
    return {"plain": None} | ({"latitude": even} if against == "latitude" else {}) | {"guided": clip.attention}


def make_clips(chosen: argparse.Namespace) -> Iterator[Clip]:
    if chosen.what == "video":
        attention = predict_attention(atsal.load_model("lite", direction="head"), chosen.path)
        yield Clip(chosen.path.stem, chosen.path, attention, attention)
    elif chosen.what == "scene":
        yield from (scene_clip(seed, chosen.output) for seed in (1, 2, 3))
    else:
        prepared = PreparedSet(chosen.path)
        for item in chosen.items or [item for item in prepared.items if item not in CHANGING]:
            yield still_clip(prepared, item, chosen.output)


def still_clip(prepared: PreparedSet, item: str, folder: Path) -> Clip:
    path = folder / f"{item}.mp4"
    picture = scale_image(prepared.picture(item), (2 * HEIGHT, HEIGHT))
    erp = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]
    random = np.random.default_rng(0)
    with VideoWriter(path, (2 * HEIGHT, HEIGHT), RATE, crf=1) as writer:
        for number in range(RATE * SECONDS):
            turn = 2 * math.pi * number / RATE
            swayed = RotateErp(HEIGHT, SWAY_DEG * math.sin(0.25 * turn), SWAY_DEG / 2 * math.sin(0.15 * turn))(erp)
            noisy = swayed[0].permute(1, 2, 0).numpy() + random.normal(0, GRAIN, (HEIGHT, 2 * HEIGHT, 1))
            writer.write(noisy.round().clip(0, 255).astype(np.uint8), number / RATE)
    model = atsal.load_model("lite", direction="head", runtime="torch")
    attention = track_maps([(0.0, model.predict_image(picture, seconds=STILL_AT_S))])
    fixations = prepared.fixations(item)
    viewers = list(fixations.observers)[::12]
    paths = tuple(head_path(fixations.select(fixations.observer == viewer), viewer) for viewer in viewers)
    return Clip(item, path, attention, GazeWeighting(prepared, item), paths)


def head_path(fixations: Fixations, viewer: str) -> HeadPath:
    times_s = (fixations.onset_s - FIRST_S) * SECONDS / (LAST_S - FIRST_S)
    return HeadPath(GazeSamples(viewer, times_s, head=unit_vectors(fixations.lon_rad, fixations.lat_rad)))


def scene_clip(seed: int, folder: Path) -> Clip:
    path = folder / f"scene{seed}.mp4"
    render_video(path, seconds=3, frame_rate=RATE, erp_height=HEIGHT, seed=seed)
    scene = Scene(seed)

    def maps() -> Iterator[tuple[float, np.ndarray]]:
        for number in range(3 * RATE):
            lon, lat = scene.object_directions(number / RATE).T
            yield number / RATE, saliency_map(Fixations(np.full(len(lon), "all"), lon, lat), 90, 6.0)

    attention = predict_attention(atsal.load_model("lite", direction="head"), path)
    return Clip(f"scene {seed}", path, attention, track_maps(maps()))


def score(clip: Clip, name: str, track: MapTrack | None, codec: Codec, kbps: float, folder: Path) -> dict[str, float]:
    grid = BlockGrid.of_video(probe_video(clip.path))
    guide = None if track is None else Guide(track, grid, step_qp=codec.step_qp)
    path = folder / f"{clip.path.stem}.{name}.{codec.name}.{kbps:g}.mp4"
    encoded = encode_near(clip.path, path, codec, kbps, guide)
    found = measure_quality(clip.path, path, weighting=clip.weighting(), viewers=clip.viewers)
    rest = measure_quality(clip.path, path, weighting=Elsewhere(clip.weighting())).scores["weighted_ws_psnr_db"]
    return {"kbps": encoded.bitrate_kbps, "elsewhere_ws_psnr_db": rest} | found.scores


def encode_near(source: Path, path: Path, codec: Codec, kbps: float, guide: Guide | None) -> Encoded:
    """Encode to a rate, or to one a little above where whole kbit/s are too coarse for this one."""
    for more in (1.0, 1.02, 1.04):
        with suppress(OutputError):
            return encode_video(source, path, codec, Rate(kbps * more), guide)
    return encode_video(source, path, codec, Rate(kbps * 1.06), guide)


def print_gains(title: str, found: dict[str, Curves], levels: tuple[int, ...]) -> None:
    """Print the mean gains in dB at each level, their mean over the curve (BD-PSNR) and the saved rate (BD-rate)."""
    for name in next(iter(found.values())):
        if name == "plain":
            continue
        for key, label in SCORES.items():
            clips = [clip for clip in found.values() if key in clip["plain"][0]]
            if not clips:
                continue
            gains = np.mean([[b[key] - a[key] for a, b in zip(c["plain"], c[name], strict=True)] for c in clips], 0)
            deltas = np.mean([bjontegaard(c["plain"], c[name], key) for c in clips], 0)
            at = "  ".join(f"{level}: {gain:+.2f}" for level, gain in zip(levels, gains, strict=True))
            print(f"{title:8s} {name:9s} {label:17s} {at}  BD {deltas[0]:+.2f} dB, {deltas[1]:+.1f} %", flush=True)


def draw_curves(found: dict[str, Curves], path: Path) -> None:
    """Draw the mean of each score over the clips against the mean rate."""
    shown = {key: label for key, label in SCORES.items() if key in next(iter(found.values()))["plain"][0]}
    figure, axes = plt.subplots(1, len(shown), figsize=(3.6 * len(shown), 3.2), layout="constrained")
    for axis, (key, label) in zip(axes, shown.items(), strict=True):
        for name in next(iter(found.values())):
            points = np.mean([[(p["kbps"], p[key]) for p in clip[name]] for clip in found.values()], 0)
            axis.semilogx(*points.T, marker="o", markersize=4, label=name)
        axis.set(
            title=label, xlabel="kbit/s", xticks=points[:, 0].round(), xticklabels=points[:, 0].round().astype(int)
        )
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("dB")
    axes[0].legend()
    figure.savefig(path, dpi=110)


def bjontegaard(plain: list[dict[str, float]], other: list[dict[str, float]], key: str) -> tuple[float, float]:
    """Return the mean gain in dB and the mean change of rate in % (Bjøntegaard, VCEG-M33, 2001)."""
    curves = [(np.log([p["kbps"] for p in points]), np.array([p[key] for p in points])) for points in (plain, other)]
    gain = mean_difference(*curves)
    change = mean_difference(*((quality, rate) for rate, quality in curves))
    return gain, 100 * (math.exp(change) - 1)


def mean_difference(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the mean of second minus first, cubics through four points each, over the part of x that both cover."""
    low, high = max(first[0].min(), second[0].min()), min(first[0].max(), second[0].max())
    areas = [np.diff(np.polyval(np.polyint(np.polyfit(x, y, 3)), [low, high]))[0] for x, y in (first, second)]
    return float((areas[1] - areas[0]) / (high - low))


if __name__ == "__main__":
    main()
