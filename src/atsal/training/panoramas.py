"""360° frames for the attention stream: panoramas without gaze, and frames with measured head directions."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from atsal.datasets.avtrack360 import DATASET as AVTRACK360
from atsal.errors import DataError
from atsal.gaze.maps import fixation_map
from atsal.gaze.readers.avtrack360 import read_avtrack360
from atsal.gaze.records import GazeSamples, fixations_from_samples
from atsal.projection import SphericalGaussian, solid_angle_weights
from atsal.training.photos import jitter_colour

FRAME_HEIGHT = 320


@dataclass(frozen=True)
class HeadFrames:
    """Still 360° frames and where the viewers of their videos pointed their heads."""

    names: list[str]
    images: Tensor  # (N, 3, 320, 640) uint8
    counts: NDArray[np.float64]  # (N, H, 2H) head samples

    def densities(self, sigma_deg: float) -> Tensor:
        """Saliency densities (N, 1, H, 2H) float32 of spherical mean 1: each sample a Gaussian on the sphere."""
        height = self.counts.shape[1]
        per_area = torch.from_numpy(self.counts / solid_angle_weights(height).numpy()).float()[:, None]
        return spherical_density(SphericalGaussian(height, sigma_deg)(per_area))


def spherical_density(maps: Tensor) -> Tensor:
    """Scale maps (..., H, 2H), >= 0, to a mean of 1 under the solid angle."""
    weight = solid_angle_weights(maps.shape[-2]).to(maps.dtype)
    weight = weight / (weight.sum() * maps.shape[-1])
    return maps / (maps * weight).sum((-2, -1), keepdim=True).clamp(min=1e-12)


def latitude_profile(densities: Tensor) -> Tensor:
    """The equator prior: mean density of each row over items and longitudes, (H,)."""
    return densities.mean((0, 1, 3))


def read_head_frames(folder: Path, excluded: tuple[str, ...], erp_height: int) -> HeadFrames:
    """Read AVTrack360: `frames/<video>.webp` and `head_rotation.tar.xz`, counts on maps of `erp_height` rows."""
    tracks = read_avtrack360(folder / "head_rotation.tar.xz").records
    files = {video: folder / "frames" / f"{video}.webp" for video in tracks if video not in excluded}
    files = {video: file for video, file in files.items() if file.is_file()}
    if not files:
        raise DataError(f"{folder / 'frames'}: no still of the videos {', '.join(tracks)}; expected as 6.webp")
    images = torch.stack([read_frame(file) for file in files.values()])
    return HeadFrames(list(files), images, np.stack([head_counts(tracks[video], erp_height) for video in files]))


def head_counts(tracks: tuple[GazeSamples, ...], erp_height: int) -> NDArray[np.float64]:
    """How many head samples fall on each pixel of an ERP map, (H, 2H), without those at the start position.

    The logs hold whole degrees, many of which lie on a pixel's border. There the last bit decides, so the angles are
    first rounded to what was logged.
    """
    heads = fixations_from_samples(tracks, "head")
    if heads.onset_s is not None:
        heads = heads.select(heads.onset_s >= AVTRACK360.skip_s)
    lon, lat = (np.deg2rad(np.rad2deg(angle).round(6)) for angle in (heads.lon_rad, heads.lat_rad))
    return fixation_map(replace(heads, lon_rad=lon, lat_rad=lat), erp_height)


def read_panoramas(folder: Path) -> Tensor:
    """Every panorama that `sources.csv` names, (N, 3, 320, 640) uint8."""
    with (folder / "sources.csv").open(newline="", encoding="utf-8") as text:
        names = sorted(row["name"] for row in csv.DictReader(text))
    return torch.stack([read_frame(folder / f"{name}.webp") for name in names])


def read_frame(file: Path) -> Tensor:
    """An ERP image as (3, 320, 640) uint8."""
    with Image.open(file) as image:
        resized = image.convert("RGB").resize((2 * FRAME_HEIGHT, FRAME_HEIGHT), Image.Resampling.BOX)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


def augment(images: Tensor, maps: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn frames (N, 3, H, 2H) uint8 and maps (N, 1, h, 2h) about the vertical axis, mirror half, vary the colours.

    The turn is a whole number of map pixels, so both stay exact.
    """
    width = maps.shape[-1]
    step = images.shape[-1] // width
    turned, turned_maps = [], []
    for image, target in zip(images, maps, strict=True):
        shift = int(torch.randint(width, (), generator=rng))
        mirror = (-1,) if torch.rand((), generator=rng) < 0.5 else ()
        turned.append(image.roll(shift * step, -1).flip(mirror))
        turned_maps.append(target.roll(shift, -1).flip(mirror))
    return jitter_colour(torch.stack(turned).float() / 255, 0.25, rng), torch.stack(turned_maps)


def log_profile(profile: Tensor, rows: int) -> Tensor:
    """Logits (rows,) that reproduce a latitude profile (H,) under a sigmoid, up to a factor: its peak at 1/2."""
    resized = torch.nn.functional.interpolate(profile[None, None], rows, mode="linear")[0, 0]
    return torch.logit((resized / resized.max() / 2).clamp(1e-4, 1 - 1e-4))
