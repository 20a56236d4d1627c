"""The declaration of a data set, and what its two functions `find` and `read` return."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.gaze.checked_records import Drop
from atsal.gaze.records import Direction, Fixations, GazeSamples, PlanarFixations

Stimuli = Literal["images", "videos", "mixed", "photos"]  # 360° images, 360° videos, both, flat photos
RowKind = Literal["fixations", "samples"]
StimulusKind = Literal["image", "video", "frames", "photo"]  # frames: a folder of pictures


@dataclass(frozen=True)
class RawItem:
    """One stimulus of a data set and the raw files about it."""

    id: str  # the name of its folder in the prepared set: letters, digits, - _ .
    stimulus: Path | None  # the image or video; None where the source has none (gaze only)
    logs: tuple[Path, ...]  # the gaze files, sorted by name
    member: str | None = None  # the name of the picture, where the stimulus is a zip archive of pictures


@dataclass(frozen=True)
class FoundItems:
    """The items of a data set in a source folder."""

    items: tuple[RawItem, ...]
    missing: tuple[str, ...] = ()  # one line each: what is missing and where it was expected
    skipped: tuple[str, ...] = ()  # one line for each reason to skip files or folders


@dataclass(frozen=True, eq=False)
class ItemGaze:
    """The gaze on one item: samples, or fixations that the authors of the data set detected, or both."""

    samples: tuple[GazeSamples, ...] = ()
    fixations: Fixations | PlanarFixations | None = None
    drops: tuple[Drop, ...] = ()
    notes: tuple[str, ...] = ()  # go into the manifest only
    warnings: tuple[str, ...] = ()  # suspicious findings; the user sees them, too


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Facts about the stimulus of an item; all None where the source has no file of it."""

    kind: StimulusKind | None = None
    width: int | None = None  # of the view that is used, in pixels
    height: int | None = None
    frames: int | None = None  # None for stills
    frames_per_s: float | None = None  # None for stills and folders of pictures
    duration_s: float | None = None
    uneven_rate: bool = False  # of a video
    frame_times_s: NDArray[np.float64] | None = None  # of a video of uneven rate; not known of a prepared item


@dataclass(frozen=True)
class Dataset:
    """The declaration of a data set: what it is, where its files are, how they are read.

    `find(source)` returns the items in a source folder and raises `DataError` only where there is no item of the set.
    `read(item, direction, stimulus)` returns the gaze on one item. It keeps gaze past the end of the video: `prepare`
    drops that, by the same rule for all sets.
    """

    name: str  # as in `atsal prepare NAME`: lower case, hyphens
    title: str
    stimuli: Stimuli
    items: int  # number of stimuli of the whole set; 0: any
    observers: str  # in words: "45, at least 31 a video"
    directions: tuple[Direction, ...]  # of its logs; the first is the default
    events: Literal["fixations", "samples"]  # what maps are made of by default
    sampling: str  # in words: rate and device
    sigma_deg: Mapping[Direction, float]  # of the published maps
    licence: str
    url: str  # where to get it
    citation: str
    expected_files: str  # below the source folder, drawn as a tree
    find: Callable[[Path], FoundItems]
    read: Callable[[RawItem, Direction, Stimulus], ItemGaze]
    row_kind: Callable[[RawItem], RowKind] | None = None  # what the logs of an item hold, where items may differ
    # the same set with columns that the user declares (`table_columns`); None: its logs have a format of their own
    with_columns: "Callable[[Dataset, Mapping[str, str]], Dataset] | None" = None
    has_samples: bool = True  # False: its releases hold fixations only
    directions_without_fixations: tuple[Direction, ...] = ()  # that come as samples only, whatever `events` says
    start_lonlat_deg: tuple[float, float] | None = None  # where all viewers start to look, if they do
    skip_s: float = 0.0  # seconds at the start that are left out of the maps
    splits: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # name -> part -> item ids
    read_splits: Callable[[Path], Mapping[str, Mapping[str, tuple[str, ...]]]] | None = None  # from the release itself
    still_s: float | None = None  # time in its video at which a still was taken, in seconds; None: stills are photos
    sigma_width: float = 1 / 32  # of flat photos' maps: standard deviation as a share of the photo's width
    notes: tuple[str, ...] = ()  # traps of the format, and how they are met

    def declare(self, columns: Mapping[str, str] | None) -> "Dataset":
        """Return the same set with declared columns, if there are any; `ConfigError` if they cannot be declared."""
        if columns is None:
            return self
        if self.with_columns is None:
            raise ConfigError(f"{self.name}: its logs have a format of their own; leave the columns out")
        return self.with_columns(self, columns)

    @property
    def stimuli_in_words(self) -> str:
        """The kind of its stimuli: "360° videos"."""
        kinds = {"images": "360° images", "videos": "360° videos", "mixed": "360° images and videos"}
        return kinds.get(self.stimuli, "flat photos")
