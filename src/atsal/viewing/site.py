"""The files of the page: the viewer, the list of its items, and for each item its media, its maps and `scene.json`."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import MediaError, OutputError, TruncatedMediaError
from atsal.jobs.atomic_write import output_errors
from atsal.jobs.output_folder import FolderKind, OutputFolder
from atsal.models import Direction
from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.prediction.streams import STREAMS
from atsal.untrusted.text import plural
from atsal.video.colormaps import COLORMAPS
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.packing import MapPacker
from atsal.viewing.previews import PreviewSheet
from atsal.viewing.region_tracks import STEP_S, RegionCollector
from atsal.viewing.scene import Catalogue, Colormap, Film, Gaze, Item, Maps, Media, Previews, RegionTrack, Scene

Site = dict[str, Path]
"""The path of each file, by its name relative to the page or to the folder of an item."""

STATIC = Path(__file__).parent / "static"
PICTURE = "picture.jpg"  # of an item, in the list of items
NETWORK = "network.onnx"  # of an item that the page predicts
ITEM_FILES = ("scene.json", "media.*", "previews.jpg", "maps/*.maps", PICTURE, NETWORK)
PAGE = FolderKind(
    description="an export of the viewer",
    format="atsal page",
    record="catalogue.json",
    writes=(
        *sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()),
        *(f"items/*/{name}" for name in ITEM_FILES),
    ),
)


@dataclass(frozen=True)
class Subject:
    """What a scene is about."""

    media: Media
    media_path: Path
    streams: tuple[str, ...]  # the one that is shown first, first
    direction: Direction  # of the model
    made_by: str
    notes: tuple[str, ...] = ()
    gaze: Gaze | None = None
    film: Film | None = None
    watch: FrameWatch = field(default_factory=FrameWatch)  # of the frames, where they are read for the maps


def build_site(
    subject: Subject, frames: Iterable[FrameMaps], folder: Path, progress: Callable[[int], None] = lambda _done: None
) -> tuple[Site, str | None]:
    """Pack the maps into `folder`, and return the files of an item.

    The second value says what is wrong with a video that is damaged in the middle; the maps before are there. Raises
    what reading the maps raises, `MediaError` where there is no map, and `OutputError` where the folder is full.
    """
    with output_errors(folder):
        maps, previews, collector, problem = _pack(subject, frames, folder, progress)
        found = [note for note in (problem, collector.problem, _missing_streams(subject.streams)) if note]
        scene = _scene(subject, maps, previews, collector.finish(), (*subject.notes, *found))
        text = json.dumps(dataclasses.asdict(scene), separators=(",", ":"))
        (folder / "scene.json").write_text(text, encoding="utf-8")
    made = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return made | {subject.media.file: subject.media_path}, problem


def viewer_files() -> Site:
    """Return the files of the viewer itself, without those of a page that predicts."""
    return {path.name: path for path in sorted(STATIC.iterdir()) if path.is_file()}


def make_page(items: Sequence[Item], folder: Path) -> Site:
    """Write the list of items into `folder`, and return the files of a page without those of its items."""
    path = folder / PAGE.record
    with output_errors(path):
        path.write_text(json.dumps(dataclasses.asdict(Catalogue(tuple(items)))), encoding="utf-8")
    return viewer_files() | {path.name: path}


def files_in(item: Item, site: Site) -> Site:
    """Return the files of an item by their names relative to the page."""
    return {item.folder + name: path for name, path in site.items()}


def export_site(site: Site, folder: Path, *, overwrite: bool) -> None:
    """Copy the files into a new folder, which any web server can show.

    Raises `OutputError` where the folder exists, unless it is an earlier export or empty and `overwrite` is on.
    """
    refuse_folder(folder, overwrite=overwrite)
    with output_errors(folder), OutputFolder(folder, PAGE).replace(overwrite=True) as part:
        for name, path in site.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part / name)


def refuse_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` where `export_site` may not write to a folder."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    page = OutputFolder(folder, PAGE)
    if not page.record.is_file() or page.other_files():
        raise OutputError(f"{folder}: exists and is no earlier export; give the name of a new folder")
    if not overwrite:
        raise OutputError(f"{folder}: holds an earlier export; give --overwrite to replace it, or another folder")


def _pack(
    subject: Subject, frames: Iterable[FrameMaps], folder: Path, progress: Callable[[int], None]
) -> tuple[Maps, Previews, RegionCollector, str | None]:
    packer = MapPacker(subject.streams, subject.direction, folder)
    previews, collector = PreviewSheet(), RegionCollector()
    problem, done = None, 0
    try:
        for frame in frames:
            packer.add(frame)
            previews.add(frame, subject.streams[0])
            collector.add(frame, subject.streams[0])
            done += 1
            progress(done)
    except TruncatedMediaError as error:
        problem = str(error)
    if not done:
        raise MediaError(problem or "no frame in the part that was asked for; ask for another part")
    return packer.finish(), previews.finish(folder), collector, problem


def _missing_streams(streams: tuple[str, ...]) -> str | None:
    missing = [name for name in STREAMS if name not in streams]
    if not missing:
        return None
    return f"This result has no maps of {' and '.join(missing)}; predict with --stream all to compare the streams."


def _scene(
    subject: Subject, maps: Maps, previews: Previews, regions: tuple[RegionTrack, ...], notes: tuple[str, ...]
) -> Scene:
    colormaps = tuple(map(Colormap.named, COLORMAPS))
    steps = [later - earlier for earlier, later in zip(maps.times_s, maps.times_s[1:], strict=False)]
    step_s = max(STEP_S, max(steps, default=0.0)) * 1.5
    made_by = f"{subject.made_by}, {plural(len(maps.times_s), 'map')}"
    return Scene(
        media=subject.media,
        maps=maps,
        previews=previews,
        regions=regions,
        region_step_s=step_s,
        cuts_s=tuple(round(time_s, 6) for time_s in subject.watch.scene_starts_s),
        film=subject.film,
        colormaps=colormaps,
        colormap=DEFAULT_OVERLAY.colormap,
        opacity=DEFAULT_OVERLAY.opacity,
        made_by=made_by,
        notes=notes,
        gaze=subject.gaze,
    )
