"""What Python tells the page: `catalogue.json` is one `Catalogue`, the `scene.json` of each item is one `Scene`.

A report holds one `ReportSphere`.

The TypeScript types of the page (`viewer/src/scene.gen.ts`) are made from these classes; see `typescript.py`. Paths of
files in a scene are relative to the folder of its item. Directions are in degrees: yaw 0 at the centre of the frame, +
to the right, in [-180, 180); pitch + up.
"""

from dataclasses import dataclass
from typing import Literal

from atsal.directing.aspect import Aspect
from atsal.directing.plan import Plan
from atsal.video.colormaps import COLORMAPS


@dataclass(frozen=True)
class Media:
    """The video or photo."""

    kind: Literal["video", "image"]
    file: str
    name: str  # of the source, for people
    width: int  # of the view, in pixels
    height: int
    crop: tuple[float, float, float, float]  # the left eye's view: left, top, width, height, as shares of the picture
    codec: str  # FFmpeg's name; "" for a photo
    frame_rate: float  # frames per second; 0 for a photo
    duration_s: float  # 0 for a photo


@dataclass(frozen=True)
class Stream:
    """The maps of one stream in one direction."""

    name: str
    kind: str  # the stream of the model: "fused", "attention", "experts"; or "recorded"
    direction: Literal["head_eye", "head"]  # of gaze, or of the middle of the viewport
    shows: str  # a few words on what the stream is
    chunks: tuple[str, ...]  # files of `Maps.chunk_frames` maps each, in the order of time
    concentration_bits: tuple[float, ...]  # of each map: 0 for gaze spread evenly over the sphere
    peak_ratio: tuple[float, ...]  # of each map: level 255 stands for this many times the average over the sphere


@dataclass(frozen=True)
class Maps:
    """The maps of a source; the lists have one value for each frame that was predicted."""

    width: int
    height: int
    chunk_frames: int
    frame_indices: tuple[int, ...]  # in the source
    times_s: tuple[float, ...]  # since the first frame of the source
    streams: tuple[Stream, ...]


@dataclass(frozen=True)
class Previews:
    """Pictures of a video on one sheet, row by row."""

    file: str
    columns: int
    width: int  # of a picture, in pixels
    height: int
    times_s: tuple[float, ...]  # of each picture


@dataclass(frozen=True)
class RegionTrack:
    """A salient region over time; the lists have one value for each time at which it was found."""

    id: int
    times_s: tuple[float, ...]
    yaw_deg: tuple[float, ...]
    pitch_deg: tuple[float, ...]
    weight: tuple[float, ...]  # share of the predicted gaze, in (0, 1]


@dataclass(frozen=True)
class ViewerGaze:
    """The recorded gaze of one viewer, in order; the lists have one value for each fixation."""

    name: str
    starts_s: tuple[float, ...]  # since the first frame, or since the photo appeared; empty where no times are known
    durations_s: tuple[float, ...]  # 0 where it is not known
    yaw_deg: tuple[float, ...]
    pitch_deg: tuple[float, ...]


@dataclass(frozen=True)
class Gaze:
    """The recorded gaze on the video or photo."""

    viewers: tuple[ViewerGaze, ...]
    shows: str  # a sentence on what was recorded
    viewing_s: float  # of a photo: when the last viewer's gaze ends; 0 for a video, and where no times are known


@dataclass(frozen=True)
class Colormap:
    """A colour map: colours the same distance apart, as #rrggbb, from the lowest level to the highest."""

    name: str
    colours: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> "Colormap":
        """Return a colour map of `atsal.video.colormaps`."""
        return cls(name, tuple(f"#{bytes(colour).hex()}" for colour in COLORMAPS[name]))


@dataclass(frozen=True)
class Shape:
    """A shape that a film can have."""

    name: Aspect
    ratio: float  # width divided by height


@dataclass(frozen=True)
class Film:
    """The plan of a film of the video, and what the page needs to write one: see `atsal.directing`."""

    plan: Plan | None  # that is shown at first
    format: str  # of a plan as a file
    version: int
    source_duration_s: float  # as plans have it; 0 where the video does not tell
    shapes: tuple[Shape, ...]  # the usual one first
    fov_deg: tuple[float, float]  # the least and the most that a keyframe may have
    rounding_s: float  # the camera's path is averaged over this time
    max_speed_deg_s: float
    min_cut_s: float  # the least time between two cuts
    longest_turn_deg: float  # between two keyframes: a longer turn may be taken the other way


@dataclass(frozen=True)
class Live:
    """The network that predicts in the page. There are no files of maps, and the page fills in `Scene.media`."""

    network: str  # a file that `atsal export` wrote
    width: int  # of the frames that it takes
    height: int
    photo_s: float  # the time that says "a photo"


@dataclass(frozen=True)
class Scene:
    """All that the page shows."""

    media: Media
    maps: Maps
    previews: Previews
    regions: tuple[RegionTrack, ...]  # the heaviest first
    region_step_s: float  # the longest time between two looks for regions
    cuts_s: tuple[float, ...]  # when the source cuts to another scene, as far as that is known
    film: Film | None  # None where the source is no video file
    colormaps: tuple[Colormap, ...]
    colormap: str  # shown first
    opacity: float  # shown first, 0 to 1
    made_by: str  # what made the maps, for captions
    notes: tuple[str, ...]  # sentences for people, on how the source was read and what is missing
    gaze: Gaze | None = None  # of an item of a prepared set
    live: Live | None = None  # where the page predicts


@dataclass(frozen=True)
class SphereMoment:
    """A frame in the sphere of a report. Pictures are `data:` addresses."""

    label: str  # its time, for people
    picture: str
    maps: tuple[str, ...]  # in grey, of each stream; white is the greatest value of that map


@dataclass(frozen=True)
class ReportSphere:
    """What the sphere in a report shows."""

    streams: tuple[str, ...]
    moments: tuple[SphereMoment, ...]
    colormap: Colormap
    opacity: float  # shown first, 0 to 1


@dataclass(frozen=True)
class Item:
    """A video, a photo or a result: what the page shows at a time."""

    name: str
    about: str  # a few words on what it is, as "video, 0:10"
    folder: str  # of its files, relative to the page, with "/" at the end
    picture: str = ""  # a small one, relative to the page; "" where there is none


@dataclass(frozen=True)
class Catalogue:
    """The items that the page can show."""

    items: tuple[Item, ...]
    home: str = ""  # the address of a page that leads here, as that of a service with its jobs; "": none


@dataclass(frozen=True)
class Progress:
    """What the server answers, with status 202, as long as there is no scene of an item."""

    text: str  # what it is doing, or why there will be no scene
    share: float | None  # how much of it is done, 0 to 1; None: unknown
    failed: bool
