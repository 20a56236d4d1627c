"""A video, a photo or a folder of frames, which is predicted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import InputError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source, find_remarks, find_sources
from atsal.video.probe import probe_video
from atsal.viewing.entries.entry import BrokenEntry, Built, Choices, Entry, Found, ShowProgress, length_text
from atsal.viewing.film import describe_film
from atsal.viewing.frame_maps import predict_frame_maps, predicted_streams
from atsal.viewing.media import prepare_media
from atsal.viewing.site import Subject, build_site

KIND_NAMES = {"image": "photo", "video": "video", "sequence": "folder of frames"}


@dataclass(frozen=True)
class SourceEntry(Entry):
    """A source; all of its streams are predicted."""

    source: Source
    choices: Choices
    doing = "Predicting"

    @property
    def predicts(self) -> Literal["still", "clip"]:
        """What the model has to predict."""
        return "still" if self.source.is_still(self.choices.reading) else "clip"

    def find_source(self) -> tuple[Source, ReadOptions]:
        """Return the source."""
        return self.source, self.choices.reading

    def build(self, folder: Path, progress: ShowProgress) -> Built:
        """Predict the maps."""
        source, reading = self.source, self.choices.reading
        film, watch = describe_film(source, reading, self.choices.plan), FrameWatch()
        predictor, total = self.choices.load_model(), source.expected_frames(reading)
        frames = predict_frame_maps(predictor, source, reading, self.choices.still_at_s, watch=watch)
        media, path = prepare_media(source, reading, folder, copy=self.choices.copy, on_frame=lambda: progress(0, None))
        notes, streams = source.notes(reading), predicted_streams(predictor)
        direction, model = predictor.network.direction, predictor.bundle.folder.name
        subject = Subject(media, path, streams, direction, model, notes, film=film, watch=watch)
        site, problem = build_site(subject, frames, folder, lambda done: progress(done, total))
        return Built(site, notes, problem)


def find_source_entries(path: Path, choices: Choices) -> Found:
    """Return an entry for each source at a path, also for those that are broken."""
    sources, problems = find_sources([path], as_frames=choices.as_frames)
    broken = [BrokenEntry(file, file.name, "", error) for file, error in problems.items()]
    usable = [SourceEntry(source.path, source.path.name, _about(source), source, choices) for source in sources]
    return Found([*usable, *broken], find_remarks([path], as_frames=choices.as_frames))


def _about(source: Source) -> str:
    try:
        duration_s = probe_video(source.path).duration_s if source.kind == "video" else None
    except InputError:  # its turn comes when it is built
        duration_s = None
    return length_text(KIND_NAMES[source.kind], duration_s)
