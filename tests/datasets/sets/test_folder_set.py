from dataclasses import replace

import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.folder import FOLDER
from atsal.errors import DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.records import GazeSamples, PlanarFixations
from atsal.gaze.tables import write_fixations, write_samples
from fakes.folder import FPS, FRAMES, write_folder

CLIP = Stimulus("video", 128, 64, FRAMES, FPS, FRAMES / FPS)
STILL = Stimulus("image", 128, 64)
FIXATIONS = "observer,onset_s,lon_deg,lat_deg\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    return root, write_folder(root)


def empty(path):
    path.write_bytes(b"")
    return path


def test_items_by_name(source):
    root, targets = source
    found = FOLDER.find(root)
    assert [item.id for item in found.items] == list(targets) == ["image_1", "video_2"]
    assert [item.stimulus.name for item in found.items] == ["image_1.png", "video_2.mp4"]
    assert found.missing == ()


def test_gaze_follows_the_target_in_time(source):
    root, targets = source
    for item, stimulus in zip(FOLDER.find(root).items, (STILL, CLIP), strict=True):
        gaze = FOLDER.read(item, "head_eye", stimulus)
        found = gaze.fixations
        assert len(found) == 15
        assert found.observers == ["viewer 1", "viewer 2", "viewer 3"]
        times = found.onset_s + 0.1 if stimulus is CLIP else np.zeros(15)
        where = np.array([unit_vectors(*targets[item.id].lonlat(time)) for time in times])
        assert np.rad2deg(angle_rad(unit_vectors(found.lon_rad, found.lat_rad), where)).max() < 8
        assert gaze.drops == ()
        assert "taken as head_eye" in gaze.notes[0]


def test_samples_say_their_direction(tmp_path):
    head = unit_vectors(np.deg2rad([90.0, 0, 0]), np.zeros(3))
    write_samples(tmp_path / "a.parquet", [GazeSamples("1", np.array([-0.1, 0.5, 1.0]), head=head)])
    empty(tmp_path / "a.MP4")
    (item,) = FOLDER.find(tmp_path).items
    gaze = drop_past_end(FOLDER.read(item, "head", CLIP), CLIP)
    assert gaze.samples[0].timestamp_s.tolist() == [0.5]
    assert [(drop.reason, drop.count) for drop in gaze.drops] == [
        ("past the end of the video (10 frames, 1 s)", 1),
        ("time is negative", 1),
    ]
    with pytest.raises(DataError, match="no head_eye direction; it has head"):
        FOLDER.read(item, "head_eye", CLIP)


def test_frames_past_the_end(tmp_path):
    (tmp_path / "a.csv").write_text("observer,lon_deg,lat_deg,first_frame,last_frame\n1,0,0,9,9\n1,1,0,10,12\n")
    (item,) = FOLDER.find(tmp_path).items
    gaze = drop_past_end(FOLDER.read(item, "head", CLIP), CLIP)
    assert gaze.fixations.first_frame.tolist() == [9]
    assert gaze.drops[0].count == 1
    unknown = replace(CLIP, frames=None, duration_s=None)
    assert len(drop_past_end(FOLDER.read(item, "head", unknown), unknown).fixations) == 2


def test_photos(tmp_path):
    write_fixations(tmp_path / "a.csv", PlanarFixations(np.array(["1"]), np.array([0.5]), np.array([0.25])))
    (item,) = FOLDER.find(tmp_path).items
    assert FOLDER.read(item, "head_eye", Stimulus("photo", 100, 50)).fixations.v.tolist() == [0.25]


def test_one_table_for_all(tmp_path):
    (tmp_path / "gaze.csv").write_text(
        "item,observer,lon_deg,lat_deg\nb 1,1,10,0\na.jpg,1,-20,0\nb 1,2,30,0\nc.d,1,4,0"
    )
    for name in ("a.jpg", "b 1.mp4", "left.png"):
        empty(tmp_path / name)
    found = FOLDER.find(tmp_path)
    assert [(item.id, item.stimulus and item.stimulus.name) for item in found.items] == [
        ("a", "a.jpg"),
        ("b_1", "b 1.mp4"),
        ("c.d", None),
    ]
    assert found.missing == (
        f"a table for left.png: no left.csv in {tmp_path}",
        f"the stimulus of c.d: no file of that name in {tmp_path}",
    )
    degrees = [np.rad2deg(FOLDER.read(item, "head", STILL).fixations.lon_rad) for item in found.items]
    assert [values.round(6).tolist() for values in degrees] == [[-20], [10, 30], [4]]


def test_a_changed_table_is_read_again(tmp_path):
    path = tmp_path / "gaze.csv"
    path.write_text("item,observer,lon_deg,lat_deg\na,1,10,0\n")
    (item,) = FOLDER.find(tmp_path).items
    path.write_text("item,observer,lon_deg,lat_deg\na,1,110,0\n")
    assert np.rad2deg(FOLDER.read(item, "head", STILL).fixations.lon_rad) == pytest.approx([110])
    path.write_text("item,observer,lon_deg,lat_deg\nother,1,110,0\n")
    with pytest.raises(DataError, match="nothing about a in its column item; it has other"):
        FOLDER.read(item, "head", STILL)


def test_ids_are_safe_names_of_folders(tmp_path):
    rows = "".join(f"{name},1,10,0\n" for name in ("..", "../up", "é"))
    (tmp_path / "gaze.csv").write_text("item,observer,lon_deg,lat_deg\n" + rows, encoding="utf-8")
    with pytest.raises(DataError, match="would both be item _"):
        FOLDER.find(tmp_path)
    (tmp_path / "gaze.csv").write_text("item,observer,lon_deg,lat_deg\n..,1,10,0\n../.up,1,10,0\n", encoding="utf-8")
    assert [item.id for item in FOLDER.find(tmp_path).items] == ["_", "up"]


