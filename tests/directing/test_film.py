"""Films: their sizes, and the frame that is drawn on the source."""

import numpy as np
import pytest

from atsal.directing.aspect import ASPECTS
from atsal.directing.film import FilmShape, draw_frame, render_frames
from atsal.projection.moving_viewport import MovingViewport
from atsal.projection.perspective import Perspective
from atsal.video.reader import Frame
from atsal.video.synthetic_scene import Scene


@pytest.mark.parametrize(
    ("aspect", "shorter", "size"),
    [("16:9", 720, (1280, 720)), ("9:16", 1080, (1080, 1920)), ("1:1", 480, (480, 480)), ("16:9", 90, (160, 90))],
)
def test_the_resolution_is_that_of_the_shorter_side(aspect, shorter, size):
    shape = FilmShape.of(ASPECTS[aspect], shorter)
    assert (shape.width, shape.height) == size


def test_a_source_is_read_no_larger_than_the_film_can_show_and_always_2_to_1():
    film = FilmShape(1280, 720)
    assert film.reading_size((1920, 960), 90) == (1920, 960)
    assert film.reading_size((1921, 962), 90) == (1920, 960)
    width, height = film.reading_size((15360, 7680), 90)
    assert width == 2 * height
    assert 4000 < width < 8000
    assert film.reading_size((15360, 7680), 45)[0] > width  # a narrower view needs more


def test_each_frame_is_shown_as_the_camera_sees_it_at_its_time():
    frames = [Frame(i, i / 10, Scene(seed=1).render(64, i / 10)) for i in range(3)]

    def camera(times_s):
        return np.stack([100 * times_s, 0 * times_s, 90 + 0 * times_s], -1)

    viewport = MovingViewport(64, 36)
    for (frame, view), source in zip(render_frames(iter(frames), camera, FilmShape(64, 36)), frames, strict=True):
        assert frame is source
        assert (view == viewport.render(source.image, 100 * source.timestamp_s, 0, 90)).all()


def test_the_drawn_frame_goes_across_the_back_without_a_line_through_the_picture():
    drawn = draw_frame(np.zeros((90, 180, 3), np.uint8), Perspective(90, 1.0), 180, 0)
    yellow = (drawn[..., 0] > 200).nonzero()
    assert set(yellow[1].tolist()) <= {*range(25), *range(155, 180)}
    assert len(yellow[0]) > 50
