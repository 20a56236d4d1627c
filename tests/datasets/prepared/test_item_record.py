"""Records of prepared sets that others made: what they may say, and what they must not make us read."""

import json

import pytest

from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.figures import draw_prepared_item
from atsal.datasets.prepared.item_record import open_record, read_record
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError, DataError
from fakes.folder import write_folder


@pytest.fixture
def prepared(tmp_path):
    write_folder(tmp_path / "raw", items=2)
    dataset = dataset_named("folder")
    prepare(dataset, tmp_path / "raw", tmp_path / "out", preparation_for(dataset, erp_height=32))
    return tmp_path / "out"


def change(path, **values):
    document = json.loads(path.read_text())
    for keys, value in values.items():
        place = document
        *parents, last = keys.split("__")
        for key in parents:
            place = place[int(key) if key.isdecimal() else key]
        place[last] = value
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secret.png", "a/../../b.png", "C:\\x.png", "", 3, None])
def test_a_stimulus_outside_of_the_source_is_refused_by_name(prepared, tmp_path, name):
    write_folder(tmp_path / "secret", items=1)
    change(prepared / "image_1" / "item.json", stimulus__file=name)
    with pytest.raises(DataError, match=r"image_1/item\.json: names the file .*expected a path below"):
        draw_prepared_item(PreparedSet(prepared), "image_1")
    assert read_record(prepared / "image_1") is None


def test_a_record_that_says_nothing_of_its_stimulus_is_refused(prepared):
    path = prepared / "image_1" / "item.json"
    record = json.loads(path.read_text())
    del record["stimulus"]
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="is no record of this item"):
        open_record(path.parent)


@pytest.mark.parametrize("name", ["../../raw/image_1.png", "/etc/passwd"])
def test_files_of_an_item_outside_of_its_folder_are_refused(prepared, name):
    files = json.loads((prepared / "image_1" / "item.json").read_text())["files"]
    change(prepared / "image_1" / "item.json", files=files | {name: {"bytes": 1, "sha256": "0"}})
    with pytest.raises(DataError, match="names the file"):
        open_record(prepared / "image_1")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "a\\b", 7, None, ["x"]])
def test_names_of_items_are_names_of_folders(prepared, name):
    change(prepared / "manifest.json", items__0__id=name)
    with pytest.raises(DataError, match="the names of its items"):
        PreparedSet(prepared)


@pytest.mark.parametrize(
    "changed",
    [
        {"stimulus__frames": 10**12, "stimulus__kind": "video"},
        {"stimulus__frames": 1.5},
        {"stimulus__frames": True},
        {"stimulus__width": 10**6, "stimulus__height": 10**6},
        {"stimulus__width": -1},
        {"stimulus__frames_per_s": "x"},
        {"stimulus__frames_per_s": 0},
        {"stimulus__kind": "program"},
        {"stimulus__member": ["x"]},
        {"stimulus": []},
        {"fixations": 1.5},
        {"observers": -1},
        {"drops": [{"reason": "x", "count": 1.5}]},
        {"drops": [1]},
        {"notes": [1]},
        {"files": {}},
        {"files": {"fixations.csv": 1}},
        {"id": "another"},
        {"variant_of": 3},
    ],
)
def test_facts_that_no_stimulus_has_are_refused(prepared, changed):
    change(prepared / "image_1" / "item.json", **changed)
    with pytest.raises(DataError, match=r"item\.json|no video has so many"):
        PreparedSet(prepared).windows("image_1")


@pytest.mark.parametrize(
    "changed",
    [
        {"splits": {"published": {"train": "image_1"}}},
        {"splits": {"published": ["image_1"]}},
        {"splits": {"published": {"train": [["image_1"]]}}},
        {"items": "image_1"},
        {"items": [1]},
        {"about": {}},
        {"source": 3},
        {"preparation__erp_height": 10**9},
        {"preparation__erp_height": 1.5},
        {"preparation__sigma_deg": -1.0},
    ],
)
def test_manifests_that_are_none_are_refused(prepared, changed):
    change(prepared / "manifest.json", **changed)
    with pytest.raises((DataError, ConfigError), match=r"manifest\.json"):
        PreparedSet(prepared)


@pytest.mark.parametrize("value", [1.5, -1, "3", None, True, 10**18])
def test_counts_of_statistics_are_counts(prepared, value):
    change(prepared / "manifest.json", statistics__gaze=[[1, 2, value]])
    with pytest.raises(DataError, match=r"manifest\.json: not statistics"):
        PreparedSet(prepared).statistics()


def test_an_item_whose_statistics_are_damaged_is_made_anew(prepared, tmp_path):
    whole = (prepared / "manifest.json").read_bytes()
    (prepared / "image_1" / "statistics.json").write_text("[" * 10_000)
    dataset = dataset_named("folder")
    settings = preparation_for(dataset, erp_height=32)
    only = prepare(dataset, tmp_path / "raw", prepared, settings, only=("video_2",))
    assert (only.made, only.reused) == (0, 1)
    assert PreparedSet(prepared).items == ("video_2",)
    again = prepare(dataset, tmp_path / "raw", prepared, settings)
    assert (again.made, again.reused) == (1, 1)
    assert (prepared / "manifest.json").read_bytes() == whole


def test_what_no_reader_foresaw_refuses_one_item(prepared, tmp_path, monkeypatch):
    from atsal.datasets.prepared import prepare_item

    def describe(item, stimuli):
        if item.id == "image_1":
            raise ZeroDivisionError("by 0")
        return whole(item, stimuli)

    whole = prepare_item.describe
    monkeypatch.setattr(prepare_item, "describe", describe)
    dataset = dataset_named("folder")
    done = prepare(dataset, tmp_path / "raw", tmp_path / "new", preparation_for(dataset, erp_height=32))
    assert done.refused == {"image_1": "cannot be used (ZeroDivisionError: by 0)"}
    assert done.made == 1