def test_a_stimulus_may_be_called_gaze(tmp_path):
    empty(tmp_path / "gaze.mp4")
    (tmp_path / "gaze.csv").write_text(FIXATIONS + "1,0,5,5\n")
    assert [item.id for item in FOLDER.find(tmp_path).items] == ["gaze"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.mp4": ""}, "no table of gaze.*expected"),
        ({}, "no table of gaze"),
        ({"a.mp4": "", "a.jpg": "", "a.csv": FIXATIONS}, "a.jpg and a.mp4 have the same name"),
        ({"a.csv": FIXATIONS, "a.parquet": ""}, "a.csv and a.parquet have the same name"),
        ({"a b.csv": FIXATIONS, "a_b.csv": FIXATIONS}, "a b and a_b would both be item a_b"),
        ({"gaze.csv": FIXATIONS + "1,0,5,5\n"}, "no column item"),
        ({"gaze.csv": "item," + FIXATIONS + "a,1,0,5,5\n", "a.csv": FIXATIONS}, "has rows on a, and so has a.csv"),
        ({"gaze.csv": "item," + FIXATIONS + ",1,0,5,5\n"}, "line 2: item is 'empty'"),
    ],
)
def test_folders_that_do_not_tell(files, message, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=f"(?s){message}"):
        FOLDER.find(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        FOLDER.find(tmp_path / "none")


def own(tmp_path, text, stimulus=STILL):
    (tmp_path / "scene.csv").write_text(text)
    return FOLDER.read(FOLDER.find(tmp_path).items[0], "head_eye", stimulus)


def test_rows_that_say_nothing_are_counted(tmp_path):
    good = "".join(f"v,{n / 10},90,45\n" for n in range(9))
    gaze = own(tmp_path, FIXATIONS + good + ",0,1,1\nv,0,nan,1\nv,,1,1\nv,0,181,1\n,,,\n")
    assert np.rad2deg(gaze.fixations.lon_rad) == pytest.approx([90] * 9)
    assert {drop.reason: (drop.count, drop.first.rpartition(" ")[2]) for drop in gaze.drops} == {
        "no observer": (1, "11"),
        "no position (a lost sample)": (1, "12"),
        "no time": (1, "13"),
        "position outside the frame": (1, "14"),
    }


def test_another_origin_is_refused(tmp_path):
    rows = "".join(f"v,0,{lon},0\n" for lon in range(0, 360, 20))
    with pytest.raises(DataError, match=r"line 12: position 200, 0; 8 of 18 positions lie outside.*Expected lon_deg"):
        own(tmp_path, FIXATIONS + rows)
    with pytest.raises(DataError, match=r"2 of 3 positions lie outside"):
        own(tmp_path, "observer,u,v\na,.5,.5\na,500,300\na,501,300\n")


def test_units_of_time_that_are_certain_are_converted_and_said(tmp_path):
    rows = "".join(f"v,{n * 100},90,45,0.2\n" for n in range(10))
    gaze = own(tmp_path, "observer,onset_s,lon_deg,lat_deg,duration_ms\n" + rows, CLIP)
    assert gaze.fixations.onset_s == pytest.approx(np.arange(10) / 10)
    assert gaze.fixations.duration_ms == pytest.approx([200] * 10)
    assert [note.split("; ")[1] for note in gaze.notes[:2]] == ["made seconds", "made milliseconds"]
    rows = "".join(f"v,{n * 10},90,45\n" for n in range(30))
    gaze = own(tmp_path, "observer,timestamp_s,head_eye_lon_deg,head_eye_lat_deg\n" + rows, CLIP)
    assert gaze.samples[0].timestamp_s == pytest.approx(np.arange(30) / 100)


def test_gaze_on_a_longer_video_is_refused(tmp_path):
    with pytest.raises(DataError, match="3 of 4 rows lie past the end of the video"):
        own(tmp_path, FIXATIONS + "".join(f"v,{time},0,0\n" for time in (0, 700, 1400, 2100)), CLIP)


def test_rows_left_out_of_a_table_of_several_are_said(tmp_path):
    (tmp_path / "gaze.csv").write_text("item,observer,lon_deg,lat_deg\na,v,0,0\na,,0,0\nb,v,0,0\n")
    for item in FOLDER.find(tmp_path).items:
        gaze = FOLDER.read(item, "head_eye", STILL)
        assert (len(gaze.fixations), gaze.drops) == (1, ())
        assert "left out of the whole table: 1 x no observer" in gaze.notes[0]


def test_two_names_of_one_stimulus_are_refused(tmp_path):
    (tmp_path / "gaze.csv").write_text("item,observer,lon_deg,lat_deg\na/b,x,0,0\nb,x,5,5\n")
    with pytest.raises(DataError, match="several values of its column of items mean b"):
        FOLDER.find(tmp_path)


def test_a_stimulus_that_lies_there_under_another_name_is_told(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text(FIXATIONS + "v,0,0,0\n")
    empty(tmp_path / "A.jpg"), empty(tmp_path / "b.insp"), empty(tmp_path / "d.png"), empty(tmp_path / "d.xlsx")
    (tmp_path / "c").mkdir()
    found = FOLDER.find(tmp_path)
    told = "\n".join(found.missing)
    assert "the stimulus of a: no file of that name" in told
    for name in ("A.jpg", "b.insp", "c", "d.xlsx"):
        assert f"; found {name}: rename or convert it" in told
    passed = "\n".join(found.skipped)
    assert "skipped b.insp: .insp is a camera's original" in passed
    assert "skipped c: folders" in passed
    assert "skipped d.xlsx: not images or videos by their endings" in passed
