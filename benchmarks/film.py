"""Measure the parts of rendering a film of 1280x720, and FFmpeg's `v360` for comparison.

    python benchmarks/film.py VIDEO.mp4

It prints milliseconds of CPU time per frame, which other programs disturb less than frames per second.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TypeVar

import av
import torch

from atsal.directing.camera import Camera, Keyframe
from atsal.directing.film import FilmShape, render_film
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.projection.moving_viewport import MovingViewport
from atsal.video.reader import read_frames
from atsal.video.writer import VideoWriter

T = TypeVar("T")
FRAMES = 60
SHAPE = FilmShape(1280, 720)
TURN = [Keyframe(0.0, 0.0, -5.0, 90.0, cut=True), Keyframe(60.0, 120.0, 5.0, 90.0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    video = parser.parse_args().video
    torch.set_num_threads(1)
    frames = measure("read", lambda: list(islice(read_frames(video), FRAMES)))
    viewport = MovingViewport(SHAPE.width, SHAPE.height)
    measure("view, camera stands", lambda: [viewport.render(f.image, 0, -5, 90) for f in frames])
    views = measure("view, camera turns", lambda: [viewport.render(f.image, 0.1 * f.index, -5, 90) for f in frames])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"

        def write() -> None:
            with VideoWriter(path, (SHAPE.width, SHAPE.height), 30, spherical=False) as writer:
                for frame, view in zip(frames, views, strict=True):
                    writer.write(view, frame.timestamp_s)

        measure("write", write)
        with av.open(str(video)) as file:
            pictures = list(islice(file.decode(video=0), FRAMES))
        measure("v360, camera stands", lambda: through_v360(pictures, [0.0] * FRAMES))
        measure("v360, camera turns", lambda: through_v360(pictures[:10], [0.1 * k for k in range(10)]), 10)
        source = Source(video, "video")
        count = source.expected_frames(ReadOptions()) or FRAMES
        measure(
            "the whole film, camera turns",
            lambda: render_film(source, Camera(TURN).at, SHAPE, path, ReadOptions(), narrowest_deg=90),
            count,
        )


def measure(name: str, work: Callable[[], T], frames: int = FRAMES) -> T:
    """Run `work` and print its time per frame."""
    wall, cpu = time.perf_counter(), cpu_s()
    found = work()
    wall, cpu = time.perf_counter() - wall, cpu_s() - cpu
    print(
        f"{name:30} {1000 * cpu / frames:6.1f} ms of CPU, {1000 * wall / frames:6.1f} ms, {frames / wall:5.1f} frames/s"
    )
    return found


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def through_v360(pictures: list, yaws: list[float]) -> None:
    """Send pictures through `v360`. A new direction needs a new graph: so does a command, inside FFmpeg."""
    graph, aimed = None, None
    for picture, yaw in zip(pictures, yaws, strict=True):
        if graph is None or yaw != aimed:
            graph, aimed = av.filter.Graph(), yaw
            size = {"width": picture.width, "height": picture.height}
            view = f"e:flat:h_fov=90:v_fov=58.7:yaw={yaw}:pitch=-5:w={SHAPE.width}:h={SHAPE.height}:interp=linear"
            graph.link_nodes(
                graph.add_buffer(**size, format=picture.format, time_base=Fraction(1, 90000)),
                graph.add("v360", view),
                graph.add("buffersink"),
            ).configure()
        graph.vpush(picture)
        graph.vpull()


if __name__ == "__main__":
    main()
