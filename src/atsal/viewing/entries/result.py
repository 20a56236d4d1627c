"""A result of `atsal predict --format npy`: a manifest, or a folder of them."""

from dataclasses import dataclass
from pathlib import Path

from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import DataError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_json
from atsal.video.media_files import natural_key
from atsal.viewing.entries.entry import BrokenEntry, Built, Choices, Entry, Found, ShowProgress, length_text
from atsal.viewing.entries.source import KIND_NAMES
from atsal.viewing.film import describe_film
from atsal.viewing.media import prepare_media
from atsal.viewing.previews import SIZE as PREVIEW_SIZE
from atsal.viewing.saved_result import find_source, open_result, read_run
from atsal.viewing.site import Subject, build_site

MANIFEST_SUFFIX = ".json"
_MANIFEST_KEYS = {"settings", "frames"}  # by which a manifest is told from other JSON files of a folder


@dataclass(frozen=True)
class ResultEntry(Entry):
    """A finished run on one source; `path` is its manifest."""

    media: Path | None  # the source, or the folder of the sources; None: where it was
    copy: bool  # show a copy of a video
    plan: Path | None  # of a film
    doing = "Reading the maps"

    def find_source(self) -> tuple[Source, ReadOptions]:
        """Return the source, which may have changed."""
        facts = read_run(self.path)
        return find_source(self.path, facts, self.media), ReadOptions(stereo=facts.stereo)

    def build(self, folder: Path, progress: ShowProgress) -> Built:
        """Find the source, and pack the maps."""
        result = open_result(self.path, self.media)
        reading = ReadOptions(stereo=result.stereo)
        film = describe_film(result.source, reading, self.plan)
        media, path = prepare_media(result.source, reading, folder, copy=self.copy, on_frame=lambda: progress(0, None))
        notes = (*result.source.notes(reading), *([result.problem] if result.problem else []))
        watch, is_photo = FrameWatch(), result.source.kind == "image"
        frames = result.frames() if is_photo else result.frames_with_pictures(PREVIEW_SIZE, watch)
        subject = Subject(media, path, result.streams, result.direction, result.model, notes, film=film, watch=watch)
        site, _ = build_site(subject, frames, folder, lambda done: progress(done, result.frame_count))
        return Built(site)


def find_result_entries(path: Path, choices: Choices) -> Found | None:
    """Return an entry for a manifest, or for each one in a folder; None for files and folders of another kind.

    A folder that holds only maps stands for the manifest beside it.
    """
    chosen = choices.media, choices.copy, choices.plan
    if path.is_dir() and not choices.as_frames:
        found = _manifests(path) or _manifest_of_maps(path)
        return Found([make_result_entry(manifest, *chosen) for manifest in found], []) if found else None
    return Found([make_result_entry(path, *chosen)], []) if path.suffix.lower() == MANIFEST_SUFFIX else None


def _manifests(folder: Path) -> list[Path]:
    """List the manifests in a folder, with JSON files that are damaged, if there is one that is not."""
    files = [path for path in folder.iterdir() if path.suffix.lower() == MANIFEST_SUFFIX and path.name[0] != "."]
    states = {path: _is_manifest(path) for path in sorted(files, key=lambda path: natural_key(path.name))}
    return [path for path, state in states.items() if state is not False] if any(states.values()) else []


def _manifest_of_maps(folder: Path) -> list[Path]:
    named = folder if folder.name not in ("", "..") else folder.resolve()
    manifest = named.parent / f"{named.name}{MANIFEST_SUFFIX}"
    has_only_maps = {path.suffix for path in folder.iterdir()} == {".npy"}
    return [manifest] if has_only_maps and manifest.is_file() and _is_manifest(manifest) else []


def _is_manifest(path: Path) -> bool | None:
    """Whether a JSON file is a manifest; None where it cannot be read."""
    try:
        found = read_json(path, ErrorFactory(DataError, path, ""))
    except DataError:
        return None
    return isinstance(found, dict) and found.keys() >= _MANIFEST_KEYS


def make_result_entry(manifest: Path, media: Path | None = None, copy: bool = False, plan: Path | None = None) -> Entry:
    """Return the entry of a manifest, broken where it is none or its run wrote no .npy maps."""
    try:
        facts = read_run(manifest)
    except DataError as error:
        return BrokenEntry(manifest, manifest.name, "result", error)
    length = length_text(KIND_NAMES.get(facts.kind, facts.kind), facts.duration_s)
    about = f"{length}, result of {facts.model} in {manifest.resolve().parent.name}"
    return ResultEntry(manifest, facts.source.name, about, media, copy, plan)
