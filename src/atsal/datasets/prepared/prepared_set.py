"""A prepared data set, opened: its items, fixations, maps and pictures, each when it is asked for."""

from collections.abc import Collection, Iterator
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.config import from_mapping, suggest_name
from atsal.datasets import dataset_named
from atsal.datasets.dataset import Dataset, Stimulus
from atsal.datasets.prepared.item_record import FIXATIONS, RECORD, open_record
from atsal.datasets.prepared.manifest import MANIFEST, read_manifest
from atsal.datasets.prepared.preparation import Preparation, windows_of
from atsal.datasets.prepared.statistics import SetStatistics
from atsal.datasets.stimulus import Picture, read_picture, read_some_frames
from atsal.errors import ConfigError, DataError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.maps import Window, saliency_map
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.gaze.tables import read_fixations
from atsal.video.pixels import scaled


class PreparedSet:
    """A folder that `prepare` wrote.

    `source` says where the raw files are now, if they were moved. Raises `DataError` for a folder that is no prepared
    set, `ConfigError` for an item or a split that it does not have.
    """

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.source = source or Path(self.manifest["source"])
        self.dataset: Dataset = dataset_named(self.manifest["dataset"])
        self.preparation = from_mapping(Preparation, self.manifest["preparation"], str(folder / MANIFEST))
        self.items: tuple[str, ...] = tuple(entry["id"] for entry in self.manifest["items"])
        self._known = frozenset(self.items)

    def split(self, name: str, part: str) -> tuple[str, ...]:
        """The items of a part ("train") of a split; those that were not prepared are left out."""
        splits = self.manifest["splits"]
        if name not in splits:
            raise ConfigError(f"{self.folder}: no split {name!r}{suggest_name(name, splits)}")
        if part not in splits[name]:
            raise ConfigError(f"{self.folder}: split {name} has no part {part!r}{suggest_name(part, splits[name])}")
        chosen = set(splits[name][part])
        return tuple(entry["id"] for entry in self.manifest["items"] if entry.get("variant_of", entry["id"]) in chosen)

    def statistics(self) -> SetStatistics:
        """Of the whole set."""
        try:
            return SetStatistics.from_json(self.manifest["statistics"])
        except DataError as error:
            raise DataError(f"{self.folder / MANIFEST}: {error}") from error

    def record(self, item: str) -> dict[str, Any]:
        """What `prepare` noted of an item."""
        if item not in self._known:
            raise ConfigError(f"{self.folder}: no item {item!r}{suggest_name(item, self.items)}")
        path = self.folder / item
        return _record(path, _changed(path / RECORD))

    def fixations(self, item: str) -> Fixations | PlanarFixations:
        """All fixations of an item."""
        self.record(item)
        path = self.folder / item / FIXATIONS
        return _fixations(path, _changed(path))

    def stimulus(self, item: str) -> Stimulus:
        """What is known of the item's stimulus."""
        facts = self.record(item)["stimulus"] or {}
        return Stimulus(**{f.name: facts[f.name] for f in fields(Stimulus) if f.name in facts})

    def picture(self, item: str, frame_index: int = 0, *, size: tuple[int, int] | None = None) -> Picture:
        """The item's image, or a frame of its video, (H, W, 3) uint8 RGB; a video's is scaled to (width, height)."""
        record, own = self.record(item), self.folder / item
        if "image.png" in record["files"]:
            return read_picture(own / "image.png", Stimulus("image"))
        if f"frames/{frame_index:06d}.jpg" in record["files"]:
            return read_picture(own / "frames" / f"{frame_index:06d}.jpg", Stimulus("image"))
        path, member = self._stimulus_file(item)
        return read_picture(path, self.stimulus(item), frame_index, member=member, size=size)

    def pictures(self, item: str, frame_indices: Collection[int], *, size: tuple[int, int]) -> Iterator[Picture]:
        """Some frames of an item, in their order, each scaled to (width, height); a video is sought and read once."""
        files = self.record(item)["files"]
        if "image.png" in files or any(name.startswith("frames/") for name in files):
            yield from (scaled(self.picture(item, index), size) for index in sorted(frame_indices))
            return
        path, _ = self._stimulus_file(item)
        yield from read_some_frames(path, self.stimulus(item), frame_indices, size)

    def stimulus_bytes(self, item: str) -> int:
        """The size of the item's stimulus, or of the archive that it is in; `DataError` where it is gone."""
        path, _ = self._stimulus_file(item)
        return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.iterdir())

    def _stimulus_file(self, item: str) -> tuple[Path, str | None]:
        """The file, and the picture's name inside where it is an archive; `DataError` where it is not there."""
        stimulus = self.record(item)["stimulus"]
        if stimulus is None:
            raise DataError(f"{item}: the set was prepared without stimuli; put them beside the gaze and prepare again")
        path = self.source / stimulus["file"]
        if not path.exists():
            raise DataError(
                f"{path}: the stimulus of {item} is not there any more; say where the raw files are now (`raw` of a "
                "training source, `source` in Python), or prepare again"
            )
        return path, stimulus.get("member")

    def windows(self, item: str) -> tuple[Window, ...] | None:
        """The frames of each of the item's maps; None for one map of everything."""
        return windows_of(
            self.stimulus(item),
            self.fixations(item),
            self.preparation.window,
            stills=self.dataset.stimuli == "images",
        )

    def window_at(self, item: str, frame_index: int) -> Window | None:
        """The window that a frame lies in; None for one map of everything. `DataError` for a frame past the end."""
        over = self.windows(item)
        if over is None:
            return None
        number = frame_index // (over[0].last_frame + 1)  # all but the last are of one length
        if not 0 <= frame_index <= over[-1].last_frame:
            raise DataError(f"{item}: no frame {frame_index}; the last is {over[-1].last_frame}")
        return over[number]

    def saliency_map(
        self, item: str, window: Window | None = None, *, erp_height: int | None = None
    ) -> NDArray[np.float32]:
        """The map of a window, or of everything, made from the fixations: (H, 2H) float32; (H, W) of a photo."""
        fixations, stimulus = self.fixations(item), self.stimulus(item)
        if isinstance(fixations, PlanarFixations):
            if stimulus.height is None or stimulus.width is None:
                raise DataError(f"{item}: the photo is not there, and with it the size of its map")
            return planar_saliency_map(fixations, stimulus.height, stimulus.width, self.dataset.sigma_width)
        if window is not None:
            fixations = fixations.in_frames(window.first_frame, window.last_frame)
        return saliency_map(fixations, erp_height or self.preparation.erp_height, self.preparation.sphere_sigma_deg)


def _changed(path: Path) -> int:
    """When a file was last written; 0 where there is none, which its reader reports."""
    return path.stat().st_mtime_ns if path.is_file() else 0


@lru_cache(maxsize=4096)
def _record(folder: Path, _changed_ns: int) -> dict[str, Any]:
    return open_record(folder)


@lru_cache(maxsize=64)
def _fixations(path: Path, _changed_ns: int) -> Fixations | PlanarFixations:
    """Frames of one video are read one after another: its table is read once."""
    return read_fixations(path)
