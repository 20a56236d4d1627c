"""Open a prepared data set: its items, fixations, maps and pictures, each read on demand."""

from collections.abc import Collection, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.config import from_mapping, suggest_name
from atsal.datasets import dataset_named
from atsal.datasets.dataset import Dataset, Stimulus
from atsal.datasets.prepared.item_maps import item_map, map_windows
from atsal.datasets.prepared.item_record import FIXATIONS, RECORD, open_record
from atsal.datasets.prepared.manifest import MANIFEST, read_manifest
from atsal.datasets.prepared.preparation import Preparation
from atsal.datasets.prepared.splits import is_names_file, read_names, resolve_items
from atsal.datasets.prepared.statistics import SetStatistics
from atsal.datasets.raw_files import cached_until_changed
from atsal.datasets.stimulus import Picture, read_picture, read_some_frames
from atsal.errors import ConfigError, DataError
from atsal.gaze.maps import Window
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.gaze.tables import read_fixations
from atsal.jobs.checksums import cached_sha256
from atsal.untrusted.text import short_repr
from atsal.video.pixels import scale_image


class PreparedSet:
    """A folder that `prepare` wrote.

    `source` is the folder of the raw files, if they were moved. Raises `DataError` if the folder is no prepared set,
    `ConfigError` for an unknown item or split.
    """

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.source = source or Path(self.manifest["source"])
        self.dataset: Dataset = dataset_named(self.manifest["dataset"])
        self.preparation = from_mapping(Preparation, self.manifest["preparation"], str(folder / MANIFEST))
        self.items: tuple[str, ...] = tuple(entry["id"] for entry in self.manifest["items"])
        self._known_items = frozenset(self.items)

    def split(self, name: str, part: str) -> tuple[str, ...]:
        """Return the prepared items of a part ("train") of a split."""
        splits = self.manifest["splits"]
        if name not in splits:
            raise ConfigError(f"{self.folder}: no split {name!r}{suggest_name(name, splits)}")
        if part not in splits[name]:
            raise ConfigError(f"{self.folder}: split {name} has no part {part!r}{suggest_name(part, splits[name])}")
        chosen = set(splits[name][part])
        return tuple(item for item, original in zip(self.items, self._originals, strict=True) if original in chosen)

    def find_part(self, text: str) -> tuple[str, str] | None:
        """Return split and part of a text such as "own.train", or "train" if one split only has such a part."""
        splits = self.manifest["splits"]
        name, _, part = text.partition(".")
        if part in splits.get(name, ()):
            return name, part
        owners = [name for name, parts in splits.items() if text in parts]
        if len(owners) > 1:
            names = " or ".join(f"{name}.{text}" for name in owners)
            raise ConfigError(f"{self.folder}: several splits have a part {text!r}; write {names}")
        return (owners[0], text) if owners else None

    def choose(self, text: str) -> tuple[str, ...]:
        """Return the items of a part of a split (`find_part`), or those named in a text file, one a line."""
        found = self.find_part(text)
        if found is not None:
            return self.split(*found)
        if is_names_file(text):
            chosen = set(resolve_items(read_names(Path(text)), self._originals, text))
            return tuple(item for item, original in zip(self.items, self._originals, strict=True) if original in chosen)
        known = [f"{name}.{part}" for name, parts in self.manifest["splits"].items() for part in parts]
        advice = suggest_name(text, known) if known else "; the set has no split: `atsal prepare --split …` makes one"
        raise ConfigError(f"{self.folder}: no part {short_repr(text)} of a split, and no such file{advice}")

    @property
    def _originals(self) -> tuple[str, ...]:
        """The item that each item is, or is a variant of."""
        return tuple(entry.get("variant_of", entry["id"]) for entry in self.manifest["items"])

    def statistics(self) -> SetStatistics:
        """Return the statistics of the whole set."""
        try:
            return SetStatistics.from_json(self.manifest["statistics"])
        except DataError as error:
            raise DataError(f"{self.folder / MANIFEST}: {error}") from error

    def record(self, item: str) -> dict[str, Any]:
        """Return the record of an item (`item.json`)."""
        if item not in self._known_items:
            raise ConfigError(f"{self.folder}: no item {item!r}{suggest_name(item, self.items)}")
        return _read_record(self.folder / item / RECORD)

    def fixations(self, item: str) -> Fixations | PlanarFixations:
        """Return all fixations on an item."""
        self.record(item)
        return _read_fixations(self.folder / item / FIXATIONS)

    def stimulus(self, item: str) -> Stimulus:
        """Return the facts about the stimulus of an item."""
        facts = self.record(item)["stimulus"] or {}
        return Stimulus(**{f.name: facts[f.name] for f in fields(Stimulus) if f.name in facts})

    def picture(self, item: str, frame_index: int = 0, *, size: tuple[int, int] | None = None) -> Picture:
        """Read an image, or a frame of a video, (H, W, 3) uint8 RGB; that of a video is scaled to (width, height)."""
        record, own = self.record(item), self.folder / item
        if "image.png" in record["files"]:
            return read_picture(own / "image.png", Stimulus("image"))
        if f"frames/{frame_index:06d}.jpg" in record["files"]:
            return read_picture(own / "frames" / f"{frame_index:06d}.jpg", Stimulus("image"))
        path, member = self._stimulus_file(item)
        return read_picture(path, self.stimulus(item), frame_index, member=member, size=size)

    def pictures(self, item: str, frame_indices: Collection[int], *, size: tuple[int, int]) -> Iterator[Picture]:
        """Read frames of an item, sorted by number, each scaled to (width, height); seeks and reads a video once."""
        files = self.record(item)["files"]
        if "image.png" in files or any(name.startswith("frames/") for name in files):
            yield from (scale_image(self.picture(item, index), size) for index in sorted(frame_indices))
            return
        path, _ = self._stimulus_file(item)
        yield from read_some_frames(path, self.stimulus(item), frame_indices, size)

    def shown_file(self, item: str) -> Path:
        """Return the image, video or folder of frames that viewers of an item saw. Raises `DataError` if it is gone."""
        own = self.folder / item / "image.png"
        return own if own.name in self.record(item)["files"] else self._stimulus_file(item)[0]

    def check_shown_file(self, item: str) -> None:
        """Raise `DataError` where `shown_file` is another file than when it was prepared; folders are not compared."""
        path, record = self.shown_file(item), self.record(item)
        recorded = record["files"].get(path.name) if path.parent == self.folder / item else record["stimulus"]
        if path.is_file() and cached_sha256(path) != (recorded or {}).get("sha256"):
            raise DataError(
                f"{path}: is another file than the one that was prepared as {item}, or has changed; pass the folder of "
                "the raw files (`--media` of `view`), or prepare again"
            )

    def stimulus_bytes(self, item: str) -> int:
        """Return the size of the stimulus, or of the archive around it. Raises `DataError` if it is gone."""
        path, _ = self._stimulus_file(item)
        return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.iterdir())

    def _stimulus_file(self, item: str) -> tuple[Path, str | None]:
        """Return the file, and the name of the picture if it is an archive. Raises `DataError` if it is gone."""
        stimulus = self.record(item)["stimulus"]
        if stimulus is None:
            raise DataError(f"{item}: the set was prepared without stimuli; put them beside the gaze and prepare again")
        path = self.source / stimulus["file"]
        if not path.exists():
            raise DataError(
                f"{path}: the stimulus of {item} is not there any more; pass the new folder of the raw files "
                "(`--source`, `--media` of `view`, `raw` of a training source, `source` in Python), or prepare again"
            )
        return path, stimulus.get("member")

    def windows(self, item: str) -> tuple[Window, ...] | None:
        """Return the frames of each map of an item; None for one map of all gaze."""
        return map_windows(
            self.stimulus(item),
            self.fixations(item),
            self.preparation.window,
            stills=self.dataset.stimuli == "images",
        )

    def window_at(self, item: str, frame_index: int) -> Window | None:
        """Return the window of a frame; None for one map of all gaze. Raises `DataError` for a frame past the end."""
        windows = self.windows(item)
        if windows is None:
            return None
        if not 0 <= frame_index <= windows[-1].last_frame:
            raise DataError(f"{item}: no frame {frame_index}; the last is {windows[-1].last_frame}")
        return windows[frame_index // (windows[0].last_frame + 1)]  # all but the last have the same length

    def saliency_map(
        self, item: str, window: Window | None = None, *, erp_height: int | None = None
    ) -> NDArray[np.float32]:
        """Return the map of a window, or of all gaze, made from the fixations: (H, 2H) float32; (H, W) of a photo."""
        fixations, stimulus = self.fixations(item), self.stimulus(item)
        return item_map(fixations, stimulus, self.dataset, self.preparation, window, erp_height)


@cached_until_changed(maxsize=4096)
def _read_record(path: Path) -> dict[str, Any]:
    return open_record(path.parent)


@cached_until_changed(maxsize=64)  # the frames of a video are read one after another
def _read_fixations(path: Path) -> Fixations | PlanarFixations:
    return read_fixations(path)
