"""What the fakes of all data sets share: stimuli with a moving object, and observers who look at it.

The right answer is known: at any time the gaze of every observer lies within a few degrees of `Target.lonlat`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from atsal.video.synthetic_scene import Scene, render_video

SPREAD_RAD = np.deg2rad(1.5)  # of the observers' gaze around the target


@dataclass(frozen=True)
class Target:
    """The first object of `Scene(seed)`."""

    seed: int

    def lonlat(self, time_s: float = 0.0) -> tuple[float, float]:
        """Where it is, in radians (+ right, + up)."""
        lon, lat = Scene(self.seed).object_directions(time_s)[0]
        return float(lon), float(lat)

    def look(self, rng: np.random.Generator, time_s: float = 0.0) -> tuple[float, float]:
        """Where an observer looks: near the target. Longitude in [-π, π)."""
        lon, lat = self.lonlat(time_s)
        lat = float(np.clip(lat + rng.normal(0, SPREAD_RAD), -1.5, 1.5))
        lon += rng.normal(0, SPREAD_RAD) / np.cos(lat)
        return float((lon + np.pi) % (2 * np.pi) - np.pi), lat

    def look_uv(self, rng: np.random.Generator, time_s: float = 0.0) -> tuple[float, float]:
        """The same as ERP position: u from the left, v from the top, both in [0, 1)."""
        lon, lat = self.look(rng, time_s)
        return lon / (2 * np.pi) + 0.5, 0.5 - lat / np.pi

    def write_image(self, path: Path, erp_height: int = 64) -> None:
        """The scene at time 0."""
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(Scene(self.seed).render(erp_height, 0.0)).save(path)

    def write_video(self, path: Path, *, seconds: float = 1.0, fps: float = 10.0, erp_height: int = 64) -> None:
        """The scene in motion."""
        path.parent.mkdir(parents=True, exist_ok=True)
        render_video(path, seconds=seconds, frame_rate=fps, erp_height=erp_height, seed=self.seed)
