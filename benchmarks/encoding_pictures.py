"""Draw the pictures of docs/encoding.md and docs/quality.md.

python benchmarks/encoding_pictures.py OUT
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

import atsal
from atsal.encoding import BlockGrid, Guide, Rate, codec_named, encode_video
from atsal.encoding.attention import predict_attention
from atsal.encoding.offsets import LEAST_QP, MOST_QP
from atsal.projection import erp_to_viewport, resize_erp, solid_angle_weights
from atsal.video.image_writer import write_rgb_png
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.render import add_label, colour_table, overlay, resize, tile
from atsal.video.synthetic_scene import render_video

SEED, HEIGHT, KBPS, FRAME = 7, 512, 80, 30
PANEL = (480, 240)
COLOURS = np.array([[178, 24, 43], [247, 247, 247], [33, 102, 172]])  # more bits, as many, fewer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        source = Path(name) / "scene.mp4"
        render_video(source, seconds=2, frame_rate=24, erp_height=HEIGHT, seed=SEED)
        track = predict_attention(atsal.load_model("lite", direction="head"), source)
        guide = Guide(track, BlockGrid.of_video(probe_video(source)))
        paths = {"plain": source.with_name("plain.mp4"), "guided": source.with_name("guided.mp4")}
        for version, path in paths.items():
            encode_video(source, path, codec_named("x264"), Rate(KBPS), guide if version == "guided" else None)
        frames = {version: frame_of(path) for version, path in ({"source": source} | paths).items()}
    time_s = FRAME / 24
    draw_encoding(frames, track.at(time_s), guide.at(time_s), output / "encoding.png")
    draw_quality(frames, track.at(time_s), output / "quality.png")


def frame_of(path: Path) -> np.ndarray:
    return next(frame.image for frame in read_frames(path) if frame.index == FRAME)


def draw_encoding(frames: dict[str, np.ndarray], density: np.ndarray, offsets: np.ndarray, path: Path) -> None:
    source = resize(frames["source"], PANEL)
    pictures = [
        add_label(overlay(source, density, float(density.max()), colour_table("turbo"), 0.75), "predicted attention"),
        add_label(resize(blend(frames["source"], offsets), PANEL), f"QP offsets, {offsets.min()} to +{offsets.max()}"),
    ]
    seen = density.argmax()
    yaw = (seen % density.shape[1] + 0.5) / density.shape[1] * 360 - 180
    for what, direction in {"where people look": (yaw, 0.0), "elsewhere": (yaw + 180, 25.0)}.items():
        pictures += [
            add_label(view(frames[version], direction), f"{version}, {what}") for version in ("plain", "guided")
        ]
    write_rgb_png(path, tile(pictures, 2, gap=6))


def blend(picture: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    block = picture.shape[0] // len(offsets)
    values = np.repeat(np.repeat(offsets.astype(float), block, 0), block, 1)[: picture.shape[0], : picture.shape[1]]
    place = np.where(values < 0, 1 - values / LEAST_QP, 1 + values / MOST_QP)
    colour = np.stack([np.interp(place, [0, 1, 2], channel) for channel in COLOURS.T], -1)
    return (0.35 * picture + 0.65 * colour).astype(np.uint8)


def view(picture: np.ndarray, direction: tuple[float, float]) -> np.ndarray:
    erp = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]
    seen = erp_to_viewport(erp, *direction, 90.0, PANEL[::-1])[0]
    return seen.permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


def draw_quality(frames: dict[str, np.ndarray], density: np.ndarray, path: Path) -> None:
    weights = solid_angle_weights(HEIGHT).numpy() * np.ones((1, 2 * HEIGHT))
    attention = weights * resize_erp(torch.from_numpy(density)[None, None], HEIGHT)[0, 0].numpy()
    black = np.zeros_like(resize(frames["plain"], PANEL))
    error = ((frames["plain"].astype(float) - frames["source"]) ** 2).mean(-1)
    shown = {"error": error, "solid angle": weights, "solid angle and attention": attention}
    shown["error, weighted by both"] = error * attention
    panels = [
        add_label(overlay(black, np.sqrt(values).astype(np.float32), peak(values), colour_table("inferno"), 1.0), name)
        for name, values in shown.items()
    ]
    write_rgb_png(path, tile(panels, 2, gap=6))


def peak(values: np.ndarray) -> float:
    return float(np.sqrt(np.quantile(values, 0.998)))


if __name__ == "__main__":
    main()
