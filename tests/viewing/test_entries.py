"""What there is to show in files and folders."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.errors import AtsalError, ConfigError, DataError
from atsal.prediction.options import ReadOptions
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene
from atsal.video.writer import VideoWriter
from atsal.viewing.entries.entry import BrokenEntry, Choices
from atsal.viewing.entries.finding import find_entries

PHOTOS = ("a.png", "b.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("entries")
    (folder / "photos").mkdir()
    for number, name in enumerate(PHOTOS):
        write_rgb_png(folder / "photos" / name, Scene(number).render(32, 0.0))
    for form, maps in (("npy", "maps"), ("overlay", "drawn")):
        done = CliRunner().invoke(main, ["predict", f"{folder}/photos", "-o", f"{folder}/{maps}", "--format", form])
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made"


def choose(**values):
    def refuse():
        raise AssertionError("no model is needed to find entries")

    return Choices(
        ReadOptions(),
        None,
        **{"as_frames": False, "copy": False, "media": None, "item": None, "plan": None, "load_model": refuse} | values,
    )


def names(found):
    return [(entry.name, entry.about) for entry in found.entries]


def build(entry, folder):
    (folder / "built").mkdir(exist_ok=True)
    return entry.build(folder / "built", lambda _done, _total: None)


def test_a_folder_of_photos_and_results_of_them(folder):
    found = find_entries([folder / "photos", folder / "maps", folder / "photos" / "a.png"], choose())
    assert names(found) == [
        ("a.png", "photo"),
        ("b.png", "photo"),
        ("a.png", "photo, result of lite in maps"),
        ("b.png", "photo, result of lite in maps"),
    ]
    assert [entry.predicts for entry in found.entries] == ["still", "still", "nothing", "nothing"]


def test_the_working_folder_is_one_as_any_other(folder, monkeypatch):
    monkeypatch.chdir(folder / "photos")
    assert [entry.name for entry in find_entries([Path()], choose()).entries] == list(PHOTOS)
    monkeypatch.chdir(folder / "maps")
    assert len(find_entries([Path()], choose()).entries) == 2


def test_other_files_beside_results_are_no_entries_and_damaged_manifests_say_so(folder):
    (folder / "maps" / "notes.json").write_text('{"frames": []}')
    (folder / "maps" / "list.json").write_text("[1]")
    (folder / "maps" / "b.json").write_text('{"frames": [')
    shutil.copy(folder / "photos" / "a.png", folder / "maps" / "overlay.png")
    found = find_entries([folder / "maps"], choose())
    assert [entry.name for entry in found.entries] == ["a.png", "b.json"]
    assert isinstance(found.entries[1], BrokenEntry)
    assert "b.json: cannot be read as JSON" in str(found.entries[1].error)


def test_results_without_maps_name_the_remedy(folder):
    found = find_entries([folder / "drawn"], choose())
    assert [type(entry) for entry in found.entries] == [BrokenEntry, BrokenEntry]
    assert "wrote overlay and no .npy maps; predict again with --format npy" in str(found.entries[0].error)


def test_the_folder_of_the_maps_of_a_result_stands_for_the_result(folder):
    video = folder / "clip.mp4"
    with VideoWriter(video, (64, 32), 10) as writer:
        writer.write(Scene(0).render(32, 0.0), 0.0)
    CliRunner().invoke(main, ["predict", str(video), "-o", str(folder / "seen"), "--format", "npy"])
    assert names(find_entries([folder / "seen" / "clip"], choose())) == names(find_entries([folder / "seen"], choose()))


def test_a_folder_with_json_of_others_is_a_folder_of_photos(folder):
    (folder / "photos" / "camera.json").write_text('{"settings": {}}')
    found = find_entries([folder / "photos"], choose())
    assert [entry.name for entry in found.entries] == ["a.png", "b.png"]
    assert any("camera.json" in remark for remark in found.remarks)


def test_missing_and_empty_inputs_are_broken_and_the_others_are_found(folder):
    (folder / "empty").mkdir()
    found = find_entries([folder / "gone.mp4", folder / "empty", folder / "photos"], choose())
    assert [type(entry) is BrokenEntry for entry in found.entries] == [True, True, False, False]


def test_a_folder_as_one_clip(folder):
    assert names(find_entries([folder / "photos"], choose(as_frames=True))) == [("photos", "folder of frames")]


def test_sources_that_have_been_moved_are_found_in_a_folder_by_name_and_checked(folder):
    (folder / "photos").rename(folder / "moved")
    for manifest in (folder / "maps").glob("*.json"):
        document = json.loads(manifest.read_text())
        document["settings"]["source"]["path"] = f"gone/{manifest.stem}.png"
        manifest.write_text(json.dumps(document))
    (lost, _) = find_entries([folder / "maps"], choose()).entries
    with pytest.raises(
        DataError, match=r"a\.png, which is not at gone/a\.png; name the file or its folder with --media"
    ):
        build(lost, folder)
    entry, other = find_entries([folder / "maps"], choose(media=folder / "moved")).entries
    assert json.loads(build(entry, folder).site["scene.json"].read_text())["media"]["name"] == "a.png"
    shutil.copy(folder / "moved" / "a.png", folder / "moved" / "b.png")
    with pytest.raises(DataError, match="is another file or has changed"):
        build(other, folder)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [(["photos"], "belongs to a manifest"), (["maps"], "there are 2 results; name the folder of their sources")],
)
def test_media_must_fit(folder, inputs, message):
    with pytest.raises(ConfigError, match=message):
        find_entries([folder / name for name in inputs], choose(media=folder / "photos" / "a.png"))


def test_a_map_that_is_missing_fails_when_it_is_built(folder):
    (folder / "maps" / "a.npy").unlink()
    entry, other = find_entries([folder / "maps"], choose()).entries
    with pytest.raises(AtsalError, match=r"a\.npy"):
        build(entry, folder)
    assert Path(build(other, folder).site["scene.json"]).is_file()


def test_a_plan_is_for_a_single_input(folder):
    plan = folder / "film.plan.json"
    with pytest.raises(ConfigError, match=r"film.plan.json: is for one video, and there are \d+ inputs"):
        find_entries([folder / "photos"], choose(plan=plan))


def test_a_result_of_a_video_has_pictures_and_the_cuts_of_the_video(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", (64, 32), 10) as writer:
        for number in range(12):
            writer.write(Scene(number // 8).render(32, 0.0) // 2 + 100 * (number // 8), number / 10)
    arguments = ["predict", f"{tmp_path}/clip.mp4", "-o", f"{tmp_path}/maps", "--format", "npy", "--start", "0.2"]
    done = CliRunner().invoke(main, [*arguments, "--stride", "2"])
    assert done.exit_code == 0, done.output
    (entry,) = find_entries([tmp_path / "maps"], choose()).entries
    site = build(entry, tmp_path).site
    scene = json.loads(site["scene.json"].read_text())
    assert scene["cuts_s"] == [0.8]
    sheet = np.asarray(Image.open(site["previews.jpg"])).astype(int)
    found = [int(sheet[72:80, 160 * place : 160 * place + 160].mean()) for place in range(5)]  # below the map's peak
    assert found[2] + 40 < found[3], found
    assert scene["previews"]["times_s"] == [0.2, 0.4, 0.6, 0.8, 1.0]
