"""`atsal tiles` on a video, on maps, and against recorded heads."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene, render_video


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    render_video(folder / "scene.mp4", seconds=1.2, frame_rate=10, erp_height=64, seed=1)
    render_video(folder / "other.mp4", seconds=0.4, frame_rate=10, erp_height=64, seed=2)
    write_rgb_png(folder / "photo.png", Scene(seed=1).render(64, 0.0))
    samples = "".join(f"{viewer},{t / 10},{yaw},0\n" for viewer, yaw in (("a", 0), ("b", 90)) for t in range(12))
    (folder / "heads.csv").write_text("viewer,timestamp_s,yaw_deg,pitch_deg\n" + samples)
    found = run("predict", folder / "scene.mp4", "-o", folder / "maps", "--format", "npy", "-q", "--runtime", "torch")
    assert found.exit_code == 0, found.output
    return folder


def test_tiles_of_a_video_are_those_of_its_maps(folder):
    options = [
        "--runtime",
        "torch",
        "--grid",
        "4x3",
        "--segment",
        0.5,
        "--rates",
        1000,
        "--recorded",
        folder / "heads.csv",
    ]
    found = run("tiles", folder / "scene.mp4", "-o", folder / "tiles.json", *options)
    assert found.exit_code == 0, found.output
    assert "12 tiles in 3 segments" in found.output
    assert "recorded viewports covered by the best 3 of 12 tiles" in found.output
    document = json.loads((folder / "tiles.json").read_text())
    assert document["grid"] == {"columns": 4, "rows": 3, "width": 128, "height": 64}
    assert document["tiles"][5] == {"x": 32, "y": 22, "w": 32, "h": 20}
    assert [s["start_s"] for s in document["segments"]] == [0, 0.5, 1]
    for segment in document["segments"]:
        assert sum(segment["share"]) == pytest.approx(1, abs=1e-4)
        assert sum(segment["rate_kbps"]) == 1000
        assert min(segment["rate_kbps"]) >= 8
    again = folder / "again.json"
    found = run("tiles", folder / "scene.mp4", "-o", again, "--maps", folder / "maps" / "scene.json", *options)
    assert found.exit_code == 0, found.output
    for one, other in zip(document["segments"], json.loads(again.read_text())["segments"], strict=True):
        assert one["share"] == pytest.approx(other["share"], abs=1e-4)


def test_a_table_has_a_row_for_each_segment_and_tile(folder):
    found = run(
        "tiles",
        folder / "scene.mp4",
        "-o",
        folder / "tiles.csv",
        "--grid",
        "4x3",
        "--start",
        0.5,
        "-q",
        "--runtime",
        "torch",
    )
    assert found.exit_code == 0, found.output
    with (folder / "tiles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["start_s"] for row in rows} == {"0.5"}
    assert "rate_kbps" not in rows[0]
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scene.mp4", "-o", "x.txt"], "tiles are kept in .json and .csv files"),
        (["scene.mp4", "-o", "x.json", "--fov", "141"], "141.0 is not in the range"),
        (["scene.mp4", "-o", "x.json", "--grid", "90x5"], "expected tiles of at least 2x2 pixels"),
        (["scene.mp4", "-o", "x.json", "--segment", "0.01"], "0.01 is not in the range"),
        (["scene.mp4", "-o", "x.json", "--rates", "30"], "for 40 tiles of at least 1 kbit/s: expected at least 40"),
        (["scene.mp4", "-o", "x.json", "--least-rate", "30"], "--least-rate is for --rates"),
        (["photo.png", "-o", "x.json"], "is an image; expected a 360° video"),
        (["other.mp4", "-o", "x.json", "--maps", "maps/scene.json"], "which is another file than"),
        (["scene.mp4", "-o", "x.json", "--recorded", "scene.mp4"], "scene.mp4"),
        (
            ["scene.mp4", "-o", "x.json", "--maps", "maps/scene.json", "--stereo", "top-bottom"],
            "as mono, not as top-bottom; choose that layout with --stereo",
        ),
        (["scene.mp4", "-o", "made.json"], "made.json: already exists"),
        (
            ["scene.mp4", "-o", "maps/scene.json", "--maps", "maps/scene.json", "--overwrite"],
            "maps/scene.json: is the source itself, or another input",
        ),
        (
            ["scene.mp4", "-o", "x.json", "--maps", "maps/scene.json", "--max-frames", "2"],
            "--max-frames chooses frames",
        ),
        (["scene.mp4", "-o", "x.json", "--maps", "maps/scene.json", "--fps", "1"], "--fps chooses frames to predict"),
    ],
)
def test_mistakes_are_explained(folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "made.json").touch()
    found = run("tiles", *arguments)
    assert found.exit_code in (1, 2)
    assert message in found.output, found.output
    assert not list(folder.glob("x.*"))


def test_a_log_of_another_time_is_told(folder, tmp_path):
    (tmp_path / "late.csv").write_text("timestamp_s,yaw_deg,pitch_deg\n50,0,0\n51,0,0\n")
    for command in ("tiles", "direct"):
        how = ["-o", tmp_path / f"{command}.json", "--maps", folder / "maps" / "scene.json"]
        found = run(command, folder / "scene.mp4", *how, "--recorded", tmp_path / "late.csv")
        assert found.exit_code == 0, found.output
        assert "late.csv: has no sample in" in found.output


def swap_times(document):
    frames = document["frames"]
    frames[1]["timestamp_s"], frames[2]["timestamp_s"] = frames[2]["timestamp_s"], frames[1]["timestamp_s"]


def front_as_text(document):
    document["settings"]["options"]["front_deg"] = "ahead"


def test_damaged_maps_are_refused(folder, tmp_path):
    shutil.copytree(folder / "maps", tmp_path / "maps")
    manifest = tmp_path / "maps" / "scene.json"
    whole = manifest.read_text()

    def message():
        found = run("tiles", folder / "scene.mp4", "-o", tmp_path / "x.json", "--maps", manifest)
        assert found.exit_code == 1
        return found.output

    for damage, expected in ((swap_times, "has a frame at"), (front_as_text, "lacks front_deg as a number of degrees")):
        document = json.loads(whole)
        damage(document)
        manifest.write_text(json.dumps(document))
        assert expected in message()
    manifest.write_text(whole)
    for path in manifest.parent.rglob("*.npy"):
        np.save(path, np.zeros_like(np.load(path)))
    assert ".npy: is zero everywhere" in message()


def test_a_grid_of_another_form_is_wrong_usage(folder):
    found = run("tiles", folder / "scene.mp4", "-o", folder / "x.json", "--grid", "8")
    assert found.exit_code == 2
    assert "COLUMNSxROWS" in found.output
