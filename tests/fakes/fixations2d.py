"""A set of flat photos with a bright spot each, and observers who look at it after a first look at the centre."""

import csv
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

FIRST_PHOTO = "1001"  # as in OSIE
SIZE = (128, 96)
SPREAD = 0.02  # of the gaze, as a share of the photo


def spot_image(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, float, float]:
    """A dim noisy image with one bright spot at (u, v) in [0, 1), v from the top."""
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


def write_fixations2d(
    root: Path, *, items: int = 2, observers: int = 5, seed: int = 0, first: str = FIRST_PHOTO
) -> dict[str, tuple[float, float]]:
    """Write `images.zip` and `fixations.csv.gz`; returns the spot (u, v) of each photo."""
    spots, rng, rows = _write_photos(root, items, seed, first), np.random.default_rng(seed + 1), []
    for name, spot in spots.items():
        for observer in range(observers):
            u, v = np.clip(rng.normal(spot, SPREAD), 0, 0.999)
            rows.append([name, observer, 0, 0.5, 0.5, 200])
            rows.append([name, observer, 1, round(float(u), 5), round(float(v), 5), 300])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "observer", "fixation", "u", "v", "duration_ms"])
    writer.writerows(rows)
    (root / "fixations.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    return spots


def write_density_maps(root: Path, *, items: int = 2, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Write `images.zip` and `maps.npz`, maps of 48x64; returns the spot (u, v) of each photo."""
    spots = _write_photos(root, items, seed)
    y, x = np.mgrid[:48, :64]
    maps = [255 * np.exp(-((((x + 0.5) / 64 - u) ** 2 + ((y + 0.5) / 48 - v) ** 2) / 0.004)) for u, v in spots.values()]
    np.savez(root / "maps.npz", names=np.array(list(spots)), maps=np.array(maps).astype(np.uint8))
    return spots


def _write_photos(root: Path, items: int, seed: int, first: str = FIRST_PHOTO) -> dict[str, tuple[float, float]]:
    root.mkdir(parents=True, exist_ok=True)
    rng, spots = np.random.default_rng(seed), {}
    with zipfile.ZipFile(root / "images.zip", "w") as archive:
        for number in range(int(first), int(first) + items):
            name = f"{number:0{len(first)}d}"
            image, u, v = spot_image(rng, *SIZE)
            archive.writestr(zipfile.ZipInfo(f"{name}.webp"), webp(image))
            spots[name] = (float(u), float(v))
    return spots
