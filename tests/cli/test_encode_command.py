"""`atsal encode`, `atsal roi` and `atsal quality`: from a video to files and scores."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.datasets.prepared import PreparedSet
from atsal.encoding import CODECS
from atsal.quality import GazeWeighting
from atsal.video.probe import probe_video
from atsal.video.synthetic_scene import render_video
from fakes.folder import write_folder


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encode")
    render_video(folder / "scene.mp4", seconds=0.8, frame_rate=10, erp_height=128, seed=1)
    render_video(folder / "other.mp4", seconds=0.8, frame_rate=10, erp_height=128, seed=2)
    assert run("predict", folder / "scene.mp4", "-o", folder / "maps", "--format", "npy", "-q").exit_code == 0
    write_folder(folder / "raw")
    assert run("prepare", "folder", folder / "raw", folder / "prepared", "--workers", 1, "-q").exit_code == 0
    return folder


def test_encode_writes_a_guided_file_and_compares_it_with_its_plain_twin(folder, tmp_path):
    found = run("encode", folder / "scene.mp4", "-o", tmp_path / "out.mp4", "--bitrate", 150, "--compare")
    assert found.exit_code == 0, found.output
    assert "WS-PSNR, weighted" in found.output
    share = float(found.output.split(" has ")[1].split("%")[0])
    assert share == pytest.approx(100, abs=2)
    for name in ("out.mp4", "out.plain.mp4"):
        info = probe_video(tmp_path / name)
        assert (info.frame_count, info.spherical_tagged) == (8, True)
    again = run("encode", folder / "scene.mp4", "-o", tmp_path / "out.mp4", "--bitrate", 300)
    assert again.exit_code == 1
    assert "out.mp4: already exists" in again.output


def test_maps_are_predicted_of_heads_or_as_asked_for_or_read(folder, tmp_path):
    saved = ["--maps", folder / "maps" / "scene.json"]
    offsets = {}
    for name, how in {"heads": [], "gaze": ["--direction", "head_eye"], "saved": saved}.items():
        found = run("roi", folder / "scene.mp4", "-o", tmp_path / f"{name}.npy", "--for", "npy", *how)
        assert found.exit_code == 0, found.output
        offsets[name] = np.load(tmp_path / f"{name}.npy").astype(int)
        assert offsets[name].shape == (8, 8, 16)
    assert (offsets["heads"] != offsets["gaze"]).any()
    assert np.abs(offsets["saved"] - offsets["gaze"]).mean() < 1  # of ten maps a second, and of five


def test_quality_by_maps_gaze_and_traces(folder, tmp_path):
    assert run("encode", folder / "scene.mp4", "-o", tmp_path / "out.mp4", "--crf", 40).exit_code == 0
    (tmp_path / "trace.csv").write_text("timestamp_s,yaw_deg,pitch_deg\n0,0,0\n1,20,0\n")
    options = [
        "--maps",
        folder / "maps" / "scene.json",
        "--trace",
        tmp_path / "trace.csv",
        "--json",
        tmp_path / "q.json",
    ]
    found = run("quality", folder / "scene.mp4", tmp_path / "out.mp4", *options)
    assert found.exit_code == 0, found.output
    document = json.loads((tmp_path / "q.json").read_text())
    assert set(document["scores"]) == {
        "ws_psnr_db",
        "s_ssim",
        "weighted_ws_psnr_db",
        "weighted_s_ssim",
        "viewport_psnr_db",
        "viewport_ssim",
    }
    assert len(document["frames"]) == 8
    assert f"{document['scores']['ws_psnr_db']:.2f} dB" in found.output
    video = folder / "raw" / "video_2.mp4"
    found = run("quality", video, video, "--gaze", folder / "prepared")
    assert found.exit_code == 0, found.output
    assert "weighted by gaze on video_2 of prepared" in found.output


def test_gaze_weights_follow_the_gaze_in_time(folder):
    prepared = PreparedSet(folder / "prepared")
    still, moving = GazeWeighting(prepared, "image_1"), GazeWeighting(prepared, "video_2")
    assert still.at(0.0) is still.at(5.0)
    early, late = moving.at(0.0), moving.at(0.9)
    assert not np.allclose(early, late)
    assert moving.at(60.0) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "scene.mp4", "-o", "x.mp4"], "give either --bitrate, in kbit/s, or --crf"),
        (["encode", "scene.mp4", "-o", "x.mkv", "--crf", "30"], "expected a name ending in .mp4"),
        (["encode", "scene.mp4", "-o", "scene.mp4", "--crf", "30", "--overwrite"], "is the source itself"),
        (["encode", "scene.mp4", "-o", "x.mp4", "--crf", "30", "--codec", "svtav1"], "SVT-AV1 ignores regions"),
        (["encode", "scene.mp4", "-o", "x.mp4", "--crf", "60"], "--crf 60: expected 0 (best) to 51 for x264"),
        (["encode", "raw", "-o", "x.mp4", "--crf", "30"], "raw: is a folder; expected a 360° video"),
        (["encode", "other.mp4", "-o", "x.mp4", "--crf", "30", "--maps", "maps/scene.json"], "which is another file"),
        (
            ["encode", "scene.mp4", "-o", "x.mp4", "--crf", "9", "--maps", "prepared/manifest.json"],
            "expected the manifest",
        ),
        (["roi", "scene.mp4", "-o", "x.txt", "--for", "x265-zones"], "they have no place for blocks"),
        (["roi", "scene.mp4", "-o", "x.txt", "--for", "npy"], "expected a name ending in .npy"),
        (["quality", "scene.mp4", "other.mp4", "--maps", "a.json", "--gaze", "b"], "--maps and --gaze exclude"),
        (["quality", "scene.mp4", "other.mp4", "--item", "3"], "--item names an item of --gaze"),
        (["quality", "scene.mp4", "other.mp4", "--gaze", "prepared"], "no item 'scene'"),
        (["quality", "other.mp4", "scene.mp4", "--maps", "maps/scene.json"], "which is another file"),
        *(
            ([*command, "--maps", "maps/scene.json", "--stereo", "left-right"], "as mono, not as left-right")
            for command in (
                ["quality", "scene.mp4", "other.mp4"],
                ["encode", "scene.mp4", "-o", "x.mp4", "--crf", "30"],
                ["direct", "scene.mp4", "-o", "x.mp4"],
            )
        ),
        (["quality", "scene.mp4", "other.mp4", "--json", "new.mp4"], "expected a name ending in .json"),
        (["quality", "nothing.mp4", "scene.mp4"], "nothing.mp4: no such file"),
        (
            ["quality", "scene.mp4", "other.mp4", "--json", "./raw/../other.mp4", "--overwrite"],
            "other.mp4: is the source itself, or another input",
        ),
        (["encode", "scene.mp4", "-o", "x.mp4", "--bitrate", "1e9"], "--bitrate 1e+09: expected 1 to 2000000 kbit/s"),
        (
            ["encode", "scene.mp4", "-o", "x.mp4", "--bitrate", "2", "--maps", "maps/scene.json"],
            "x264 does not encode this video at 2 kbit/s; ask for a higher --bitrate",
        ),
    ],
)
def test_mistakes_are_explained(folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    found = run(*arguments)
    assert found.exit_code in (1, 2)
    assert message in found.output, found.output
    assert not list(folder.glob("x.*"))


def test_maps_of_a_part_do_not_guide_the_whole(folder, tmp_path):
    source = folder / "scene.mp4"
    assert run("predict", source, "-o", tmp_path, "--format", "npy", "--duration", 0.3, "-q").exit_code == 0
    found = run("encode", source, "-o", tmp_path / "x.mp4", "--crf", 30, "--maps", tmp_path / "scene.json")
    assert found.exit_code == 1
    assert "has maps of 0.00 to 0.20 s of" in found.output


def test_the_choices_of_codec_are_the_codecs():
    (option,) = (option for option in main.commands["encode"].params if option.name == "codec")
    assert list(option.type.choices) == list(CODECS)
