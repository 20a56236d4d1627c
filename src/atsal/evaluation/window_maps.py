"""From the predicted maps of an item to one map for each window of the protocol, at the compared size."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from atsal.errors import DataError
from atsal.evaluation.ground_truth import Floats, GroundTruth
from atsal.evaluation.map_files import MapFiles
from atsal.evaluation.priors import resize_flat_map
from atsal.gaze.maps import Window
from atsal.projection import resize_erp

_EXACT_ZEROS = "exact zeros, as in maps cut to 8 bits: each costs about 24 nats in KLD and information gain"
_ASPECT_TOLERANCE = 0.02  # relative, of flat photos' maps, because their sides are rounded


class WindowMaps:
    """The predicted maps of one item, one for each window: the mean of the densities of its frames.

    Raises `DataError` if the number of maps fits neither the frames nor the windows of the item, and for maps of
    another shape than the item.
    """

    def __init__(self, truth: GroundTruth, item: str, files: MapFiles) -> None:
        self._truth = truth
        self._files = files
        self._size = truth.size(item)
        self._windows = truth.windows(item)
        self._window_of = _window_of_each_map(files, self._windows, truth.prepared.stimulus(item).frames)
        self._notes: dict[str, None] = {}
        if files.count() == 1 and len(self._windows) > 1:
            self._note("one map serves all windows")

    def _note(self, text: str) -> None:
        self._notes[text] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What readers must know about these maps. Complete after all maps were read."""
        return tuple(self._notes)

    def __iter__(self) -> Iterator[tuple[int, Floats]]:
        """Yield the index of each window that has maps, and its map (H, W), proportional to a density."""
        if len(self._window_of) == 1 and len(self._windows) > 1:
            only = self._resized(next(self._densities()))
            yield from ((window, only) for window in range(len(self._windows)))
            return
        current, total, count = 0, np.zeros(()), 0
        for window, density in self._densities_by_window():
            if window != current and count:
                yield current, self._resized(total / count)
                total, count = np.zeros(()), 0
            current, total, count = window, total + density, count + 1
        if count:
            yield current, self._resized(total / count)

    def _densities_by_window(self) -> Iterator[tuple[int, Floats]]:
        """Each map with its window; `DataError` if the files hold fewer or more maps than they declare."""
        read = 0
        for density in self._densities():
            if read < len(self._window_of):
                yield self._window_of[read], density
            read += 1
        if read != len(self._window_of):
            raise DataError(
                f"{self._files.path}: {read} maps could be read of the {len(self._window_of)} that it declares; it is "
                "damaged or cut short. Write or copy it again"
            )

    def _densities(self) -> Iterator[Floats]:
        """Each map divided by its mean; a map of zeros stays as it is."""
        first: tuple[int, ...] | None = None
        for saliency in self._files.read():
            if first is None:
                first = saliency.shape
                self._check_shape(*first)
            if saliency.shape != first:
                found = f"maps of {_size_text(first)} and of {_size_text(saliency.shape)}"
                raise DataError(f"{self._files.path}: {found}; expected one size")
            if not saliency.any():
                self._note("maps that are zero everywhere")
            elif not saliency.all():
                self._note(_EXACT_ZEROS)
            yield self._truth.normalise(saliency)

    def _check_shape(self, height: int, width: int) -> None:
        found, expected = f"{self._files.path}: maps of {width}x{height}", _size_text(self._size)
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
        self._note(f"scaled from {width}x{height} to {expected}")

    def _resized(self, saliency: Floats) -> Floats:
        """The map at the compared size."""
        if saliency.shape == self._size:
            return saliency
        if self._truth.protocol.is_planar:
            return resize_flat_map(saliency, self._size)
        found: Floats = resize_erp(torch.from_numpy(saliency)[None, None], self._size[0])[0, 0].numpy()
        return found


def _window_of_each_map(files: MapFiles, windows: Sequence[Window | None], frames: int | None) -> list[int]:
    """The index of the window that each map belongs to."""
    count, numbers = files.count(), files.numbers
    if windows[0] is None:  # all frames are pooled
        is_subset = files.path.is_dir() and (frames is None or (numbers is not None and numbers[-1] < frames))
        if count not in (1, frames) and not is_subset:
            expected = "1" if frames is None else f"1, or {frames}, one a frame"
            raise DataError(f"{files.path}: {count} maps; expected {expected}")
        return [0] * count
    spans = [window for window in windows if window is not None]
    length, last = spans[0].last_frame + 1, spans[-1].last_frame  # all windows but the last have this length
    if count == last + 1:
        return [frame // length for frame in range(count)]
    if count == 1 or (count == len(spans) and numbers is None):
        return list(range(count))
    if numbers is not None and numbers[0] == 0 and numbers[-1] <= last:
        found = [frame // length for frame in numbers]
        last_is_short = spans[-1].last_frame - spans[-1].first_frame + 1 < length  # perhaps shorter than the stride
        if set(found) >= set(range(len(spans) - last_is_short)):
            return found
    advice = ". Files with numbers as names are frames: name windows otherwise, or write one .npy of all"
    raise DataError(
        f"{files.path}: {count} maps; expected {last + 1} (one a frame), {len(spans)} (one a window of "
        f"{length} frames), 1 for all, or files named by their frame from 0 with some for each window"
        f"{advice if count == len(spans) else ''}"
    )


def _size_text(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
