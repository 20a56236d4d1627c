"""The files of a page: what they say of a source, and where an export may go."""

import json
import math
import sys

import av
import numpy as np
import pytest

from atsal.errors import DataError, MediaError, OutputError, TruncatedMediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.video.image_writer import write_rgb_png
from atsal.video.probe import probe_video
from atsal.video.synthetic_scene import Scene, render_video
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.media import prepare_media
from atsal.viewing.scene import Item, Media
from atsal.viewing.site import Subject, build_site, export_site, files_in, make_page
from fakes.blob_maps import blob_map

MEDIA = Media("video", "media.mp4", "walk.mp4", 64, 32, (0, 0, 1, 1), "h264", 10.0, 2.0)


def moving_blob(count=20, streams=("fused",)):
    for number in range(count):
        saliency = blob_map([(10.0 * number - 90, 20.0, 1.0, 8.0)], rows=45).astype(np.float32)
        yield FrameMaps(number, number / 10, dict.fromkeys(streams, saliency))


@pytest.fixture
def subject(tmp_path):
    (tmp_path / "walk.mp4").write_bytes(b"video")
    return Subject(MEDIA, tmp_path / "walk.mp4", ("fused",), "head_eye", "lite")


def build(subject, frames, folder):
    folder.mkdir(exist_ok=True)
    site, problem = build_site(subject, frames, folder)
    return site, json.loads(site["scene.json"].read_text()), problem


def test_the_scene_says_what_there_is(subject, tmp_path):
    site, scene, problem = build(subject, moving_blob(), tmp_path / "made")
    assert problem is None
    assert {"scene.json", "media.mp4", "previews.jpg", *scene["maps"]["streams"][0]["chunks"]} <= site.keys()
    assert all(path.is_file() for path in site.values())
    assert scene["maps"]["times_s"][1] == 0.1
    assert scene["colormap"] == "turbo"
    assert len(scene["colormaps"][0]["colours"]) == 18
    assert any("attention and experts" in note for note in scene["notes"])


def test_a_region_follows_the_blob(subject, tmp_path):
    _, scene, _ = build(subject, moving_blob(), tmp_path / "made")
    (track,) = scene["regions"]
    for time_s, yaw_deg, pitch_deg in zip(track["times_s"], track["yaw_deg"], track["pitch_deg"], strict=True):
        assert math.remainder(yaw_deg - (100 * time_s - 90), 360) == pytest.approx(0, abs=4)  # 4° per pixel
        assert pitch_deg == pytest.approx(20, abs=4)


def test_a_damaged_video_shows_the_good_frames(subject, tmp_path):
    def frames():
        yield from moving_blob(3)
        raise TruncatedMediaError("walk.mp4: damaged after 0.3 s")

    _, scene, problem = build(subject, frames(), tmp_path / "made")
    assert problem == "walk.mp4: damaged after 0.3 s"
    assert problem in scene["notes"]
    assert len(scene["maps"]["times_s"]) == 3


def test_without_scipy_the_page_has_no_regions_and_says_so(subject, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    _, scene, _ = build(subject, moving_blob(5), tmp_path / "made")
    assert scene["regions"] == []
    assert any('pip install "atsal[regions]"' in note for note in scene["notes"])
    assert len(scene["maps"]["times_s"]) == 5


def test_no_frame_is_an_error(subject, tmp_path):
    with pytest.raises(MediaError, match="no frame"):
        build(subject, iter(()), tmp_path / "made")


def test_an_export_is_complete_and_replaces_only_an_export(subject, tmp_path):
    item = Item("walk.mp4", "video", "items/1/")
    files, _, _ = build(subject, moving_blob(3), tmp_path / "made")
    site = make_page([item], tmp_path) | files_in(item, files)
    export_site(site, tmp_path / "page", overwrite=False)
    found = {
        path.relative_to(tmp_path / "page").as_posix() for path in (tmp_path / "page").rglob("*") if path.is_file()
    }
    assert found == site.keys()
    with pytest.raises(OutputError, match="holds an earlier export"):
        export_site(site, tmp_path / "page", overwrite=False)
    export_site(site, tmp_path / "page", overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").touch()
    with pytest.raises(OutputError, match="is no earlier export"):
        export_site(site, tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "work.txt").exists()
    (tmp_path / "page" / "work.txt").touch()
    with pytest.raises(OutputError, match="is no earlier export"):
        export_site(site, tmp_path / "page", overwrite=True)
    assert (tmp_path / "page" / "work.txt").exists(), "a page of somebody's own"


def test_the_left_view_of_a_stereo_video_is_shown(tmp_path):
    render_video(tmp_path / "mono.mp4", seconds=0.2, frame_rate=10, erp_height=64, seed=1)
    reading = ReadOptions(stereo="left-right")
    media, path = prepare_media(Source(tmp_path / "mono.mp4", "video"), reading, tmp_path, copy=False)
    assert media.crop == (0, 0, 0.5, 1)
    assert path == tmp_path / "mono.mp4"


def test_a_photo_is_copied_as_jpeg(tmp_path):
    write_rgb_png(tmp_path / "photo.png", Scene(1).render(64, 0.0))
    media, path = prepare_media(Source(tmp_path / "photo.png", "image"), ReadOptions(), tmp_path, copy=False)
    assert (media.kind, media.name, media.width, media.height) == ("image", "photo.png", 128, 64)
    assert path.read_bytes()[:2] == b"\xff\xd8"


def test_a_copy_has_the_frames_and_times_of_the_video(tmp_path):
    render_video(tmp_path / "scene.mp4", seconds=0.5, frame_rate=10, erp_height=64, seed=1)
    media, path = prepare_media(Source(tmp_path / "scene.mp4", "video"), ReadOptions(), tmp_path, copy=True)
    assert path != tmp_path / "scene.mp4"
    assert media.codec == "h264"
    assert probe_video(path).frame_count == 5
    assert media.duration_s == pytest.approx(0.5)


def test_a_video_of_several_streams_is_copied(tmp_path):
    """A browser may show another stream than the one that is predicted."""
    with av.open(str(tmp_path / "two.mp4"), "w") as container:
        for _ in range(2):
            container.add_stream("libx264", rate=10, width=64, height=32, pix_fmt="yuv420p")
        for stream in container.streams:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8))))
            container.mux(stream.encode())
    source = Source(tmp_path / "two.mp4", "video")
    assert prepare_media(source, ReadOptions(), tmp_path, copy=False)[1] == tmp_path / "media.mp4"


def test_a_folder_of_frames_becomes_a_video(tmp_path):
    (tmp_path / "frames").mkdir()
    for number in range(3):
        write_rgb_png(tmp_path / "frames" / f"{number:04d}.png", Scene(1).render(64, number / 10))
    source = Source(tmp_path / "frames", "sequence")
    media, path = prepare_media(source, ReadOptions(fps=10), tmp_path, copy=False)
    assert (media.kind, media.frame_rate, probe_video(path).frame_count) == ("video", 10, 3)


def test_results_of_other_files_are_refused(tmp_path):
    from atsal.viewing.saved_result import open_result

    (tmp_path / "x.json").write_text('{"frames": []}')
    with pytest.raises(DataError, match=r"lacks .*settings"):
        open_result(tmp_path / "x.json")
