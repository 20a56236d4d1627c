"""A storyboard: a few moments of a film, each with the source and what the camera sees of it."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from atsal.directing.film import FilmShape, draw_frame, render_frames
from atsal.directing.in_frame import CameraPath
from atsal.errors import MediaError
from atsal.projection.perspective import Perspective
from atsal.video.image_writer import write_rgb_png
from atsal.video.reader import read_frames
from atsal.video.render import Picture, add_label, tile
from atsal.video.stereo_layout import StereoChoice

MOMENTS = 12
_ROWS = 180  # height of a picture
_GAP = 8  # pixels


def write_storyboard(
    path: Path,
    video: Path,
    camera: CameraPath,
    aspect: float,
    span_s: tuple[float, float],
    stereo: StereoChoice = "auto",
) -> None:
    """Write a PNG of 12 moments of the film, evenly spread over `span_s`: the source, and beside it the film."""
    pictures = []
    for part in range(MOMENTS):
        moment_s = span_s[0] + part / MOMENTS * (span_s[1] - span_s[0])
        with suppress(MediaError):  # a slow video has no frame so near its end, and a damaged one none at all
            pictures.append(_moment(video, camera, aspect, moment_s, stereo))
    if len(pictures) % 2:
        pictures.append(np.full_like(pictures[0], 255))
    write_rgb_png(path, tile(pictures, 2, _GAP))


def _moment(video: Path, camera: CameraPath, aspect: float, time_s: float, stereo: StereoChoice) -> Picture:
    shape = FilmShape(2 * round(_ROWS * aspect / 2), _ROWS)
    frame = next(read_frames(video, size=(4 * _ROWS, 2 * _ROWS), stereo=stereo, start_s=time_s))
    yaw_deg, pitch_deg, fov_deg = camera(np.array([frame.timestamp_s]))[0]
    source = draw_frame(frame.image[::2, ::2].copy(), Perspective(float(fov_deg), aspect), yaw_deg, pitch_deg)
    _, view = next(iter(render_frames(iter([frame]), camera, shape)))
    label = f"{frame.timestamp_s:.1f} s  {round(yaw_deg):+d}° {round(pitch_deg):+d}°"
    return np.concatenate([source, add_label(view, label)], axis=1)
