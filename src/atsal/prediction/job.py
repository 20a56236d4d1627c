"""Predict one item into files: whole files only, a manifest beside them, and going on where an earlier run stopped."""

import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from atsal.errors import OutputError, TruncatedMediaError
from atsal.prediction.items import Item, Reading, Size
from atsal.prediction.predictor import STREAMS, FrameResult, Predictor, Stream
from atsal.prediction.results import FRAME_DIGITS, Format, MapFiles, MapVideos, Sink, even, result_path
from atsal.version import __version__
from atsal.video.aside import reported, write_aside
from atsal.video.probe import probe_video

SNAPSHOT_EVERY_S = 10.0
OVERLAY_WIDTH = 1920  # widest overlay; wider sources are scaled down


@dataclass(frozen=True)
class Options:
    """What to predict and how to write it."""

    streams: tuple[Stream, ...] = ("fused",)
    formats: tuple[Format, ...] = ("overlay",)
    reading: Reading = field(default_factory=Reading)
    height: int | None = None  # rows of the maps; None: the model's own
    overwrite: bool = False


@dataclass(frozen=True)
class Outcome:
    """How an item ended."""

    manifest: Path
    frames: int
    seconds: float
    skipped: bool = False  # an earlier run had finished it
    problem: str | None = None  # the source broke half way; its good part is written


def predict_item(
    predictor: Predictor, item: Item, folder: Path, options: Options, progress: Callable[[int], None] = lambda _done: None
) -> Outcome:
    """Predict every frame of `item` into `folder`, and write `folder/<stem>.json`.

    Does nothing if an earlier run with the same source, model and options finished; goes on after its last snapshot
    if it wrote one file a frame; otherwise starts anew. `progress` is called with the number of frames done.

    Raises `OutputError` where results of another source or with other settings are in the way and
    `options.overwrite` is off, and whatever reading, predicting and writing raise.
    """
    manifest = folder / f"{item.stem}.json"
    settings = describe(predictor, item, options)
    previous = _read_json(manifest)
    if previous is not None and not options.overwrite:
        _refuse_other_settings(manifest, previous["settings"], settings)
        frames = len(previous["frames"])
        return Outcome(manifest, frames, 0.0, skipped=True, problem=previous.get("problem"))
    sinks = make_sinks(item, folder, options)
    journal = Journal(folder / f".{item.stem}.progress", settings)
    _refuse_source(sinks, item.path)
    if options.overwrite:
        _remove_results(item, folder, manifest, journal)
    else:
        _refuse_foreign(sinks, journal)
    return _run(predictor, item, options, sinks, journal, manifest, progress)


def _run(
    predictor: Predictor,
    item: Item,
    options: Options,
    sinks: list[Sink],
    journal: "Journal",
    manifest: Path,
    progress: Callable[[int], None],
) -> Outcome:
    resumable = item.kind != "image" and all(isinstance(sink, MapFiles) for sink in sinks)
    if resumable:
        journal.load(predictor)
    begun, before = time.monotonic(), len(journal.frames)
    try:
        problem = _write_frames(_results(predictor, item, options, journal), sinks, journal, resumable, progress)
    except BaseException:  # Ctrl-C too: what is written stays, and the next run goes on from here
        if resumable and journal.frames:
            with suppress(OutputError):  # the disk may be full; an earlier snapshot serves then
                journal.save()
        raise
    seconds, done = time.monotonic() - begun, len(journal.frames) - before
    rate = round(done / seconds, 2) if seconds else None
    document = {
        "atsal": __version__,
        "settings": journal.settings,
        "timing": {"seconds": round(seconds, 3), "frames": done, "frames_per_s": rate},
        "problem": problem,
        "map_value": "saliency density up to a factor, per unit of solid angle; >= 0",
        "frames": journal.frames,
    }
    _write_json(manifest, document)
    journal.remove()
    return Outcome(manifest, len(journal.frames), seconds, problem=problem)


def _write_frames(
    results: Iterator[tuple[FrameResult, Tensor | None]],
    sinks: list[Sink],
    journal: "Journal",
    resumable: bool,
    progress: Callable[[int], None],
) -> str | None:
    """Write every result; returns what is wrong where the source breaks after some good frames."""
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
            for own in sink.folders():
                with reported(own):
                    own.mkdir(parents=True, exist_ok=True)
        try:
            for result, state in results:
                journal.add(result, [name for sink in sinks for name in sink.write(result)], state)
                if resumable:
                    journal.save_now_and_then()
                progress(len(journal.frames))
        except TruncatedMediaError as error:
            if not journal.frames:
                raise
            return str(error)
    return None


def _results(
    predictor: Predictor, item: Item, options: Options, journal: "Journal"
) -> Iterator[tuple[FrameResult, Tensor | None]]:
    """Results of the frames after the journal's last one."""
    frames = item.frames(options.reading, reading_size(predictor, item, options))
    last = journal.frames[-1]["index"] if journal.frames else -1
    remaining = (frame for frame in frames if frame.index > last)
    return predictor.run(remaining, streams=options.streams, height=options.height, state=journal.state)


def reading_size(predictor: Predictor, item: Item, options: Options) -> Size | None:
    """The size to scale frames to in the decoder: the network's, or the overlay's where one is drawn."""
    if item.kind != "video" or "overlay" not in options.formats:
        return None if item.kind == "image" else predictor.frame_size
    width, height = probe_video(item.path, options.reading.stereo).eye_size
    scale = min(1.0, OVERLAY_WIDTH / width)
    return even(round(width * scale)), even(round(height * scale))


