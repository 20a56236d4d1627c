"""From the maps of an item to one map a window of the protocol, at the size that is compared."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from atsal.errors import DataError
from atsal.evaluation.ground_truth import Floats, GroundTruth
from atsal.evaluation.map_files import MapFiles
from atsal.evaluation.priors import stretched
from atsal.gaze.maps import Window
from atsal.projection import resize_erp

_ZEROS = "exact zeros, as in maps cut to 8 bits: KLD and information gain take them at about 24 nats"
_ASPECT_TOLERANCE = 0.02  # of flat photos' maps, whose sides are rounded


class WindowMaps:
    """One item's predicted maps, a window at a time.

    The map of a window is the mean of the densities of its frames. Raises `DataError` where the number of maps fits
    neither the item's frames nor its windows, and for maps of another shape than the item's.
    """

    def __init__(self, truth: GroundTruth, item: str, files: MapFiles) -> None:
        self._truth = truth
        self._files = files
        self._size = truth.size(item)
        self._windows = truth.windows(item)
        self._window_of = _window_of_each(files, self._windows, truth.prepared.stimulus(item).frames)
        self._notes: dict[str, None] = {}
        if files.count() == 1 and len(self._windows) > 1:
            self._notes["one map serves all windows"] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the maps and what is odd about them; complete once all were read."""
        return tuple(self._notes)

    def __iter__(self) -> Iterator[tuple[int, Floats]]:
        """The number of each window that has maps, and its map (H, W), a density up to a factor."""
        if len(self._window_of) == 1 and len(self._windows) > 1:
            only = self._sized(next(self._densities()))
            yield from ((number, only) for number in range(len(self._windows)))
            return
        current, total, count = 0, np.zeros(()), 0
        for number, density in self._numbered():
            if number != current and count:
                yield current, self._sized(total / count)
                total, count = np.zeros(()), 0
            current, total, count = number, total + density, count + 1
        if count:
            yield current, self._sized(total / count)

    def _numbered(self) -> Iterator[tuple[int, Floats]]:
        """Each map with its window; `DataError` where the files hold fewer or more than they say."""
        read = 0
        for density in self._densities():
            if read < len(self._window_of):
                yield self._window_of[read], density
            read += 1
        if read != len(self._window_of):
            raise DataError(
                f"{self._files.path}: {read} maps could be read of {len(self._window_of)} that it tells of: damaged or "
                "cut short; write or copy it again"
            )

    def _densities(self) -> Iterator[Floats]:
        """Each map with a mean of 1; one that is zero everywhere stays so."""
        first: tuple[int, ...] | None = None
        for saliency in self._files.read():
            if first is None:
                first = saliency.shape
                self._check_shape(*first)
            if saliency.shape != first:
                found = f"maps of {_told(first)} and of {_told(saliency.shape)}"
                raise DataError(f"{self._files.path}: {found}; expected one size")
            if not saliency.any():
                self._notes["maps that are zero everywhere"] = None
            elif not saliency.all():
                self._notes[_ZEROS] = None
            yield self._truth.of_mean_one(saliency)

    def _check_shape(self, height: int, width: int) -> None:
        found, expected = f"{self._files.path}: maps of {width}x{height}", _told(self._size)
        if (height, width) == self._size:
            return
        if self._truth.protocol.is_planar:
            if (width, height) == self._size:
                raise DataError(f"{found}; expected {expected}: they lie on their side")
            if abs(width / height / (self._size[1] / self._size[0]) - 1) > _ASPECT_TOLERANCE:
                raise DataError(f"{found}; the photo is {expected}, of another shape")
        elif width != 2 * height:
            side = ": they lie on their side" if height == 2 * width else ""
            raise DataError(f"{found}; expected equirectangular ones, twice as wide as high{side}")
        self._notes[f"scaled from {width}x{height} to {expected}"] = None

    def _sized(self, saliency: Floats) -> Floats:
        """At the size that is compared."""
        if saliency.shape == self._size:
            return saliency
        if self._truth.protocol.is_planar:
            return stretched(saliency, self._size)
        found: Floats = resize_erp(torch.from_numpy(saliency)[None, None], self._size[0])[0, 0].numpy()
        return found


def _window_of_each(files: MapFiles, windows: Sequence[Window | None], frames: int | None) -> list[int]:
    """The window of each map."""
    count, numbers = files.count(), files.numbers
    if windows[0] is None:  # all frames are pooled
        some_frames = files.path.is_dir() and (frames is None or (numbers is not None and numbers[-1] < frames))
        if count not in (1, frames) and not some_frames:
            expected = "1" if frames is None else f"1, or {frames}, one a frame"
            raise DataError(f"{files.path}: {count} maps; expected {expected}")
        return [0] * count
    spans = [window for window in windows if window is not None]
    last = spans[-1].last_frame
    if count == last + 1:
        return _windows_of_frames(range(count), spans)
    if count == 1 or (count == len(spans) and numbers is None):
        return list(range(count))
    if numbers is not None and numbers[0] == 0 and numbers[-1] <= last:
        found = _windows_of_frames(numbers, spans)
        shorter = spans[-1].last_frame - spans[-1].first_frame < spans[0].last_frame  # than a stride, perhaps
        if set(found) >= set(range(len(spans) - shorter)):
            return found
    named = ". Files with numbers as names are frames: name windows otherwise, or write one .npy of all"
    raise DataError(
        f"{files.path}: {count} maps; expected {last + 1} (one a frame), {len(spans)} (one a window of "
        f"{spans[0].last_frame + 1} frames), 1 for all, or files named by their frame from 0 with some for each window"
        f"{named if count == len(spans) else ''}"
    )


def _windows_of_frames(frames: Sequence[int], windows: Sequence[Window]) -> list[int]:
    length = windows[0].last_frame + 1  # all but the last are of one length
    return [frame // length for frame in frames]


def _told(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
