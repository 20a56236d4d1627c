"""Predict one item into files: whole files only, a manifest beside them, and going on where an earlier run stopped."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from atsal.errors import InputError, MediaError, OutputError, TruncatedMediaError
from atsal.jobs.atomic_write import hidden_name, output_errors, write_json
from atsal.jobs.output_folder import lock_folder, require_files
from atsal.prediction.items import InputFiles, Item, Size
from atsal.prediction.predictor import FrameResult, Predictor
from atsal.prediction.prefetch import ahead, mapped
from atsal.prediction.results import STILL_AT, Options, Place, even, make_sinks, places
from atsal.prediction.run_record import Journal, Record, changed, describe, read_manifest
from atsal.prediction.runtimes.base import Floats
from atsal.version import __version__, versions

__all__ = ["Options", "Outcome", "predict_item", "refuse_collisions"]

T = TypeVar("T")
OVERLAY_WIDTH = 1920  # widest overlay; wider sources are scaled down


@dataclass(frozen=True)
class Outcome:
    """How an item ended."""

    manifest: Path
    frames: int
    seconds: float
    skipped: bool = False  # an earlier run had finished it
    done: int = 0  # frames of this run
    rate: float | None = None  # frames per second of this run, the runtime's start included
    problem: str | None = None  # the source broke half way; its good part is written


def predict_item(
    predictor: Predictor,
    item: Item,
    folder: Path,
    options: Options,
    progress: Callable[[int], None] = lambda _done: None,
    *,
    inputs: InputFiles | None = None,
) -> Outcome:
    """Predict every frame of `item` into `folder`, and write `folder/<stem>.json` once all results are seen there.

    Does nothing if an earlier run with the same source, model and options finished and its results are all there;
    goes on after the last snapshot of one that did not finish, if it wrote one file a frame and these are all there;
    otherwise starts anew. Nothing is touched before the first frame is predicted. `progress` is called with the number
    of frames done; `inputs` are files that no result may replace, by default those of `item`.

    Raises `ConfigError` for options that the model does not take, `OutputError` where results of another source or
    with other settings are in the way and `options.overwrite` is off, where another run writes results of this name
    there, and whatever reading, predicting and writing raise.
    """
    predictor.refuse_useless(options.still_at_s, STILL_AT)
    with lock_folder(folder, item.stem):
        return _Job(predictor, item, folder, options, inputs or InputFiles([item])).run(progress)


def refuse_collisions(items: Iterable[Item], folder: Path, options: Options, inputs: InputFiles) -> None:
    """Raise before any work: `InputError` where two items would write the same file, `OutputError` where an input."""
    owners: dict[Path, Item] = {}
    for item in items:
        for path in (_manifest_path(item, folder), *(place.path for place in _places(item, folder, options))):
            other = owners.setdefault(path, item)
            if other is not item:
                raise InputError(
                    f"{other.path} and {item.path} would both write {path}: run them into different output folders, or "
                    "rename one"
                )
        _refuse_inputs(_places(item, folder, options), inputs)


def _manifest_path(item: Item, folder: Path) -> Path:
    return folder / f"{item.stem}.json"


def _places(item: Item, folder: Path, options: Options) -> list[Place]:
    by_format = places(folder, item.stem, item.kind, options.streams, options.formats)
    return list(dict.fromkeys(place for where in by_format.values() for place in where.values()))


def _refuse_inputs(found: Iterable[Place], inputs: InputFiles) -> None:
    """Neither a result nor the removal of an old one may hit what is read."""
    for path in (path for place in found for path in (place.path, *place.found())):
        if path in inputs:
            raise OutputError(f"{path}: is an input, which a result would replace; give another output folder")


@contextmanager
def _at(result: FrameResult) -> Iterator[None]:
    """Say at which frame writing failed."""
    try:
        yield
    except OutputError as error:
        raise OutputError(f"{error} (frame {result.frame_index}, {result.timestamp_s:.3f} s)") from error


class _Job:
    """One item on its way: where its results go, what an earlier run left there, and what is done."""

    def __init__(self, predictor: Predictor, item: Item, folder: Path, options: Options, inputs: InputFiles) -> None:
        self._predictor = predictor
        self._item = item
        self._folder = folder
        self._options = options
        self._manifest = _manifest_path(item, folder)
        self._places = _places(item, folder, options)
        self._journal = Journal(folder / hidden_name(item.stem, "progress"), describe(predictor, item, options))
        self._finished = read_manifest(self._manifest)
        self._earlier: Record | None = self._finished or self._journal.read()
        recorded = self._earlier.places(folder, item.stem) if self._earlier else []
        _refuse_inputs([*self._places, *recorded], inputs)

    def run(self, progress: Callable[[int], None]) -> Outcome:
        """Do what there is left to do."""
        journal, finished = self._journal, self._finished
        self._refuse_others()
        is_done = finished is not None and finished.is_complete(self._folder, self._item.stem)
        if finished is not None and is_done and not self._options.overwrite:
            journal.remove()
            return Outcome(self._manifest, len(finished.frames), 0.0, skipped=True, problem=finished.problem)
        if finished is None and self._is_resumable():
            journal.take_up(self._item, self._folder)
        begun, before = time.monotonic(), len(journal.frames)
        try:
            problem = self._write_frames(progress)
            seconds, done = time.monotonic() - begun, len(journal.frames) - before
            rate = done / seconds if seconds else None
            self._write_manifest(
                {"seconds": round(seconds, 3), "frames": done, "frames_per_s": rate and round(rate, 2)}, problem
            )
        except BaseException:  # Ctrl-C too: what is written stays, and the next run goes on from here
            with suppress(OutputError, OSError):  # the disk may be full; an earlier snapshot serves then
                if not any(place.found() for place in self._places):
                    self._leave_nothing()
                elif journal.frames and self._is_resumable():
                    journal.save()
            raise
        journal.remove()
        return Outcome(self._manifest, len(journal.frames), seconds, done=done, rate=rate, problem=problem)

    def _leave_nothing(self) -> None:
        """Nothing was written: neither an empty folder nor the journal, which would claim it, may stay."""
        for place in self._places:
            if place.frame_ending and place.path.is_dir():
                place.path.rmdir()
        self._journal.remove()

    def _is_resumable(self) -> bool:
        return self._item.kind != "image" and all(place.frame_ending for place in self._places)

    def _write_frames(self, progress: Callable[[int], None]) -> str | None:
        """Write every result; returns what is wrong where the source breaks after some good frames."""
        journal = self._journal
        with ExitStack() as stack:
            sinks = [stack.enter_context(sink) for sink in make_sinks(self._item, self._folder, self._options)]
            results = mapped(lambda found: (*found, [sink.draw(found[0]) for sink in sinks]), self._results())
            stages = stack.enter_context(closing(ahead(results, 1)))
            try:
                for result, state, drawn in self._prepared(stages):
                    with _at(result):
                        paths = [path for s, own in zip(sinks, drawn, strict=True) for path in s.write(result, own)]
                    journal.add(result, [path.relative_to(self._folder).as_posix() for path in paths], state)
                    if self._is_resumable():
                        journal.save_now_and_then()
                    progress(len(journal.frames))
            except TruncatedMediaError as error:
                if not journal.frames:
                    raise
                return str(error)
        if not journal.frames:
            raise MediaError(f"{self._item.path}: no frame in the part that was asked for; ask for another part")
        return None

    def _results(self) -> Iterator[tuple[FrameResult, Floats | None]]:
        """Predict the frames after the journal's last one; reading and the network run ahead of who writes."""
        options, journal = self._options, self._journal
        frames = self._item.frames(options.reading, self._reading_size())
        last = journal.frames[-1]["index"] if journal.frames else -1
        remaining = (frame for frame in frames if frame.index > last)
        runtime = self._predictor.runtime
        # Frames that are drawn on are large: on a CPU, which gains little from more, they go one by one.
        group = 1 if "overlay" in options.formats and runtime.device.type == "cpu" else runtime.frames
        results = self._predictor.run(
            ahead(remaining, group),
            streams=options.streams,
            height=options.height,
            state=journal.state,
            group=group,
            seconds=self._item.shown_at(options.still_at_s),
        )
        return ahead(results, 1)

    def _reading_size(self) -> Size | None:
        """The size to scale frames to in the decoder: the network's, or the overlay's where one is drawn."""
        if self._item.kind == "image":
            return None
        if "overlay" not in self._options.formats:
            return self._predictor.frame_size
        width, height = self._item.view_size(self._options.reading)
        scale = min(1.0, OVERLAY_WIDTH / width)
        return even(round(width * scale)), even(round(height * scale))

    def _prepared(self, results: Iterator[T]) -> Iterator[T]:
        """Clear the way once the first result is there, not before: a source that cannot be read changes nothing."""
        for number, result in enumerate(results):
            if not number:
                with output_errors(self._folder):
                    self._folder.mkdir(parents=True, exist_ok=True)
                    self._clear()
                self._journal.save()
            yield result

    def _clear(self) -> None:
        """Remove what a killed run left unfinished and, when starting anew, the results that are to be replaced.

        Files that no record claims are removed only where frames of the same kind are about to be written.
        """
        recorded = self._earlier.places(self._folder, self._item.stem) if self._earlier else []
        for place in (*recorded, Place(self._manifest), Place(self._journal.path)):
            for file in place.leftovers():
                file.unlink()
        if not self._journal.frames:
            for place in {*recorded, *(place for place in self._places if place.frame_ending)}:
                for file in place.found():
                    file.unlink()
                if place.frame_ending and place.path.is_dir() and not any(place.path.iterdir()):
                    place.path.rmdir()
            self._manifest.unlink(missing_ok=True)

    def _write_manifest(self, timing: dict[str, float | None], problem: str | None) -> None:
        single = [place.path.relative_to(self._folder).as_posix() for place in self._places if not place.frame_ending]
        require_files(self._folder, [*single, *(name for frame in self._journal.frames for name in frame["files"])])
        document = {
            "atsal": __version__,
            "settings": self._journal.settings,
            "runtime": self._predictor.runtime.name,
            "versions": versions(self._predictor.runtime.packages),
            "timing": timing,
            "problem": problem,
            "map_value": "saliency density up to a factor, per unit of solid angle; >= 0",
            "png_value": "map / peak * full scale; each file's peak is in the frame table",
            "frames": self._journal.frames,
        }
        write_json(self._manifest, document)

    def _refuse_others(self) -> None:
        """Nothing but this item's own earlier results, made with the same settings, may be in the way.

        With `overwrite`, other settings may, and the one file of an image or a video; frames that no run recorded would
        still be taken for frames of this one.
        """
        recorded = self._earlier.places(self._folder, self._item.stem) if self._earlier else []
        for place in self._places:
            if place.frame_ending and place not in recorded and place.found():
                raise OutputError(
                    f"{place.path}: is there already, with no record of a run, and holds maps; remove them, or give "
                    "another output folder"
                )
        if self._options.overwrite:
            return
        if self._earlier is not None:
            self._refuse_changed(self._earlier)
            return
        for place in self._places:
            taken = any(place.path.iterdir()) if place.path.is_dir() else place.path.exists()
            if taken:
                raise OutputError(
                    f"{place.path}: is there already, with no record of a run; give --overwrite to replace it, or "
                    "another output folder"
                )

    def _refuse_changed(self, earlier: Record) -> None:
        different = changed(earlier.settings, self._journal.settings, self._item)
        if not different:
            return
        source = earlier.settings["source"]
        by_date = "source" in different and isinstance(source, dict) and "sha256" not in source
        why = "; its record is of an earlier version, which tells sources by the date of the file" if by_date else ""
        raise OutputError(
            f"{earlier.path}: results of this name exist, made with another {', '.join(different)}{why}; give "
            "--overwrite to replace them, or another output folder"
        )
