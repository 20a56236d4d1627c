"""Saliency maps of round things whose paths are known."""

import math

import numpy as np

from atsal.projection import erp_directions
from atsal.regions.finding import find_regions
from atsal.regions.region import FrameRegions, angle_deg, unit_vector
from atsal.regions.tracking import track_regions


def blob_map(blobs, rows=90, floor=0.02):
    """A map (rows, 2 rows) of blobs (yaw_deg, pitch_deg, height, sigma_deg) over an even floor."""
    vectors = erp_directions(rows).numpy()
    found = np.full(vectors.shape[:2], floor)
    for yaw_deg, pitch_deg, height, sigma_deg in blobs:
        angles = np.degrees(np.arccos(np.clip(vectors @ unit_vector(yaw_deg, pitch_deg), -1, 1)))
        found += height * np.exp(-(angles**2) / (2 * sigma_deg**2))
    return found


def tracked_scene(paths, frames, fps=30):
    """The blobs of each frame (paths are functions of time) and its tracked regions."""
    blobs = [[path(k / fps) for path in paths] for k in range(frames)]
    found = (FrameRegions(k, k / fps, find_regions(blob_map(b))) for k, b in enumerate(blobs))
    return list(zip(blobs, track_regions(found), strict=True))


def share_kept_and_error(scene, blob):
    """In which share of frames the region at a blob has its identity, the largest error (degrees), the identity."""
    nearest = []
    for blobs, frame in scene:
        direction = unit_vector(*blobs[blob][:2])
        region = min(frame.regions, key=lambda r: angle_deg(direction, r.direction))
        nearest.append((region, angle_deg(direction, region.direction)))
    ids = [region.id for region, _ in nearest if not region.merged_ids]
    identity = max(set(ids), key=ids.count)
    kept = [region.id == identity or identity in region.merged_ids for region, _ in nearest]
    errors = [error for region, error in nearest if region.id == identity and not region.merged_ids]
    return sum(kept) / len(kept), max(errors), identity


def wandering(seed, count=4):
    """Paths of things that circle the viewer at 8 to 25 °/s and sway up and down."""
    random = np.random.default_rng(seed)

    def path():
        yaw, pitch = random.uniform(-180, 180), random.uniform(-40, 40)
        speed, height = random.uniform(8, 25) * random.choice([-1, 1]), random.uniform(0.6, 1)
        sway, rate, phase = random.uniform(0, 12), random.uniform(0.3, 1.2), random.uniform(0, 6)
        return lambda t: (yaw + speed * t, pitch + sway * math.sin(rate * t + phase), height, 6)

    return [path() for _ in range(count)]
