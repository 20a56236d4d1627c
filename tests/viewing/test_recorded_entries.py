"""The items of prepared sets, among what `atsal view` can show."""

import json
import shutil

import pytest

from atsal.datasets import dataset_named
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError, DataError
from atsal.prediction.options import ReadOptions
from atsal.video.image_writer import write_rgb_png
from atsal.video.synthetic_scene import Scene
from atsal.viewing.entries.entry import BrokenEntry, Choices
from atsal.viewing.entries.finding import find_entries
from fakes.fixations2d import write_fixations2d
from fakes.recorded_set import write_recorded_set


def choose(**values):
    defaults = {"as_frames": False, "copy": False, "media": None, "item": None, "plan": None, "load_model": None}
    return Choices(ReadOptions(), None, **(defaults | values))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return write_recorded_set(tmp_path_factory.mktemp("recorded"))


def test_each_item_of_a_set_is_an_entry(prepared):
    found = find_entries([prepared.folder], choose())
    title = "a folder of stimuli and tables"
    assert [(entry.name, entry.about, entry.predicts) for entry in found.entries] == [
        ("order", f"photo, 2 viewers, {title}", "still"),
        ("photo", f"photo, 2 viewers, {title}", "still"),
        ("video", f"video, 0:05, 2 viewers, {title}", "clip"),
    ]
    (remark,) = found.remarks
    assert "Licence: that of the data." in remark


def test_one_item_can_be_chosen(prepared):
    assert [entry.name for entry in find_entries([prepared.folder], choose(item="video")).entries] == ["video"]
    with pytest.raises(ConfigError, match="no item 'vide'"):
        find_entries([prepared.folder], choose(item="vide"))
    with pytest.raises(ConfigError, match="belongs to a prepared set"):
        find_entries([prepared.source / "photo.png"], choose(item="video"))


def test_media_is_the_new_folder_of_the_raw_files(prepared, tmp_path):
    raw = shutil.copytree(prepared.source, tmp_path / "moved")
    (entry,) = find_entries([prepared.folder], choose(item="photo", media=raw)).entries
    assert entry.prepared.source == raw


@pytest.mark.parametrize("what", ["source", "link"])
def test_a_set_cannot_show_another_file_of_this_machine(prepared, tmp_path, what):
    """An export would have a copy of it, and a set can name any folder as its source."""
    raw, own = (
        shutil.copytree(prepared.source, tmp_path / "private"),
        shutil.copytree(prepared.folder, tmp_path / "set"),
    )
    write_rgb_png(raw / "photo.png", Scene(7).render(32, 0.0))
    if what == "link":  # in place of the set's own copy
        record = json.loads((own / "photo" / "item.json").read_text())
        record["files"]["image.png"] = {"bytes": 1, "sha256": "0" * 64}
        (own / "photo" / "item.json").write_text(json.dumps(record))
        (own / "photo" / "image.png").symlink_to(raw / "photo.png")
    (entry,) = find_entries([own], choose(item="photo", media=raw)).entries
    with pytest.raises(DataError, match=r"(photo|image)\.png: is another file than the one that was prepared as photo"):
        entry.build(tmp_path, lambda _done, _total: None)


def test_a_damaged_set_and_one_of_flat_photos_say_why_they_are_not_shown(prepared, tmp_path):
    write_fixations2d(tmp_path / "raw")
    prepare(dataset_named("osie"), tmp_path / "raw", tmp_path / "flat", preparation_for(dataset_named("osie")))
    damaged = shutil.copytree(prepared.folder, tmp_path / "damaged")
    (damaged / "manifest.json").write_text("{")
    flat, broken = find_entries([tmp_path / "flat", damaged], choose()).entries
    assert isinstance(flat, BrokenEntry)
    assert "flat photos" in str(flat.error)
    assert "atsal inspect" in str(flat.error)
    assert isinstance(broken, BrokenEntry)
    assert "manifest.json" in str(broken.error)


def test_photos_beside_another_manifest_are_photos(prepared, tmp_path):
    shutil.copy(prepared.source / "photo.png", tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "a web site"}')
    assert [entry.name for entry in find_entries([tmp_path], choose()).entries] == ["photo.png"]
