"""How much of the viewports of recorded viewers lies in the tiles that were predicted to matter most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from atsal.gaze.directions import Floats, Integers
from atsal.gaze.records import GazeSamples
from atsal.gaze.shares import gaze_shares
from atsal.models.front_prior import PHOTO, FrontPrior, FrontPriorConfig
from atsal.tiles.segments import Segment, Segmenter
from atsal.tiles.viewports import ROWS, nearest_direction, viewport_table


@dataclass(frozen=True)
class HitRates:
    """The part of recorded viewports that lies in the best tiles, averaged over time and viewers, 0 to 1."""

    tiles: int  # how many tiles are chosen in each segment
    predicted: float  # those that fill most of the viewport by prediction
    equator: float  # those that do by the equator prior: the same in all segments
    uniform: float  # of as many tiles at random


def hit_rates(
    segmenter: Segmenter,
    segments: Sequence[Segment],
    viewers: Sequence[GazeSamples],
    budgets: Sequence[int],
    equator: Floats,
) -> list[HitRates]:
    """Measure the hit rate of the best tiles, for each number of tiles in `budgets`; nothing without samples.

    `equator` are the expected parts (tiles,) of `equator_parts`. Each viewer counts the same.
    """
    parts = viewport_table(segmenter.grid, segmenter.perspective).parts
    order = np.argsort(-np.stack([segment.expected_part for segment in segments]), axis=1, kind="stable")
    fixed = np.argsort(-equator, kind="stable")
    viewed = [one for viewer in viewers if (one := _viewed(segmenter, len(segments), viewer)) is not None]
    if not viewed:
        return []

    def rates(count: int) -> HitRates:
        predicted = [
            np.take_along_axis(parts[directions], order[numbers, :count], axis=1).sum(1).mean()
            for numbers, directions in viewed
        ]
        by_prior = [parts[directions][:, fixed[:count]].sum(1).mean() for _, directions in viewed]
        uniform = count / len(segmenter.grid)
        return HitRates(count, float(np.mean(predicted)), float(np.mean(by_prior)), uniform)

    return [rates(count) for count in budgets]


def equator_parts(segmenter: Segmenter, prior: FrontPriorConfig) -> Floats:
    """Return the expected part of the viewport of each tile where only the latitude is known."""
    density = FrontPrior(prior, ROWS, front_deg=None)(torch.tensor([PHOTO]))[0, 0].numpy()
    return viewport_table(segmenter.grid, segmenter.perspective).expected_parts(gaze_shares(density, ROWS))


def _viewed(segmenter: Segmenter, count: int, viewer: GazeSamples) -> tuple[Integers, Integers] | None:
    """Return the segment and the direction (as a row of the table) of each sample, or None if there is none."""
    if viewer.timestamp_s is None:
        return None
    number = np.floor((viewer.timestamp_s - segmenter.start_s) / segmenter.segment_s).astype(np.int64)
    used = viewer.is_valid & (number >= 0) & (number < count)
    if not used.any():
        return None
    return number[used], nearest_direction(viewer.vectors(viewer.directions[0])[used])