def make_sinks(item: Item, folder: Path, options: Options) -> list[Sink]:
    """One sink a format; stills have no video, so "video" gives them a PNG."""
    still = item.kind == "image"
    sinks: list[Sink] = []
    for form in options.formats:
        if still or form in ("npy", "png", "png16"):
            still_form: Format = "png" if form == "video" else form
            sinks.append(MapFiles(folder, item.stem, options.streams, still_form, still=still))
        else:
            rate = item.frame_rate(options.reading)
            sound = item.path if item.kind == "video" and probe_video(item.path, options.reading.stereo).has_audio else None
            duration = options.reading.duration_s
            sinks.append(
                MapVideos(folder, item.stem, options.streams, form, frame_rate=rate, sound=sound, duration_s=duration)
            )
    return sinks


def describe(predictor: Predictor, item: Item, options: Options) -> dict[str, Any]:
    """Everything the results depend on, as JSON values."""
    chosen = dataclasses.asdict(options)
    del chosen["overwrite"]
    model = {
        "folder": predictor.bundle.folder.name,
        "sha256": predictor.bundle.checksum,
        "config": predictor.config.to_dict(),
        "procedure": predictor.network.procedure,
    }
    document = {"source": item.identity(), "model": model, "options": chosen}
    return dict(json.loads(json.dumps(document)))


class Journal:
    """What an unfinished item has done: its frame table and the network's state, in one file replaced as a whole."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path = path
        self.settings = settings
        self.frames: list[dict[str, Any]] = []
        self.state: Tensor | None = None
        self._saved_at = time.monotonic()

    def exists(self) -> bool:
        """Whether an earlier run left one."""
        return self._path.is_file()

    def load(self, predictor: Predictor) -> None:
        """Take up an earlier run's; one of other settings, or a damaged one, is as none."""
        if not self.exists():
            return
        try:
            with safe_open(self._path, framework="pt", device=str(predictor.device)) as file:
                kept = json.loads(file.metadata()["journal"])
                if kept["settings"] == self.settings:
                    self.frames = kept["frames"]
                    self.state = file.get_tensor("state") if "state" in file.keys() else None  # noqa: SIM118 - no mapping
        except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
            self.frames, self.state = [], None

    def add(self, result: FrameResult, names: list[str], state: Tensor | None) -> None:
        """Note a frame whose files are all written."""
        self.frames.append({"index": result.frame_index, "timestamp_s": round(result.timestamp_s, 6), "files": names})
        self.state = state

    def save_now_and_then(self) -> None:
        """Save if the last time is long enough ago."""
        if time.monotonic() - self._saved_at >= SNAPSHOT_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write the file aside and rename it."""
        tensors = {} if self.state is None else {"state": self.state.contiguous()}
        content = save(tensors, {"journal": json.dumps({"settings": self.settings, "frames": self.frames})})
        with reported(self._path), write_aside(self._path) as part:
            part.write_bytes(content)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """The item is finished."""
        self._path.unlink(missing_ok=True)


def _refuse_other_settings(manifest: Path, previous: dict[str, Any], settings: dict[str, Any]) -> None:
    different = [
        f"{part}.{key}"
        for part in settings
        for key in settings[part]
        if previous.get(part, {}).get(key) != settings[part][key] and key != "path"
    ]
    if different:
        raise OutputError(
            f"{manifest}: results of this name exist, made with another {', '.join(different)}; give --overwrite to "
            "replace them, or another output folder"
        )


def _refuse_source(sinks: list[Sink], source: Path) -> None:
    for path in (path for sink in sinks for path in (*sink.files(), *sink.folders())):
        if path.exists() and path.samefile(source):
            raise OutputError(f"{path}: the result would replace its own source; give another output folder")


def _refuse_foreign(sinks: list[Sink], journal: Journal) -> None:
    """Nothing that is not this item's own earlier work may be overwritten."""
    taken = [path for sink in sinks for path in sink.files() if path.exists()]
    if not journal.exists():
        taken += [path for sink in sinks for path in sink.folders() if path.exists() and any(path.iterdir())]
    if taken:
        raise OutputError(f"{taken[0]}: is there already, with no record of a finished run; give --overwrite or another folder")


def _remove_results(item: Item, folder: Path, manifest: Path, journal: Journal) -> None:
    """Remove the results of earlier runs on this item, so that two runs never mix; other files stay."""
    frame_file = re.compile(rf"\d{{{FRAME_DIGITS},}}(\.overlay)?\.(npy|png)")
    for stream in STREAMS:
        for own in {result_path(folder, item.stem, stream, streams, "") for streams in ((stream,), STREAMS)}:
            if own.is_dir() and own.resolve() != item.path.resolve():
                for file in own.iterdir():
                    if frame_file.fullmatch(file.name):
                        file.unlink()
    manifest.unlink(missing_ok=True)
    journal.remove()


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict) and {"settings", "frames"} <= document.keys():
            return document
    except (OSError, ValueError):
        pass
    raise OutputError(f"{path}: a file of this name is in the way, and it is no manifest of atsal; move it")


def _write_json(path: Path, document: dict[str, Any]) -> None:
    with reported(path), write_aside(path) as part:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
