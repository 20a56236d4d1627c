"""From frames to written results. Reading, the network, drawing and writing overlap, joined by short queues."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from atsal.errors import OutputError
from atsal.prediction.formats import next_even
from atsal.prediction.frame_result import Floats, FrameResult
from atsal.prediction.options import Options
from atsal.prediction.predictor import Predictor
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.results import Pictures, ResultWriter
from atsal.prediction.sources import Size, Source
from atsal.video.reader import Frame

OVERLAY_WIDTH = 1920  # the widest overlay; wider sources are scaled down
Predicted = tuple[FrameResult, Floats | None]  # a result, and the state after it


class Drawn(NamedTuple):
    """A result with what is drawn of it for each writer."""

    result: FrameResult
    state: Floats | None  # after it
    pictures: list[Pictures]


def reading_size(predictor: Predictor, source: Source, options: Options) -> Size | None:
    """Return the size to which the decoder scales frames: of the network, or of an overlay; None: their own."""
    if source.kind == "image":
        return None
    if not options.draws_overlay:
        return predictor.frame_size
    if source.is_still(options.reading):
        return None
    width, height = source.view_size(options.reading)
    scale = min(1.0, OVERLAY_WIDTH / width)
    return next_even(round(width * scale)), next_even(round(height * scale))


def frames_at_once(predictor: Predictor, options: Options) -> int:
    """Return how many frames the network takes at once.

    Frames to draw on are large. A CPU gains little from several at once, so it takes them one by one.
    """
    session = predictor.session
    return 1 if options.draws_overlay and session.device.type == "cpu" else session.frames


def predict_frames(
    predictor: Predictor, source: Source, options: Options, frames: Iterator[Frame], state: Floats | None = None
) -> Generator[Predicted]:
    """Predict frames of a source, of `reading_size`, that follow one another; `state` is that before the first."""
    group = frames_at_once(predictor, options)
    results = predictor.run(
        prefetch(frames, group),
        streams=options.streams,
        height=options.height,
        state=state,
        group=group,
        seconds=source.shown_at(options.still_at_s),
    )
    return prefetch(results, 1)


def draw_ahead(writers: Sequence[ResultWriter], results: Iterator[Predicted]) -> Generator[Drawn]:
    """Draw results in a thread of its own, one ahead of the writing."""
    return prefetch(map_closing(lambda pair: Drawn(*pair, [w.draw(pair[0]) for w in writers]), results), 1)


def write_drawn(writers: Sequence[ResultWriter], drawn: Drawn, folder: Path) -> list[str]:
    """Write a result. Return the names of the files that belong to its frame alone, relative to `folder`."""
    with _naming_frame(drawn.result):
        pairs = zip(writers, drawn.pictures, strict=True)
        files = [file for writer, own in pairs for file in writer.write(drawn.result, own)]
    return [file.relative_to(folder).as_posix() for file in files]


@contextmanager
def _naming_frame(result: FrameResult) -> Iterator[None]:
    """Add the frame to the message of an `OutputError`."""
    try:
        yield
    except OutputError as error:
        raise OutputError(f"{error} (frame {result.frame_index}, {result.timestamp_s:.3f} s)") from error
