"""The camera of a film in the page, in a real Chromium: `make test-web`. The checks are in `page/film.test.mjs`."""

import json

import av
import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.directing.aspect import ASPECTS
from atsal.directing.camera import Keyframe
from atsal.directing.plan import Plan, read_plan_of, write_plan
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.projection.perspective import Perspective
from atsal.projection.sphere import rotation_matrix
from atsal.regions.region import unit_vector
from atsal.video.probe import probe_video
from atsal.video.synthetic_scene import render_video
from atsal.viewing.film import describe_film
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.media import prepare_media
from atsal.viewing.site import Subject, build_site
from fakes.blob_maps import blob_map

pytestmark = pytest.mark.web
RATE, SECONDS = 10, 8
SCENE = {"rate": RATE, "seconds": SECONDS}
KEYFRAMES = (
    Keyframe(0.0, 130.0, 10.0, 90.0, cut=True),
    Keyframe(2.0, -160.0, 20.0, 90.0),  # across the seam
    Keyframe(3.0, -120.0, -10.0, 60.0),
    Keyframe(4.5, 20.0, 75.0, 110.0, cut=True),  # over the pole
    Keyframe(8.0, -30.0, 60.0, 100.0),
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "walk.mp4"
    render_video(path, seconds=SECONDS, frame_rate=RATE, erp_height=64, seed=1)
    return path


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def page_of(video, folder, plan=None):
    saliency = blob_map([(0.0, 0.0, 1.0, 10.0)], rows=45).astype(np.float32)
    frames = (FrameMaps(index, index / RATE, {"fused": saliency}) for index in range(RATE * SECONDS))
    source, made = Source(video, "video"), folder / "made"
    made.mkdir()
    media, shown = prepare_media(source, ReadOptions(), made, copy=False)
    subject = Subject(media, shown, ("fused",), "head_eye", "test", film=describe_film(source, ReadOptions(), plan))
    subject.watch.scene_starts_s.extend([1.5, 6.0])
    return build_site(subject, frames, made)[0]


def plan_file(video, folder, keyframes=KEYFRAMES, aspect="16:9"):
    path = folder / "walk.plan.json"
    length_s = probe_video(video).duration_s
    write_plan(path, Plan(video.name, length_s, aspect, 0.0, length_s, keyframes))
    return path


def test_the_page_shows_the_camera_that_python_computes(check, video, tmp_path, folder):
    path = plan_file(video, tmp_path)
    check("film", page_of(video, tmp_path, path), SCENE | {"folder": str(folder)}, tests="shows")
    seen = np.array(json.loads((folder / "seen.json").read_text()))
    expected = read_plan_of(video, "auto", path).camera.at(seen[:, 0])
    assert len(seen) > 30
    assert np.abs((seen[:, 1] - expected[:, 0] + 180) % 360 - 180).max() < 0.1
    np.testing.assert_allclose(seen[:, 2:], expected[:, 1:], atol=0.1)


def test_the_outline_is_the_border_of_the_frame(check, video, tmp_path, folder):
    """Each white pixel is seen in a direction that Python's frame has on its border."""
    site = page_of(video, tmp_path, plan_file(video, tmp_path))
    check("film", site, SCENE | {"folder": str(folder)}, tests="outline")
    for drawn in json.loads((folder / "outlines.json").read_text()):
        yaw_deg, pitch_deg, fov_deg = drawn["film"]
        frame = Perspective(fov_deg, ASPECTS[drawn["aspect"]])
        right, up = frame.frame_position(directions(drawn), yaw_deg, pitch_deg)
        at_border = np.maximum(np.abs(right), np.abs(up))
        assert len(at_border) > 100
        assert np.abs(at_border - 1).max() < 0.06  # lines are two pixels wide
        sides = [(right > 0.9).any(), (right < -0.9).any(), (up > 0.9).any(), (up < -0.9).any()]
        assert all(sides) or not drawn["whole"]


def directions(drawn):
    """Return unit vectors (N, 3) of the places (x, y) in [-1, 1] of a view."""
    x, y = np.array(drawn["places"]).T
    if "flat" in drawn:
        width, height = drawn["flat"]
        yaw, pitch = x / width * 180, y / height * 90
        return np.array([unit_vector(*pair) for pair in zip(yaw, pitch, strict=True)])
    yaw_deg, pitch_deg, fov_deg = drawn["view"]
    tangent = np.tan(np.radians(fov_deg / 2))
    rays = np.stack([x * tangent * drawn["ratio"], y * tangent, np.ones_like(x)], -1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True) @ rotation_matrix(yaw_deg, pitch_deg).numpy().T


def test_a_recorded_path_is_a_plan_that_direct_renders(check, video, tmp_path, folder):
    check("film", page_of(video, tmp_path), SCENE | {"folder": str(folder)}, tests="records")
    path = folder / "walk.plan.json"
    plan = read_plan_of(video, "auto", path)
    recorded = np.array(json.loads((folder / "recorded.json").read_text()))
    camera = plan.camera.at(recorded[:, 0])
    turned = [unit_vector(yaw, pitch) for yaw, pitch in camera[:, :2]]
    wanted = [unit_vector(yaw, pitch) for yaw, pitch in recorded[:, 1:3]]
    cosines = np.clip(np.sum(np.multiply(turned, wanted), -1), -1, 1)
    assert np.ptp(recorded[:, 1]) > 8
    assert len(plan.keyframes) <= len(recorded) + 1
    assert np.degrees(np.arccos(cosines)).max() < 1
    assert np.abs(camera[:, 2] - recorded[:, 3]).max() < 1
    film = folder / "film.mp4"
    arguments = ["direct", video, "--plan", path, "-o", film, "--resolution", "64"]
    found = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert found.exit_code == 0, found.output
    with av.open(str(film)) as file:
        assert file.duration / 1e6 == pytest.approx(plan.duration_s, abs=0.15)


def test_keyframes_set_by_hand_are_a_plan(check, video, tmp_path, folder):
    check("film", page_of(video, tmp_path), SCENE | {"folder": str(folder)}, tests="by hand")
    plan = read_plan_of(video, "auto", folder / "walk.plan.json")
    assert plan.aspect == "9:16"
    assert [(round(k.timestamp_s, 2), round(k.yaw_deg), k.cut) for k in plan.keyframes] == [
        (0.0, 0, True),
        (1.0, 20, False),
        (3.0, -160, True),  # too far to turn there
        (5.0, -150, False),
    ]
    assert (plan.start_s, plan.duration_s) == (0.0, pytest.approx(5.1))


def test_a_plan_is_changed_and_the_page_asks_before_it_is_lost(check, video, tmp_path, folder):
    site = page_of(video, tmp_path, plan_file(video, tmp_path))
    check("film", site, SCENE | {"folder": str(folder)}, tests="changed|cut to cut|axe|looks through")
