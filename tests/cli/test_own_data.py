"""Own data from the raw logs to scores, by commands alone."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.datasets.prepared import PreparedSet
from fakes.gaze import Target

STILLS = ("harbour", "market", "station")
COLUMNS = "observer=subj,clock_ms=stamp,yaw_left_deg=yaw,pitch_down_deg=pit,valid=ok"
FIRST_MS = 1_700_000_000_000


def atsal(*words, status=0):
    found = CliRunner().invoke(main, [str(word) for word in words], prog_name="atsal")
    assert found.exit_code == status, found.output
    return found.output


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Three stills and a clip; logs of 60 Hz, yaw + left from 0 to 360, pitch + down, a clock, lost samples."""
    folder, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for number, name in enumerate((*STILLS, "clip")):
        target = Target(number)
        if name == "clip":
            target.write_video(folder / "clip.mp4", seconds=1, fps=10)
        else:
            target.write_image(folder / f"{name}.png")
        lines = ["subj;stamp;yaw;pit;ok"]
        for viewer in range(3):
            for k in range(60):
                lon, lat = np.rad2deg(target.lonlat(k / 60 if name == "clip" else 0)) + rng.normal(0, 0.05, 2)
                place = ";;0" if k % 10 == 9 else f"{-lon % 360:.3f};{-lat:.3f};1"
                lines.append(f"v{viewer};{FIRST_MS + 10_000 * viewer + k * 1000 / 60:.3f};{place}")
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "own"
    atsal("prepare", "folder", raw, folder, "--columns", COLUMNS, "--events", "ivt", "--workers", 1)
    return folder


def test_declared_columns_give_gaze_at_the_right_place(prepared, raw):
    own = PreparedSet(prepared)
    assert own.items == ("clip", "harbour", "market", "station")
    for number, name in enumerate(STILLS):
        fixations = own.fixations(name)
        lon, lat = Target(number).lonlat(0)
        assert np.rad2deg(fixations.lon_rad) == pytest.approx(np.full(3, np.rad2deg(lon)), abs=0.1)
        assert np.rad2deg(fixations.lat_rad) == pytest.approx(np.full(3, np.rad2deg(lat)), abs=0.1)
        assert fixations.onset_s.tolist() == [0, 0, 0]
    assert own.manifest["preparation"]["columns"]["yaw_left_deg"] == "yaw", "the manifest says how logs were read"
    assert own.statistics().lost_share == pytest.approx(0.1)


def test_a_file_beside_the_data_declares_the_same(raw, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for file in raw.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "columns.yaml").write_text(COLUMNS.replace("=", ": ").replace(",", "\n"))
    told = atsal("prepare", "folder", folder, tmp_path / "out", "--events", "ivt", "--item", "market", "--workers", 1)
    assert "lost: 10.0% of the samples have no position" in told
    assert "skipped" not in told
    assert PreparedSet(tmp_path / "out").items == ("market",)


def test_samples_need_events_and_the_same_command_with_them_works(raw, tmp_path):
    words = ("prepare", "folder", raw, tmp_path / "out", "--columns", COLUMNS, "--workers", 1)
    assert "give --events ivt" in atsal(*words, status=1)
    assert not (tmp_path / "out").exists()
    assert "4 items made" in atsal(*words, "--events", "ivt")


def test_a_prepared_set_without_items_can_be_prepared_anew(raw, tmp_path):
    words = ("prepare", "folder", raw, tmp_path / "out", "--events", "ivt", "--workers", 1)
    wrong = COLUMNS.replace("clock_ms", "timestamp_ms")
    told = atsal(*words, "--columns", wrong, "--item", "clip", status=1)
    assert "declare clock_ms in place of timestamp_ms" in told
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["refused"]
    assert "4 items made" in atsal(*words, "--columns", COLUMNS)
    assert PreparedSet(tmp_path / "out").manifest["refused"] == {}


def test_logs_of_viewers_that_name_the_stimuli(raw, tmp_path):
    for viewer in ("ann", "bob"):
        rows = [f"{name}.png,{k},{960 + 100 * n},480" for n, name in enumerate(STILLS) for k in (1, 2)]
        (tmp_path / f"{viewer}.csv").write_text("picture,n,px,py\n" + "\n".join([*rows, ",1,960,480"]))
    for name in STILLS:
        (tmp_path / f"{name}.png").symlink_to(raw / f"{name}.png")
    (tmp_path / "README.txt").write_text("the pixels are those of the headset\n")
    fields = "item=picture,frame_number=n,x_px=px,y_px=py,width_px=1920,height_px=960"
    atsal("prepare", "folder", tmp_path, tmp_path / "out", "--columns", fields, "--events", "samples", "--workers", 1)
    own = PreparedSet(tmp_path / "out")
    assert own.items == STILLS
    assert own.fixations("market").observers == ["ann", "bob"]
    assert "ann.csv: 1 row without an item" in own.record("market")["notes"]
    assert np.rad2deg(own.fixations("market").lon_rad) == pytest.approx(np.full(4, 100 / 1920 * 360))


