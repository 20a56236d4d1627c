"""What a data set is: a declaration with two functions, one that finds its raw files and one that reads an item."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.gaze.checked_records import Drop
from atsal.gaze.records import Direction, Fixations, GazeSamples, PlanarFixations

Stimuli = Literal["images", "videos", "mixed", "photos"]  # 360° images, 360° videos, both, flat photos
Kind = Literal["image", "video", "frames", "photo"]  # of one stimulus; frames: a folder of pictures


@dataclass(frozen=True)
class RawItem:
    """One stimulus of a data set and the raw files about it."""

    id: str  # also the name of its folder in the prepared set: letters, digits, - _ .
    stimulus: Path | None  # the image or video; None where the source has none (gaze only)
    logs: tuple[Path, ...]  # the gaze files, in order of name
    member: str | None = None  # the picture's name inside, where the stimulus is a zip archive of pictures


@dataclass(frozen=True)
class Found:
    """What lies in a source folder."""

    items: tuple[RawItem, ...]
    missing: tuple[str, ...] = ()  # one line each: what is missing and where it was looked for
    passed_over: tuple[str, ...] = ()  # one line for each reason: files and folders that are of no use


@dataclass(frozen=True, eq=False)
class ItemGaze:
    """The gaze on one item as read: samples, or fixations that the data set's authors detected, or both."""

    samples: tuple[GazeSamples, ...] = ()
    fixations: Fixations | PlanarFixations | None = None
    drops: tuple[Drop, ...] = ()
    notes: tuple[str, ...] = ()  # what is only said in the manifest
    warnings: tuple[str, ...] = ()  # what looks wrong, said to the user too


@dataclass(frozen=True, eq=False)
class Stimulus:
    """What is known of an item's stimulus before its gaze is read; all None where the source has no file of it."""

    kind: Kind | None = None
    width: int | None = None  # of the view that is used, in pixels
    height: int | None = None
    frames: int | None = None  # None for stills
    frames_per_s: float | None = None  # None for stills and folders of pictures
    duration_s: float | None = None
    uneven_rate: bool = False  # of a video
    frame_times_s: NDArray[np.float64] | None = None  # of a video of uneven rate; not known of a prepared item


@dataclass(frozen=True)
class Dataset:
    """A data set of the field: what it is, where its files are, how they are read."""

    name: str  # as in `atsal prepare NAME`: lower case, hyphens
    title: str
    stimuli: Stimuli
    items: int  # stimuli of the whole set
    observers: str  # in words: "45, at least 31 a video"
    directions: tuple[Direction, ...]  # those of its logs; the first is the default
    events: Literal["fixations", "samples"]  # what maps are made of, unless `prepare` is told otherwise
    sampling: str  # in words: rate and device
    sigma_deg: Mapping[Direction, float]  # of the published maps
    licence: str
    url: str  # where to get it
    citation: str
    tree: str  # the expected files below the source folder, as a drawing
    find: Callable[[Path], Found]  # raises DataError only where nothing of the set is found
    read: Callable[[RawItem, Direction, Stimulus], ItemGaze]
    without_samples: bool = False  # its releases hold fixations only
    without_fixations: tuple[Direction, ...] = ()  # directions that come as samples only, whatever `events` says
    start_lonlat_deg: tuple[float, float] | None = None  # where all viewers start to look, if they do
    skip_s: float = 0.0  # the start position, left out of the maps
    splits: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)  # name -> part -> item ids
    read_splits: Callable[[Path], Mapping[str, Mapping[str, tuple[str, ...]]]] | None = None  # those the release holds
    still_s: float | None = None  # when in its video a still of one is, in seconds; None: stills are photos
    sigma_width: float = 1 / 32  # of flat photos' maps: standard deviation as a share of the photo's width
    notes: tuple[str, ...] = ()  # traps of the format, and how they are met

    @property
    def holds(self) -> str:
        """What its stimuli are, in words: "360° videos"."""
        kinds = {"images": "360° images", "videos": "360° videos", "mixed": "360° images and videos"}
        return kinds.get(self.stimuli, "flat photos")
