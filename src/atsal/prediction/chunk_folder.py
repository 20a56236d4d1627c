"""The hidden folder of a video that is predicted in chunks, beside its results, until they are joined.

`.NAME.chunks/` has the plan, and one folder for each finished chunk: its files under the names of the results, and a
record. A chunk is written aside and renamed, so it is there completely or not at all, and final.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from atsal.errors import OutputError, TruncatedMediaError
from atsal.jobs.atomic_write import atomic_folder, output_errors, remove_leftovers, write_json
from atsal.prediction.chunks import Chunk, ChunkPlan, read_chunk
from atsal.prediction.options import Options
from atsal.prediction.pipeline import draw_ahead, predict_frames, reading_size, write_drawn
from atsal.prediction.predictor import Predictor
from atsal.prediction.results import make_writers
from atsal.prediction.run_record import Settings, changed_settings, frame_entry
from atsal.prediction.sources import Source
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object

_PLAN, _RECORD, _JOINING = "plan.json", "chunk.json", "joining"


@dataclass(frozen=True)
class ChunkRecord:
    """What a finished chunk holds."""

    frames: list[dict[str, Any]] = field(default_factory=list)  # as in the manifest
    times_s: list[float] = field(default_factory=list)  # of the frames, exactly
    problem: str | None = None  # what is wrong with a source that breaks in this chunk


class ChunkFolder:
    """The chunks of one video."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, settings: Settings, plan: ChunkPlan, source: Source) -> bool:
        """Whether the folder is of a run with this plan and these settings."""
        try:
            document = read_object(self.path / _PLAN, ErrorFactory(OutputError, self.path, "remove it"))
            return document["plan"] == _as_json(plan) and not changed_settings(document["settings"], settings, source)
        except (OutputError, OSError, KeyError, TypeError, AttributeError):
            return False

    def begin(self, settings: Settings, plan: ChunkPlan, source: Source) -> None:
        """Make the folder ready for this plan; finished chunks stay where it has the same plan and settings."""
        with output_errors(self.path):
            if not self.has(settings, plan, source):
                shutil.rmtree(self.path, ignore_errors=True)
                self.path.mkdir(parents=True)
                write_json(self.path / _PLAN, {"settings": settings, "plan": _as_json(plan)})
            remove_leftovers(self.path)

    def part(self, chunk: Chunk) -> Path:
        """Return the folder of a chunk."""
        return self.path / f"{chunk.number:05d}"

    def is_done(self, chunk: Chunk) -> bool:
        """Whether a chunk is finished."""
        return (self.part(chunk) / _RECORD).is_file()

    def read(self, chunk: Chunk) -> ChunkRecord:
        """Return the record of a finished chunk."""
        path = self.part(chunk) / _RECORD
        make_error = ErrorFactory(OutputError, path, f"remove {self.path} and run the same command again")
        try:
            return ChunkRecord(**read_object(path, make_error))
        except TypeError as error:
            raise make_error("is no record of a chunk") from error

    def begin_joining(self) -> bool:
        """Record that the chunks are being joined; return whether an earlier run had begun that."""
        marker = self.path / _JOINING
        has_begun = marker.exists()
        with output_errors(self.path):
            marker.touch()
        return has_begun

    def leave(self) -> bool:
        """Remove what is unfinished; return whether a finished chunk stays."""
        with suppress(OutputError, OSError):
            remove_leftovers(self.path)
        is_kept = any(self.path.glob(f"*/{_RECORD}"))
        if not is_kept:
            shutil.rmtree(self.path, ignore_errors=True)
        return is_kept


def predict_chunk(
    predictor: Predictor,
    source: Source,
    options: Options,
    chunk: Chunk,
    target: Path,
    progress: Callable[[int], None] = lambda _done: None,
) -> ChunkRecord:
    """Predict a chunk into the folder `target`, which appears when it is complete.

    Args:
        predictor: the model.
        source: the video that was cut.
        options: what to predict and how to write it.
        chunk: which part of it.
        target: `ChunkFolder.part` of the chunk.
        progress: called with the number of its own frames that are done.

    Raises:
        AtsalError: whatever reading, predicting and writing raise; a video that breaks within the chunk is no error.

    """
    with output_errors(target), atomic_folder(target) as part:
        record = _write_chunk(predictor, source, options, chunk, part, progress)
        (part / _RECORD).write_text(json.dumps(dataclasses.asdict(record)), encoding="utf-8")
    return record


def _write_chunk(
    predictor: Predictor,
    source: Source,
    options: Options,
    chunk: Chunk,
    part: Path,
    progress: Callable[[int], None],
) -> ChunkRecord:
    record = ChunkRecord()
    frames = read_chunk(source, options.reading, chunk, reading_size(predictor, source, options))
    with ExitStack() as stack:
        writers = [stack.enter_context(w) for w in make_writers(source, part, options, is_part=True)]
        results = stack.enter_context(closing(predict_frames(predictor, source, options, frames)))
        try:
            for result, _ in islice(results, chunk.warm_up):
                for writer in writers:
                    writer.warm_up(result)
            for drawn in stack.enter_context(closing(draw_ahead(writers, results))):
                names = write_drawn(writers, drawn, part)
                record.frames.append(frame_entry(drawn.result, names))
                record.times_s.append(drawn.result.timestamp_s)
                progress(len(record.frames))
        except TruncatedMediaError as error:
            return dataclasses.replace(record, problem=str(error))
    return record


def _as_json(plan: ChunkPlan) -> Any:
    return json.loads(json.dumps(dataclasses.asdict(plan)))
