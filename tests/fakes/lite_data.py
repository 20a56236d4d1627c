"""A tiny data folder of the layout that the training of `lite` reads, whose gaze follows a bright spot."""

import csv
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from atsal.synthetic import Scene


def spot_image(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, float, float]:
    """A dim noisy image with one bright spot at (u, v) in [0, 1)."""
    u, v = rng.uniform(0.2, 0.8, 2)
    y, x = np.mgrid[:height, :width]
    distance = np.hypot((x + 0.5) / width - u, (y + 0.5) / height - v)
    noise = rng.uniform(20, 80, (height, width, 3))
    return (noise + 170 * np.exp(-((distance / 0.08) ** 2))[..., None]).clip(0, 255).astype(np.uint8), u, v


def webp(image: np.ndarray) -> bytes:
    """Encode an image losslessly."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "webp", lossless=True)
    return buffer.getvalue()


def write_photo_set(folder: Path, count: int, seed: int = 0) -> None:
    """One set of `fixations2d`: five observers look at the spot, after a first fixation at the centre."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows = []
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for number in range(count):
            image, u, v = spot_image(rng, 128, 96)
            archive.writestr(f"{number:03d}.webp", webp(image))
            for observer in range(5):
                rows.append([f"{number:03d}", observer, 0, 0.5, 0.5, 200])
                near_u, near_v = np.clip(rng.normal((u, v), 0.02), 0, 0.999)
                rows.append([f"{number:03d}", observer, 1, round(float(near_u), 5), round(float(near_v), 5), 300])
    with gzip.open(folder / "fixations.csv.gz", "wt", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["image", "observer", "fixation", "u", "v", "duration_ms"])
        writer.writerows(rows)


def write_head_frames(folder: Path, count: int) -> None:
    """AVTrack360: frames of made-up scenes, and viewers whose heads follow the scene's first object."""
    (folder / "frames").mkdir(parents=True)
    videos = {}
    for number in range(1, count + 1):
        scene = Scene(number)
        (folder / "frames" / f"{number}.webp").write_bytes(webp(scene.render(128, 0.0)))
        lon, lat = np.rad2deg(scene.object_directions(0.0)[0])
        videos[f"{number}.mp4"] = {"yaw": round(float(lon)), "pitch": -round(float(lat))}
    with tarfile.open(folder / "head_rotation.tar.xz", "w:xz") as archive:
        for viewer in range(3):
            clips = [
                {
                    "filename": name,
                    "pitch_yaw_roll_data_hmd": [{"sec": 0.1 * i, "roll": 0, **angles} for i in range(40)],
                }
                for name, angles in videos.items()
            ]
            content = json.dumps({"label": str(viewer), "data": clips}).encode()
            entry = tarfile.TarInfo(f"Head_rotation/{viewer}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def write_panoramas(folder: Path, count: int) -> None:
    """Panoramas without gaze, and the list of them."""
    folder.mkdir(parents=True)
    with (folder / "sources.csv").open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["name", "licence"])
        for number in range(count):
            (folder / f"made_up_{number}.webp").write_bytes(webp(Scene(100 + number).render(128, 0.0)))
            writer.writerow([f"made_up_{number}", "CC0"])
