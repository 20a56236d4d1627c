"""With `--isolate`, no command opens a picture or a video in its own process, and results are the same."""

import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.datasets import dataset_named
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.video.synthetic_scene import Scene
from fakes.folder import write_folder
from video.conftest import Clips

COMMANDS = {
    "info": "info clip.mkv still.png",
    "predict": "predict clip.mkv still.png -o OUT/maps --format overlay",
    "compare": "compare clip.mkv -o OUT/compared.mp4",
    "regions": "regions clip.mkv -o OUT/regions.json",
    "tiles": "tiles clip.mkv -o OUT/tiles.json --grid 4x2 --segment 0.2",
    "encode": "encode clip.mkv -o OUT/encoded.mp4 --codec x264 --crf 30",
    "roi": "roi clip.mkv -o OUT/roi.txt --for kvazaar",
    "direct": "direct clip.mkv -o OUT/film.mp4 --split",
    "quality": "quality clip.mkv clip.mkv --json OUT/quality.json",
    "view": "view clip.mkv --export OUT/page --no-browser --proxy",
    "report": "report maps/clip.json -o OUT/report.html",
    "prepare": "prepare folder raw OUT/set --workers 1",
    "evaluate": "evaluate scored set -o OUT/scores --workers 1",
    "inspect": "inspect set -o OUT/pictures --all",
}
VIDEOS = {"compare": "compared.mp4", "encode": "encoded.mp4", "direct": "film.mp4", "predict": "maps/clip.overlay.mp4"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isolated")
    Clips(folder).make("clip.mkv", frames=6, audio="pcm_s16le", audio_seconds=0.2)
    Image.fromarray(Scene(3).render(64, 0.0)).save(folder / "still.png")
    write_folder(folder / "raw")
    dataset = dataset_named("folder")
    prepare(dataset, folder / "raw", folder / "set", preparation_for(dataset, erp_height=32, maps="png"))
    for sources, out, form in (
        (["clip.mkv"], "maps", "npy"),
        (["raw/image_1.png", "raw/video_2.mp4"], "scored", "png"),
    ):
        paths = [str(folder / source) for source in sources]
        command = ["predict", *paths, "-o", str(folder / out), "--format", form]
        assert CliRunner().invoke(main, command).exit_code == 0
    return folder


def run(folder, name, out, *more):
    (folder / out).mkdir()
    arguments = COMMANDS[name].replace("OUT", out).split()
    found = CliRunner().invoke(main, [*arguments, *more], catch_exceptions=False)
    assert found.exit_code == 0, found.output


def refuse(*_args, **_kwargs):
    raise AssertionError("this process opens a file that may be hostile")


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_another_process_reads(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    if name in VIDEOS:
        run(folder, name, f"{name}-plain")
    monkeypatch.setattr("atsal.video.container._open", refuse)
    monkeypatch.setattr("atsal.untrusted.pictures._open_image", refuse)
    run(folder, name, name, "--isolate")
    if name in VIDEOS:
        assert (folder / name / VIDEOS[name]).read_bytes() == (folder / f"{name}-plain" / VIDEOS[name]).read_bytes()
