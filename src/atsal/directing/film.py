"""Render a film: the frames of a 360° video as a camera sees them, with the source's times and sound."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from atsal.directing.in_frame import CameraPath
from atsal.errors import TruncatedMediaError
from atsal.gaze.directions import lonlat_from_vectors
from atsal.prediction.options import ReadOptions
from atsal.prediction.prefetch import map_closing, prefetch
from atsal.prediction.sources import Source
from atsal.projection.moving_viewport import MovingViewport
from atsal.projection.perspective import Perspective
from atsal.video.reader import Frame
from atsal.video.render import Picture, resize
from atsal.video.writer import VideoWriter

_SHARPNESS = 1.5  # pixels of the source that are read for each pixel in the middle of the film, at most
_YELLOW, _BLACK = (255, 221, 0), (0, 0, 0)


@dataclass(frozen=True)
class FilmShape:
    """The size of a film in pixels, both even."""

    width: int
    height: int

    @classmethod
    def of(cls, aspect: float, shorter: int) -> "FilmShape":
        """Return the size whose shorter side has `shorter` pixels."""
        longer = 2 * round(shorter * max(aspect, 1 / aspect) / 2)
        return cls(longer, shorter) if aspect >= 1 else cls(shorter, longer)

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    def reading_size(self, view: tuple[int, int], fov_deg: float) -> tuple[int, int]:
        """Return the (width, height), 2:1, at which to read a view of this size: no larger than the film can show."""
        half_width, _ = Perspective(fov_deg, self.aspect).half_extents
        needed = round(np.pi * self.width / 2 / half_width * _SHARPNESS)
        rows = min(view[0] // 2, needed)
        return 2 * rows, rows


def render_film(
    source: Source,
    camera: CameraPath,
    shape: FilmShape,
    output: Path,
    reading: ReadOptions,
    *,
    narrowest_deg: float,
    split: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
) -> str | None:
    """Write the film as an MP4. With `split`, the source with the frame drawn on it is beside the film.

    `narrowest_deg` is the smallest field of view of the camera. Returns what is wrong with a source that is damaged in
    the middle; the frames before are written.
    """
    size = shape.reading_size(source.view_size(reading), narrowest_deg)
    views = render_frames(prefetch(source.frames(reading, size), 2), camera, shape, split=split)
    with closing(prefetch(views, 2)) as drawn:
        first = next(drawn)
        writer = VideoWriter(
            output,
            (first[1].shape[1], shape.height),
            source.output_rate(reading),
            audio_from=source.path,
            audio_start_s=first[0].timestamp_s,
            audio_duration_s=reading.duration_s,
            spherical=False,
        )
        with writer:
            return _write_all(writer, chain([first], drawn), progress)


def _write_all(
    writer: VideoWriter, drawn: Iterator[tuple[Frame, Picture]], progress: Callable[[int], None]
) -> str | None:
    try:
        for done, (frame, view) in enumerate(drawn, start=1):
            writer.write(view, frame.timestamp_s)
            progress(done)
    except TruncatedMediaError as error:
        return str(error)
    return None


def render_frames(
    frames: Iterator[Frame], camera: CameraPath, shape: FilmShape, *, split: bool = False
) -> Iterator[tuple[Frame, Picture]]:
    """Yield each frame with what the camera sees of it."""
    viewport = MovingViewport(shape.width, shape.height)

    def render(frame: Frame) -> tuple[Frame, Picture]:
        yaw_deg, pitch_deg, fov_deg = (float(value) for value in camera(np.array([frame.timestamp_s]))[0])
        view = viewport.render(frame.image, yaw_deg, pitch_deg, fov_deg)
        if split:
            source = resize(frame.image, (2 * shape.height, shape.height))
            drawn = draw_frame(source, Perspective(fov_deg, shape.aspect), yaw_deg, pitch_deg)
            view = np.concatenate([drawn, view], axis=1)
        return frame, view

    return map_closing(render, frames)


def draw_frame(erp: Picture, perspective: Perspective, yaw_deg: float, pitch_deg: float) -> Picture:
    """Draw the border of what a camera sees on a copy of an ERP picture."""
    height, width = erp.shape[:2]
    lon, lat = lonlat_from_vectors(perspective.border(yaw_deg, pitch_deg))
    points = np.stack([(lon / (2 * np.pi) + 0.5) * width, (0.5 - lat / np.pi) * height], -1)
    following = np.roll(points, -1, axis=0)
    joined = np.abs(following[:, 0] - points[:, 0]) < width / 2  # the others cross the ±180° border
    picture = Image.fromarray(erp)
    draw = ImageDraw.Draw(picture)
    thickness = max(2, height // 160)
    for colour, line in ((_BLACK, 2 * thickness), (_YELLOW, thickness)):
        for begin, end in zip(points[joined], following[joined], strict=True):
            draw.line((*begin, *end), fill=colour, width=line)
    return np.asarray(picture)
