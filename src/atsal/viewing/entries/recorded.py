"""An item of a prepared set, which is predicted and shown with its recorded gaze."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atsal.datasets.prepared.manifest import MANIFEST
from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.errors import DataError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_json
from atsal.untrusted.text import plural
from atsal.viewing.entries.entry import BrokenEntry, Built, Choices, Entry, Found, ShowProgress, length_text
from atsal.viewing.film import describe_film
from atsal.viewing.recorded_gaze import flat_photos_error, licence_note, open_item, predict_item
from atsal.viewing.site import build_site

_KINDS = {"image": "photo", "video": "video", "frames": "folder of frames"}


@dataclass(frozen=True)
class RecordedEntry(Entry):
    """An item; `path` is its folder in the set."""

    prepared: PreparedSet
    choices: Choices
    doing = "Predicting"

    @property
    def predicts(self) -> Literal["still", "clip"]:
        """What the model has to predict."""
        return "still" if self.prepared.stimulus(self.name).kind == "image" else "clip"

    @property
    def direction(self) -> str:
        """Whose direction the gaze is: `gaze.records.Direction`."""
        return self.prepared.preparation.direction

    def find_source(self) -> tuple[Source, ReadOptions]:
        """Return the picture or video."""
        return open_item(self.prepared, self.name).source, self.choices.reading

    def build(self, folder: Path, progress: ShowProgress) -> Built:
        """Predict the maps, and make those of the gaze."""
        choices, recorded = self.choices, open_item(self.prepared, self.name)
        self.prepared.check_shown_file(self.name)  # an export has a copy of it
        total = recorded.source.expected_frames(choices.reading)
        film = describe_film(recorded.source, choices.reading, choices.plan)
        predictor = choices.load_model()
        subject, frames = predict_item(
            recorded, predictor, choices.reading, choices.still_at_s, folder, copy=choices.copy, film=film
        )
        site, problem = build_site(subject, frames, folder, lambda done: progress(done, total))
        return Built(site, recorded.source.notes(choices.reading), problem)


def find_recorded_entries(path: Path, choices: Choices) -> Found | None:
    """Return an entry for each item of the prepared set in a folder, or for the chosen one; None for other paths.

    Raises `ConfigError` for a chosen item that the set does not have.
    """
    if not _is_set(path / MANIFEST):
        return None
    try:
        prepared = PreparedSet(path, choices.media)
        if prepared.dataset.stimuli == "photos":
            raise flat_photos_error(path)
    except DataError as error:
        return Found([BrokenEntry(path, path.name, "prepared set", error)], [])
    items = prepared.items if choices.item is None else (choices.item,)
    return Found(list(_make_entries(prepared, items, choices)), [f"{path}: {licence_note(prepared)}"])


def _is_set(manifest: Path) -> bool:
    """Return whether a file is the manifest of a set, or is damaged: then opening the set says so."""
    try:
        found = manifest.is_file() and read_json(manifest, ErrorFactory(DataError, manifest, ""))
    except DataError:
        return True
    return isinstance(found, dict) and "preparation" in found


def _make_entries(prepared: PreparedSet, items: tuple[str, ...], choices: Choices) -> Iterator[Entry]:
    for item in items:
        try:
            record, stimulus = prepared.record(item), prepared.stimulus(item)
            kind = length_text(_KINDS.get(stimulus.kind or "", "gaze"), stimulus.duration_s)
            about = f"{kind}, {plural(record['observers'], 'viewer')}, {prepared.manifest['about']['title']}"
            yield RecordedEntry(prepared.folder / item, item, about, prepared, choices)
        except DataError as error:
            yield BrokenEntry(prepared.folder / item, item, "item of a prepared set", error)
