"""`atsal regions` on a video, an image, and maps that `atsal predict` wrote."""

import json

import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.regions import read_regions
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene, render_video


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regions")
    render_video(folder / "scene.mp4", seconds=0.6, frame_rate=10, erp_height=64, seed=1)
    write_rgb_png(folder / "photo.png", Scene(seed=1).render(64, 0.0))
    found = run("predict", folder / "scene.mp4", "-o", folder / "maps", "--format", "npy", "--stream", "all", "-q")
    assert found.exit_code == 0, found.output
    return folder


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_regions_of_a_video_are_those_of_its_maps(folder, suffix):
    output, again = folder / f"video.{suffix}", folder / f"maps.{suffix}"
    found = run("regions", folder / "scene.mp4", "-o", output)
    assert found.exit_code == 0, found.output
    assert "things in 6 frames" in found.output
    assert run("regions", folder / "maps" / "scene.json", "-o", again).exit_code == 0
    regions, of_maps = read_regions(output), read_regions(again)
    assert [frame.frame_index for frame in regions.frames] == list(range(6))
    assert regions.frames[0].regions
    for a, b in zip(regions.frames, of_maps.frames, strict=True):
        assert a.timestamp_s == b.timestamp_s
        assert [r.id for r in a.regions] == [r.id for r in b.regions]
        assert [r.weight for r in a.regions] == pytest.approx([r.weight for r in b.regions], rel=1e-3)


def test_the_streams_have_their_own_regions(folder):
    for stream in ("fused", "attention", "experts"):
        arguments = ["-o", folder / f"{stream}.json", "--stream", stream]
        assert run("regions", folder / "maps" / "scene.json", *arguments).exit_code == 0
    assert read_regions(folder / "attention.json") != read_regions(folder / "experts.json")
    assert read_regions(folder / "attention.json").settings["stream"] == "attention"


def test_regions_of_an_image(folder):
    found = run("regions", folder / "photo.png", "-o", folder / "photo.json", "--max-regions", 2)
    assert found.exit_code == 0, found.output
    (frame,) = read_regions(folder / "photo.json").frames
    assert 1 <= len(frame.regions) <= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scene.mp4", "-o", "x.txt"], "x.txt: regions are kept in .json, .csv, .parquet"),
        (["photo.json", "-o", "photo.json", "--overwrite"], "is the source itself"),
        (["nowhere.mp4", "-o", "x.json"], "nowhere.mp4"),
        (["broken.json", "-o", "x.json"], "broken.json: lacks 'settings'|broken.json: lacks settings"),
        (["maps/scene.json", "-o", "made.json"], "made.json: already exists"),
        (["maps", "-o", "x.json"], "holds"),
        (["scene.mp4", "-o", "x.json", "--still-at", "2"], "is a video, whose frames have times"),
    ],
)
def test_mistakes_are_explained(folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "broken.json").write_text(json.dumps({"frames": []}))
    (folder / "photo.json").touch()
    (folder / "made.json").touch()
    found = run("regions", *arguments)
    assert found.exit_code == 1
    assert any(part in found.output for part in message.split("|")), found.output
    assert not (folder / "x.json").exists()


def test_a_missing_map_is_named_and_nothing_is_written(folder):
    missing = folder / "maps" / "scene" / "000003.npy"
    content = missing.read_bytes()
    missing.unlink()
    try:
        found = run("regions", folder / "maps" / "scene.json", "-o", folder / "gap.json")
    finally:
        missing.write_bytes(content)
    assert found.exit_code == 1
    assert "000003.npy: no such file; write the maps again" in found.output
    assert not (folder / "gap.json").exists()
