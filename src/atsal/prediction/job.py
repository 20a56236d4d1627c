"""Predict one source into files, with a manifest beside them; an interrupted run goes on where it stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atsal.errors import MediaError, OutputError, TruncatedMediaError
from atsal.jobs.atomic_write import write_json
from atsal.jobs.output_folder import lock_folder, require_files
from atsal.prediction.formats import next_even
from atsal.prediction.frame_result import Floats, FrameResult
from atsal.prediction.options import STILL_AT, Options
from atsal.prediction.outputs import Outputs
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.results import make_writers
from atsal.prediction.run_record import describe_run
from atsal.prediction.sources import Size, Source, SourceFiles
from atsal.version import __version__, versions

OVERLAY_WIDTH = 1920  # the widest overlay; wider sources are scaled down


@dataclass(frozen=True)
class Outcome:
    """How the prediction of a source ended."""

    manifest: Path
    frames: int
    seconds: float
    skipped: bool = False  # an earlier run had finished it
    done: int = 0  # frames of this run
    rate: float | None = None  # frames per second of this run, the runtime's start included
    problem: str | None = None  # what is wrong with a source that breaks half way; the frames before it are written
    results: tuple[Path, ...] = ()  # files, and folders with one file for each frame


def predict_source(
    predictor: Predictor,
    source: Source,
    folder: Path,
    options: Options,
    progress: Callable[[int], None] = lambda _done: None,
    *,
    inputs: SourceFiles | None = None,
) -> Outcome:
    """Predict every frame of `source` into `folder`, and write `folder/<stem>.json` when all results are there.

    Skip a source that an earlier run finished with the same source, model and options, if its results are all there.
    Go on after the last snapshot of an earlier run that did not finish, if it wrote one file for each frame and these
    are all there. Otherwise start anew. Nothing changes before the first frame is predicted.

    Args:
        predictor: the model.
        source: what to predict.
        folder: where the results go.
        options: what to predict and how to write it.
        progress: called with the number of frames that are done.
        inputs: files that no result may replace; by default those of `source`.

    Raises:
        ConfigError: options that do not fit the model.
        OutputError: results of another source or other settings are there and `options.overwrite` is off, or another
            run writes results of this name there.
        AtsalError: whatever reading, predicting and writing raise.

    """
    predictor.check_time_matters(options.still_at_s, STILL_AT)
    with lock_folder(folder, source.stem):
        settings = describe_run(predictor, source, options)
        outputs = Outputs(source, folder, options, settings, inputs or SourceFiles([source]))
        return _Job(predictor, source, options, outputs).run(progress)


class _Job:
    """The prediction of one source."""

    def __init__(self, predictor: Predictor, source: Source, options: Options, outputs: Outputs) -> None:
        self._predictor = predictor
        self._source = source
        self._options = options
        self._outputs = outputs
        self._journal = outputs.journal

    def run(self, progress: Callable[[int], None]) -> Outcome:
        """Predict the frames that are missing."""
        journal, outputs, finished = self._journal, self._outputs, self._outputs.finished
        outputs.refuse_conflicts()
        if finished is not None and outputs.is_complete and not self._options.overwrite:
            journal.remove()
            return self._outcome(len(finished.frames), 0.0, skipped=True, problem=finished.problem)
        if finished is None and outputs.can_resume:
            journal.resume(self._source, outputs.folder)
        started, before = time.monotonic(), len(journal.frames)
        try:
            problem = self._write_frames(progress)
            seconds, done = time.monotonic() - started, len(journal.frames) - before
            rate = done / seconds if seconds else None
            self._write_manifest(
                {"seconds": round(seconds, 3), "frames": done, "frames_per_s": rate and round(rate, 2)}, problem
            )
        except BaseException:  # also Ctrl-C: what is written stays, and the next run goes on from there
            with suppress(OutputError, OSError):  # the disk may be full; then an earlier snapshot remains
                outputs.save_progress()
            raise
        journal.remove()
        return self._outcome(len(journal.frames), seconds, done=done, rate=rate, problem=problem)

    def _outcome(self, frames: int, seconds: float, **how: Any) -> Outcome:
        results = tuple(dict.fromkeys(path.path for path in self._outputs.paths))
        return Outcome(self._outputs.manifest, frames, seconds, results=results, **how)

    def _write_frames(self, progress: Callable[[int], None]) -> str | None:
        """Write every result. Return what is wrong with a source that breaks after some good frames."""
        journal, folder = self._journal, self._outputs.folder
        with ExitStack() as stack:
            writers = [stack.enter_context(w) for w in make_writers(self._source, folder, self._options)]
            drawn = map_closing(lambda pair: (*pair, [w.draw(pair[0]) for w in writers]), self._results())
            results = stack.enter_context(closing(prefetch(drawn, 1)))
            try:
                for number, (result, state, pictures) in enumerate(results):
                    if not number:  # not earlier: a source that cannot be read must change nothing
                        self._outputs.prepare()
                    with _naming_frame(result):
                        files = [f for w, own in zip(writers, pictures, strict=True) for f in w.write(result, own)]
                    journal.add(result, [file.relative_to(folder).as_posix() for file in files], state)
                    if self._outputs.can_resume:
                        journal.save_if_due()
                    progress(len(journal.frames))
            except TruncatedMediaError as error:
                if not journal.frames:
                    raise
                return str(error)
        if not journal.frames:
            raise MediaError(f"{self._source.path}: no frame in the part that was asked for; ask for another part")
        return None

    def _results(self) -> Iterator[tuple[FrameResult, Floats | None]]:
        """Predict the frames after the journal's last one. Reading and the network run ahead of the writing."""
        options, journal, session = self._options, self._journal, self._predictor.session
        frames = self._source.frames(options.reading, self._reading_size())
        last = journal.frames[-1]["index"] if journal.frames else -1
        remaining = (frame for frame in frames if frame.index > last)
        # Frames to draw on are large. A CPU gains little from several at once, so it takes them one by one.
        group = 1 if options.draws_overlay and session.device.type == "cpu" else session.frames
        results = self._predictor.run(
            prefetch(remaining, group),
            streams=options.streams,
            height=options.height,
            state=journal.state,
            group=group,
            seconds=self._source.shown_at(options.still_at_s),
        )
        return prefetch(results, 1)

    def _reading_size(self) -> Size | None:
        """Return the size to which the decoder scales frames: of the network, or of an overlay; None: their own."""
        if self._source.kind == "image":
            return None
        if not self._options.draws_overlay:
            return self._predictor.frame_size
        if self._source.is_still(self._options.reading):
            return None
        width, height = self._source.view_size(self._options.reading)
        scale = min(1.0, OVERLAY_WIDTH / width)
        return next_even(round(width * scale)), next_even(round(height * scale))

    def _write_manifest(self, timing: dict[str, float | None], problem: str | None) -> None:
        outputs, frames, runtime = self._outputs, self._journal.frames, self._predictor.runtime
        names = [*outputs.single_files(), *(name for frame in frames for name in frame["files"])]
        require_files(outputs.folder, names)
        document = {
            "atsal": __version__,
            "settings": self._journal.settings,
            "weights": str(self._predictor.bundle.folder.resolve()),
            "runtime": runtime.name,
            "versions": versions(runtime.versions_of),
            "timing": timing,
            "problem": problem,
            "map_value": "proportional to the density of gaze per unit of solid angle; >= 0",
            "png_value": "map / peak * full scale; each file's peak is in the frame table",
            "frames": frames,
        }
        write_json(outputs.manifest, document)


@contextmanager
def _naming_frame(result: FrameResult) -> Iterator[None]:
    """Add the frame to the message of an `OutputError`."""
    try:
        yield
    except OutputError as error:
        raise OutputError(f"{error} (frame {result.frame_index}, {result.timestamp_s:.3f} s)") from error
