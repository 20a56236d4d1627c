"""The prediction of one video in chunks: what is missing, and joining what is done into the results of the video."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from atsal.errors import MediaError, OutputError
from atsal.jobs.atomic_write import output_errors
from atsal.prediction.chunk_folder import ChunkFolder, ChunkRecord, predict_chunk
from atsal.prediction.chunks import Chunk, ChunkPlan, plan_chunks
from atsal.prediction.formats import FORMATS
from atsal.prediction.frame_table import FrameTable
from atsal.prediction.options import Options
from atsal.prediction.outcome import Ending, Outcome, finish
from atsal.prediction.outputs import Outputs
from atsal.prediction.predictor import Predictor
from atsal.prediction.results import result_paths
from atsal.prediction.sources import Source
from atsal.prediction.warm_up import warm_up_frames
from atsal.video.join_videos import join_videos
from atsal.video.mp4_file import AudioSource


@dataclass
class _Good:
    """What the chunks hold, up to one in which the video breaks: in little memory, as a film may have many frames."""

    frames: FrameTable = field(default_factory=FrameTable)
    times_s: list[float] = field(default_factory=list)
    parts: list[Path] = field(default_factory=list)  # the folders of chunks with frames
    problem: str | None = None


class ChunkedRun:
    """A run on one video whose results are claimed. Chunks may be predicted anywhere, in any order.

    `begin` it, let `predict_chunk` work on each of `missing`, then `finish`. If something fails, `leave` it: the next
    run goes on from the chunks that are done.
    """

    def __init__(
        self, predictor: Predictor, source: Source, options: Options, outputs: Outputs, plan: ChunkPlan
    ) -> None:
        self._predictor = predictor
        self._source = source
        self._options = options
        self._outputs = outputs
        self._plan = plan
        self._folder = ChunkFolder(outputs.chunks)
        self._done = 0  # frames of this run
        self._started_s = time.monotonic()

    @classmethod
    def plan(cls, predictor: Predictor, source: Source, options: Options, outputs: Outputs) -> Self | None:
        """Return the run of a video that is worth cutting; None for other sources."""
        plan = plan_chunks(source, options.reading, warm_up_frames(predictor.network, options))
        return None if plan is None else cls(predictor, source, options, outputs, plan)

    @classmethod
    def resume(cls, predictor: Predictor, source: Source, options: Options, outputs: Outputs) -> Self | None:
        """Return the run that goes on where an earlier one in chunks stopped; None if there is none."""
        run = cls.plan(predictor, source, options, outputs) if outputs.chunks.is_dir() else None
        if run is None or not run._folder.has(outputs.journal.settings, run._plan, source):
            return None
        return run

    @property
    def chunk_plan(self) -> ChunkPlan:
        """All chunks."""
        return self._plan

    @property
    def missing(self) -> list[Chunk]:
        """The chunks that no run has finished, in order."""
        return [chunk for chunk in self._plan.chunks if not self._folder.is_done(chunk)]

    @property
    def finished_frames(self) -> int:
        """How many frames the finished chunks should hold."""
        return sum(len(chunk.own_frames) for chunk in self._plan.chunks if self._folder.is_done(chunk))

    def target(self, chunk: Chunk) -> Path:
        """Return where `predict_chunk` writes a chunk."""
        return self._folder.part(chunk)

    def run(self, progress: Callable[[int], None]) -> Outcome:
        """Predict what is missing in this process, chunk by chunk, and finish."""
        try:
            self.begin()
            for chunk in self.missing:
                count = partial(_count_on, progress, self.finished_frames)
                record = predict_chunk(self._predictor, self._source, self._options, chunk, self.target(chunk), count)
                self.note_done(len(record.frames))
            return self.finish()
        except BaseException:  # also Ctrl-C: finished chunks stay
            self.leave()
            raise

    def begin(self) -> None:
        """Make the folder of the chunks ready, with a journal that shows whose it is."""
        self._outputs.journal.save()
        self._folder.begin(self._outputs.journal.settings, self._plan, self._source)

    def note_done(self, frames: int, seconds: float = 0.0) -> None:
        """Count frames that this run predicted, and the time that they took other processes."""
        self._done += frames
        self._started_s -= seconds

    def finish(self) -> Outcome:
        """Join the chunks into the results, write the manifest, and remove the chunks.

        After a chunk in which the video breaks, nothing follows, as in an unbroken run. Earlier results are replaced
        only now. If this is interrupted, the next run goes on with it.
        """
        good = self._gather()
        if not good.frames:
            raise MediaError(good.problem or f"{self._source.path}: no frame in the part that was asked for")
        if not self._folder.begin_joining():
            self._outputs.prepare()
        self._move_files()
        self._join_videos(good)
        seconds = time.monotonic() - self._started_s
        ending = Ending(good.frames, self._done, seconds, good.problem, self._plan.record())
        outcome = finish(self._predictor, self._outputs, ending)
        self._outputs.remove_progress()
        return outcome

    def leave(self) -> None:
        """Stop before the end: keep finished chunks, and leave no trace of a run that has none."""
        if not self._folder.leave():
            with suppress(OutputError, OSError):
                self._outputs.save_progress()

    def _gather(self) -> _Good:
        good = _Good()
        for part, record in self._up_to_problem():
            good.parts += [part] if record.frames else []
            good.times_s += record.times_s
            good.problem = record.problem
            for entry in record.frames:
                good.frames.add(entry)
        return good

    def _up_to_problem(self) -> Iterator[tuple[Path, ChunkRecord]]:
        """Yield the folder and the record of each chunk in order, up to one in which the video breaks."""
        for chunk in self._plan.chunks:
            record = self._folder.read(chunk)
            yield self._folder.part(chunk), record
            if record.problem is not None:
                return

    def _move_files(self) -> None:
        for part, record in self._up_to_problem():
            for name in (name for frame in record.frames for name in frame["files"]):
                target = self._outputs.folder / name
                with output_errors(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if (part / name).exists():  # else an interrupted run has moved it
                        (part / name).replace(target)

    def _join_videos(self, good: _Good) -> None:
        source, options, times_s = self._source, self._options, good.times_s
        length_s = math.inf if options.reading.duration_s is None else options.reading.duration_s
        sound = AudioSource(source.path, times_s[0], length_s)
        by_format = result_paths(self._outputs.folder, source.stem, False, options.streams, options.formats)
        for form in (FORMATS[name] for name in by_format if FORMATS[name].video):
            for path in (result.path for result in by_format[form.name].values()):
                videos = [part / path.name for part in good.parts]
                rate = source.output_rate(options.reading)
                join_videos(videos, times_s, rate, path, audio=sound if form.shows_source else None)


def _count_on(progress: Callable[[int], None], before: int, done: int) -> None:
    progress(before + done)