def test_pixels_of_a_photo_are_those_of_its_file(raw, tmp_path):
    (tmp_path / "market.png").symlink_to(raw / "market.png")  # 128x64
    (tmp_path / "market.tsv").write_text("who\tx\ty\na\t32\t16\nb\t64\t48\n")
    atsal("prepare", "photo-folder", tmp_path, tmp_path / "out", "--columns", "observer=who,x_px=x,y_up_px=y")
    found = PreparedSet(tmp_path / "out").fixations("market")
    assert (found.u.tolist(), found.v.tolist()) == ([0.25, 0.5], [0.75, 0.25])


def test_a_split_is_stored_said_and_scored(raw, tmp_path):
    words = ("prepare", "folder", raw, tmp_path / "out", "--columns", COLUMNS, "--events", "samples", "--workers", 1)
    atsal(*words, "--maps", "png", "--size", "64x32")
    told = atsal(*words, "--maps", "png", "--size", "64x32", "--split", "train=0.5,test=rest", "--split-seed", 7)
    assert "0 items made, 4 made before" in told
    assert "split own: train 2 items, test 2 items; drawn with seed 7" in told
    atsal(*words, "--maps", "png", "--size", "64x32")
    own = PreparedSet(tmp_path / "out")
    assert own.choose("test") == own.choose("own.test") == own.split("own", "test"), "kept by later runs"
    assert own.manifest["own_split"] == {"rules": ["train=0.5,test=rest"], "seed": 7}
    assert not set(own.choose("train")) & set(own.choose("test"))

    # the measured maps are scored as if they were predicted: those of stills have the names of the items
    (tmp_path / "stills.txt").write_text("\n".join(f"{name}.png" for name in STILLS))
    scores = ("evaluate", tmp_path / "out", tmp_path / "out", "--workers", 1)
    told = atsal(*scores, "--split", tmp_path / "stills.txt", "-o", tmp_path / "scores")
    assert "3" in told
    scored = json.loads((tmp_path / "scores" / "result.json").read_text())["datasets"][0]
    assert scored["protocol"]["items"] == list(STILLS)
    assert scored["protocol"]["events"] == "samples"
    by_pattern = atsal(*scores, "--split", tmp_path / "stills.txt", "--pattern", "{item}/{item}.png")
    assert "out" in by_pattern
    told = atsal(*scores, "--split", tmp_path / "stills.txt", "--pattern", "{item}_sal.png", status=1)
    assert "3 of 3 items cannot be scored" in " ".join(told.split())


def test_a_benchmark_scores_a_part_and_maps_by_pattern(prepared, raw, tmp_path):
    atsal("prepare", "folder", raw, prepared, "--columns", COLUMNS, "--events", "ivt", "--split", "test=harbour,market")
    (tmp_path / "peers").mkdir()
    for name in STILLS[:2]:
        np.save(tmp_path / "peers" / f"{name}_saliency.npy", np.ones((32, 64)))
    (tmp_path / "benchmark.yaml").write_text(
        f"title: own\ndatasets: [{{prepared: {prepared}, protocol: folder-images, split: test}}]\n"
        'predictors: [{maps: peers, pattern: "{item}_saliency.npy"}]\n'
    )
    atsal("benchmark", tmp_path / "benchmark.yaml", "-o", tmp_path / "out", "--workers", 1)
    (scored,) = json.loads((tmp_path / "out" / "result.json").read_text())["datasets"]
    assert (scored["protocol"]["split"], scored["protocol"]["part"]) == ("own", "test")
    assert [item["item"] for item in scored["runs"][0]["items"]] == ["harbour", "market"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("folder", "--columns", "observer=subj,yaw=yaw,pitch_deg=pit"), "unknown field 'yaw'; did you mean 'yaw_deg'"),
        (("avtrack360", "--columns", COLUMNS), "its logs have a format of their own"),
        (("photo-folder", "--columns", COLUMNS), "no fixations are detected on flat photos"),
    ],
)
def test_columns_that_cannot_be(raw, tmp_path, words, message):
    name, *rest = words
    assert message in atsal("prepare", name, raw, tmp_path / "out", *rest, status=1)
    assert not (tmp_path / "out").exists()


def test_refused_tables_with_columns_of_their_own_lead_to_the_option(raw, tmp_path):
    assert "--columns FIELD=COLUMN" in atsal("prepare", "folder", raw, tmp_path / "out", "--workers", 1, status=1)
