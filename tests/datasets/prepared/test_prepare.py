"""From raw files to a prepared set: the right answer, the same bytes, nothing lost, nothing half-written."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.augmentation import published_variants
from atsal.datasets.prepared.figures import draw_prepared_item
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError, DataError, OutputError
from atsal.gaze.maps import Window
from fakes.gaze import Target
from fakes.salient360_images import write_salient360_images
from fakes.salient360_videos import write_salient360_videos

IMAGES = dataset_named("salient360-images")
VIDEOS = dataset_named("salient360-videos")
COMMAND = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from atsal.cli import main; main()",
]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def images(tmp_path):
    write_salient360_images(tmp_path / "raw", items=3)
    return tmp_path / "raw"


@pytest.fixture
def video(tmp_path):
    write_salient360_videos(tmp_path / "raw", items=1)
    return tmp_path / "raw"


def small(dataset, **chosen):
    return preparation_for(dataset, **({"erp_height": 32} | chosen))


def contents(folder):
    """Name -> checksum of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_manifest_says_what_was_made_of_what(images, tmp_path):
    done = prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    assert (done.made, done.reused, done.refused) == (3, 0, {})
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["dataset"] == "salient360-images"
    assert [item["id"] for item in manifest["items"]] == ["P1", "P2", "P3"]
    assert manifest["totals"] == {"items": 3, "fixations": 72, "observers": 3, "dropped": 0}
    assert manifest["preparation"]["sigma_deg"] == IMAGES.sigma_deg["head_eye"]
    record = json.loads((tmp_path / "out" / "P1" / "item.json").read_text())
    log = images / record["logs"][0]["file"]
    assert record["logs"][0]["sha256"] == hashlib.sha256(log.read_bytes()).hexdigest()
    fixations = tmp_path / "out" / "P1" / "fixations.csv"
    written = fixations.read_bytes()
    assert record["files"]["fixations.csv"] == {"bytes": len(written), "sha256": hashlib.sha256(written).hexdigest()}


def test_a_prepared_set_is_read_back(images, tmp_path):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    opened = PreparedSet(tmp_path / "out")
    assert opened.items == ("P1", "P2", "P3")
    assert len(opened.fixations("P2")) == 24
    assert opened.picture("P1").shape == (64, 128, 3)
    assert opened.saliency_map("P1").shape == (32, 64)
    with pytest.raises(ConfigError, match="no item 'P4'"):
        opened.fixations("P4")
    with pytest.raises(ConfigError, match="no split 'official'"):
        opened.split("official", "train")
    with pytest.raises(DataError, match="no prepared data set"):
        PreparedSet(tmp_path)


@pytest.mark.parametrize(
    "chosen",
    [
        *(pytest.param(some, marks=pytest.mark.slow) for some in ({}, {"maps": "npy"})),
        {"maps": "png", "augment": "published"},
    ],
)
def test_workers_and_runs_change_no_byte(images, tmp_path, chosen):
    preparation = small(IMAGES, **chosen)
    prepare(IMAGES, images, tmp_path / "one", preparation, workers=1)
    prepare(IMAGES, images, tmp_path / "two", preparation, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    again = prepare(IMAGES, images, tmp_path / "one", preparation)
    assert (again.made, again.reused) == (0, 3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_items_can_be_made_one_after_another(images, tmp_path):
    preparation = small(IMAGES)
    prepare(IMAGES, images, tmp_path / "whole", preparation)
    for item in ("P3", "P1", "P2"):
        prepare(IMAGES, images, tmp_path / "parts", preparation, only=(item,))
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    with pytest.raises(ConfigError, match="no item P9; found P1, P2, P3"):
        prepare(IMAGES, images, tmp_path / "parts", preparation, only=("P9",))


def test_what_is_damaged_is_made_again(images, tmp_path):
    out, preparation = tmp_path / "out", small(IMAGES, maps="npy")
    prepare(IMAGES, images, out, preparation)
    before = contents(out)
    (out / "P1" / "P1.npy").unlink()
    (out / "P2" / "item.json").write_text('{"id": "P2"')
    done = prepare(IMAGES, images, out, preparation)
    assert (done.made, done.reused) == (2, 1)
    assert contents(out) == before


def test_a_longer_log_is_read_again(images, tmp_path):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    log = images / "HE/Scanpaths/L/HEscanpath_2.txt"
    with log.open("a") as file:
        file.write("0,0.5,0.5,0.0,200.0\n")
    done = prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    assert (done.made, done.reused) == (1, 2)
    assert len(PreparedSet(tmp_path / "out").fixations("P2")) == 25


def test_a_broken_item_is_refused_and_the_others_are_made(images, tmp_path):
    log = images / "HE/Scanpaths/L/HEscanpath_2.txt"
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:5], lines[5].rpartition(",")[0]]))
    done = prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    assert done.made == 2
    assert "HEscanpath_2.txt, line 6" in done.refused["P2"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert list(manifest["refused"]) == ["P2"]
    assert str(tmp_path) not in manifest["refused"]["P2"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["P1", "P3", "manifest.json", "settings.json"]
    # mended, it is made by the same call
    log.write_text("\n".join(lines) + "\n")
    again = prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    assert (again.made, again.reused, again.refused) == (1, 2, {})


def test_other_settings_do_not_mix(images, tmp_path):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    with pytest.raises(OutputError, match=r"made with other settings \(preparation.sigma_deg was 2.0, is 5"):
        prepare(IMAGES, images, tmp_path / "out", small(IMAGES, sigma_deg=5.0))
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "settings.json").write_text('{"preparation": null}')
    with pytest.raises(OutputError, match="is not a record of a prepared set"):
        prepare(IMAGES, images, tmp_path / "odd", small(IMAGES))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds thesis\.txt and is not a prepared set"):
        prepare(IMAGES, images, tmp_path / "mine", small(IMAGES))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "mine"


def test_what_a_set_does_not_have_is_refused():
    with pytest.raises(ConfigError, match="no eye direction; it has head_eye and head"):
        preparation_for(IMAGES, direction="eye")
    with pytest.raises(ConfigError, match="of 360° images only"):
        preparation_for(VIDEOS, augment="published")
    with pytest.raises(ConfigError, match="unknown data set 'vr-eyetraking'; did you mean 'vr-eyetracking'"):
        dataset_named("vr-eyetraking")


def test_events_that_need_samples_are_refused():
    with pytest.raises(ConfigError, match="comes without samples; choose fixations"):
        preparation_for(IMAGES, events="ivt")


def test_the_published_variants_move_all_together(images, tmp_path):
    preparation = small(IMAGES, augment="published", maps="npy", sigma_deg=15.0)
    prepare(IMAGES, images, tmp_path / "out", preparation, only=("P1",))
    opened = PreparedSet(tmp_path / "out")
    assert len(opened.items) == 20 == len(published_variants())
    for item in opened.items:
        record = opened.record(item)
        counted = opened.saliency_map(item)  # of the moved fixations
        stored = np.load(tmp_path / "out" / item / f"{item}.npy")
        stretched = "stretch" in record["variant"]
        np.testing.assert_allclose(stored, counted, atol=(0.05 if stretched else 1e-5) * counted.max())
        assert opened.picture(item).shape == (32, 64, 3)
        assert record["variant_of"] == "P1"


def test_videos_by_frame_by_window_and_whole(video, tmp_path):
    shapes = {}
    for window in ("frame", "200ms", "clip"):
        out = tmp_path / window
        prepare(VIDEOS, video, out, small(VIDEOS, maps="npy", window=window))
        item = PreparedSet(out).items[0]
        name = f"{item}.npy" if window == "clip" else "saliency.npy"
        shapes[window] = np.load(out / item / name, mmap_mode="r").shape
    frames = PreparedSet(tmp_path / "clip").stimulus(item).frames
    rate = PreparedSet(tmp_path / "clip").stimulus(item).frames_per_s
    assert shapes["frame"] == (frames, 32, 64)
    assert shapes["200ms"] == (-(-frames // round(rate * 0.2)), 32, 64)
    assert shapes["clip"] == (32, 64)


def test_extracted_frames_are_those_of_the_video(video, tmp_path):
    prepare(VIDEOS, video, tmp_path / "out", small(VIDEOS, frames="extract"))
    prepare(VIDEOS, video, tmp_path / "referenced", small(VIDEOS))
    extracted, referenced = PreparedSet(tmp_path / "out"), PreparedSet(tmp_path / "referenced")
    item = extracted.items[0]
    last = extracted.stimulus(item).frames - 1
    for index in (0, last):
        stored = extracted.picture(item, index).astype(float)
        direct = referenced.picture(item, index).reshape(32, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(stored - direct).mean() < 6
    with pytest.raises(DataError, match="no frame"):
        referenced.picture(item, last + 1)


def test_a_moved_source_is_named(video, tmp_path):
    prepare(VIDEOS, video, tmp_path / "out", small(VIDEOS))
    video.rename(tmp_path / "elsewhere")
    opened = PreparedSet(tmp_path / "out")
    with pytest.raises(DataError, match="not there any more"):
        opened.picture(opened.items[0])
    assert PreparedSet(tmp_path / "out", tmp_path / "elsewhere").picture(opened.items[0]).shape[2] == 3


def test_an_output_that_cannot_be_written_is_an_error(images, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((OutputError, ConfigError)):
        prepare(IMAGES, images, tmp_path / "file" / "out", small(IMAGES))


def test_an_edited_log_of_the_same_length_is_read_again(images, tmp_path):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    log = images / "HE/Scanpaths/L/HEscanpath_2.txt"
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:-1], lines[-1].replace("e-01", "e-02")]) + "\n")
    (tmp_path / "out/P3/fixations.csv").write_text("observer,lon_deg,lat_deg\na,0,0\n")
    done = prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    assert (done.made, done.reused) == (2, 1)


def test_a_set_can_be_finished_after_its_source_was_moved(images, tmp_path):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES), only=("P1", "P2"))
    images.rename(tmp_path / "moved")
    done = prepare(IMAGES, tmp_path / "moved", tmp_path / "out", small(IMAGES))
    assert (done.made, done.reused) == (1, 2)
    assert PreparedSet(tmp_path / "out").picture("P1").shape[2] == 3


def test_a_cut_map_is_made_again(images, tmp_path):
    out, preparation = tmp_path / "out", small(IMAGES, maps="npy")
    prepare(IMAGES, images, out, preparation)
    with (out / "P1" / "P1.npy").open("r+b") as file:
        file.truncate(200)
    assert prepare(IMAGES, images, out, preparation).made == 1


def test_the_manifest_does_not_depend_on_the_order_of_runs(images, tmp_path):
    out, preparation = tmp_path / "out", small(IMAGES)
    prepare(IMAGES, images, out, preparation)
    log = images / "HE/Scanpaths/L/HEscanpath_2.txt"
    log.write_text("Idx, longitude, latitude, start timestamp, duration\n0, 0.5\n")
    assert "P2" in prepare(IMAGES, images, out, preparation).refused
    assert not (out / "P2").exists(), "what was made of other files is not kept"
    prepare(IMAGES, images, out, preparation, only=("P1", "P1"))
    manifest = json.loads((out / "manifest.json").read_text())
    assert [item["id"] for item in manifest["items"]] == ["P1", "P3"]
    assert "HEscanpath_2.txt, line 2" in manifest["refused"]["P2"]
    for path in images.rglob("*_3*"):
        path.unlink()
    assert any("P3: made by an earlier run" in text for text in prepare(IMAGES, images, out, preparation).warnings)


def test_leftovers_of_a_killed_run_are_taken_away(images, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".settings.json.0123abcd.atsal-part").write_text("")
    prepare(IMAGES, images, out, small(IMAGES))
    (out / ".P1.0123abcd.atsal-part").mkdir()
    (out / ".P1.0123abcd.atsal-part" / "fixations.csv").write_text("half")
    (out / ".manifest.json.0123abcd.atsal-part").write_text("half")
    prepare(IMAGES, images, out, small(IMAGES))
    assert not list(out.glob(".*"))


def test_names_that_are_taken_are_refused(tmp_path):
    folder = dataset_named("folder")
    for name in ("manifest.json", "Cat", "cat"):
        (tmp_path / f"{name}.csv").write_text("observer,lon_deg,lat_deg\na,0,0\n")
    with pytest.raises(DataError, match=r"items Cat, cat, manifest.json: names of other files, or equal but"):
        prepare(folder, tmp_path, tmp_path / "out", small(folder))


def test_images_need_no_picture_for_their_maps(images, tmp_path):
    shutil.rmtree(images / "Stimuli")
    done = prepare(IMAGES, images, tmp_path / "out", small(IMAGES, maps="npy"))
    assert done.refused == {}
    assert PreparedSet(tmp_path / "out").windows("P1") is None


def test_what_begins_early_or_late_and_what_is_lost(tmp_path):
    """Samples each 0.5 s for 5 s on a video of 3 s whose first 2 s are left out: 2.0 and 2.5 s stay."""
    dataset = dataset_named("avtrack360")
    Target(1).write_video(tmp_path / "raw" / "1.mp4", seconds=3)
    rows = [{"sec": 0.5 * n, "pitch": 0, "yaw": 10, "roll": 0} for n in range(10)]
    clip = {"filename": "1.mp4", "pitch_yaw_roll_data_hmd": rows}
    (tmp_path / "raw" / "Head_rotation").mkdir()
    (tmp_path / "raw" / "Head_rotation" / "2.json").write_text(json.dumps({"label": "2", "data": [clip]}))
    prepare(dataset, tmp_path / "raw", tmp_path / "out", small(dataset))
    opened = PreparedSet(tmp_path / "out")
    assert opened.fixations("1").onset_s.tolist() == [2.0, 2.5]
    assert opened.fixations("1").first_frame.tolist() == [20, 25]
    assert sorted(drop["count"] for drop in opened.record("1")["drops"]) == [4, 4]
    assert opened.manifest["totals"]["dropped"] == 8
    assert opened.window_at("1", 20) == Window(20, 20)
    assert opened.saliency_map("1", opened.window_at("1", 20)).any()
    assert not opened.saliency_map("1", opened.window_at("1", 19)).any()
    assert (draw_prepared_item(opened, "1", frame_index=19) != draw_prepared_item(opened, "1", frame_index=20)).any()


def test_frames_of_a_video_of_uneven_rate(tmp_path):
    """30 frames at 30 a second, then 10 at 10 a second: the gaze at 1.55 s belongs to frame 35, not to 31."""
    folder = dataset_named("folder")
    (tmp_path / "raw").mkdir()
    times = [n / 30 for n in range(30)] + [1 + n / 10 for n in range(10)]
    write_uneven(tmp_path / "raw" / "clip.mp4", times)
    table = "observer,onset_s,duration_ms,lon_deg,lat_deg\na,0.5,10,0,0\na,1.55,10,0,0\na,1.85,200,0,0\na,2.5,10,0,0\n"
    (tmp_path / "raw" / "clip.csv").write_text(table)
    done = prepare(folder, tmp_path / "raw", tmp_path / "out", small(folder))
    assert done.refused == {}
    opened = PreparedSet(tmp_path / "out")
    assert opened.fixations("clip").first_frame.tolist() == [15, 35, 38]
    assert opened.fixations("clip").last_frame.tolist() == [15, 35, 39]
    assert opened.stimulus("clip").frames == 40
    for index in (15, 35, 39):  # the picture of a frame tells its number
        assert abs(int(opened.picture("clip", index).mean()) - 5 * index) <= 3


def write_uneven(path, times_s):
    """Frame n is grey of level 5 n."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 600)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(np.full((32, 64, 3), 5 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time_s * 600), Fraction(1, 600)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": 3},
        {"source": None},
        {"items": None},
        {"items": ["P1"]},
        {"items": [{"id": "../P1"}]},
        {"splits": None},
        {"statistics": "none"},
        {"dataset": "unheard-of"},
        {"preparation": {"sigma": 3}},
    ],
)
def test_a_damaged_manifest_is_an_error_that_names_it(images, tmp_path, change):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises((DataError, ConfigError)):
        PreparedSet(tmp_path / "out")


@pytest.mark.parametrize(
    "change", [{"files": None}, {"stimulus": "P1.jpg"}, {"stimulus": {}}, {"logs": ["x"]}, {"drops": [1]}]
)
def test_a_damaged_record_is_made_again(images, tmp_path, change):
    prepare(IMAGES, images, tmp_path / "out", small(IMAGES))
    before = contents(tmp_path / "out")
    path = tmp_path / "out" / "P1" / "item.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert prepare(IMAGES, images, tmp_path / "out", small(IMAGES)).made == 1
    assert contents(tmp_path / "out") == before


def test_gaze_without_times_has_no_maps_of_frames(tmp_path):
    folder = dataset_named("folder")
    Target(0).write_video(tmp_path / "raw" / "clip.mp4")
    (tmp_path / "raw" / "clip.csv").write_text("observer,lon_deg,lat_deg\na,0,0\nb,5,5\n")
    done = prepare(folder, tmp_path / "raw", tmp_path / "out", small(folder))
    assert "neither times nor frames" in done.refused["clip"]
    done = prepare(folder, tmp_path / "raw", tmp_path / "whole", small(folder, window="clip"))
    assert done.refused == {}


def test_a_video_that_breaks_off_is_refused(tmp_path):
    """Its index comes first and promises all frames; the pictures end half way."""
    folder = dataset_named("folder")
    Target(0).write_video(tmp_path / "raw" / "clip.mp4", seconds=4)
    whole = tmp_path / "raw" / "clip.mp4"
    with (
        av.open(str(whole)) as source,
        av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    whole.write_bytes((tmp_path / "fast.mp4").read_bytes()[: (tmp_path / "fast.mp4").stat().st_size * 6 // 10])
    rows = "".join(f"a,{0.1 * n:.1f},100,0,0\n" for n in range(40))
    (tmp_path / "raw" / "clip.csv").write_text("observer,onset_s,duration_ms,lon_deg,lat_deg\n" + rows)
    done = prepare(folder, tmp_path / "raw", tmp_path / "out", small(folder))
    assert "clip.mp4: breaks after" in done.refused["clip"]


def test_variants_need_a_height_that_turns_take_whole():
    with pytest.raises(ConfigError, match="30 rows: turns by an eighth need a multiple of 4"):
        small(IMAGES, erp_height=30, augment="published")


def test_fixations_of_a_set_of_samples_are_refused_at_once():
    with pytest.raises(ConfigError, match="comes without fixations of head_eye; choose samples, ivt or idt"):
        preparation_for(dataset_named("vr-eyetracking"), events="fixations")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are those of Unix")
def test_a_full_disk_is_an_error_like_any_other(images, tmp_path):
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); from atsal.cli import main; main()"
    )
    words = ["prepare", "salient360-images", images, tmp_path / "out", "--maps", "npy", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "cannot be written: the file exceeds the size limit" in done.stderr
    assert not list((tmp_path / "out").glob("*P1*"))


def start(*words):
    return subprocess.Popen([*COMMAND, *map(str, words)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the lock is Unix's")
def test_workers_end_with_the_main_process_and_two_runs_do_not_mix(tmp_path):
    write_salient360_images(tmp_path / "raw", items=8)
    words = ["prepare", "salient360-images", tmp_path / "raw", tmp_path / "out", "--augment", "published"]
    words += ["--maps", "npy", "--size", "1024x512", "--workers", 2]
    with start(*words) as running:
        wait_until(lambda: list((tmp_path / "out").glob("P*")))
        with start(*words) as second:
            assert "another run is writing to it" in second.communicate()[1]
        workers = children(running.pid)
        assert len(workers) >= 2
        running.kill()
        running.communicate()
        wait_until(lambda: not any(alive(pid) for pid in workers))


def children(pid):
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow  # a kill is tested next, and Ctrl-C in `tests/end_to_end`
def test_ctrl_c_ends_at_once_and_leaves_whole_items(tmp_path):
    write_salient360_images(tmp_path / "raw", items=8)
    words = ["prepare", "salient360-images", tmp_path / "raw", tmp_path / "out", "--augment", "published"]
    with start(*words, "--maps", "npy", "--size", "512x256", "--workers", 2) as running:
        wait_until(lambda: len(list((tmp_path / "out").glob("P*"))) > 5)
        running.send_signal(signal.SIGINT)
        told = running.communicate()[1]
    assert running.returncode == 130
    assert "Traceback" not in told
    assert "stopped" in told
    assert not list((tmp_path / "out").glob(".*"))


def test_killed_and_run_again_gives_the_same_bytes(tmp_path):
    write_salient360_images(tmp_path / "raw", items=6)
    command = [*COMMAND, "prepare", "salient360-images"]
    options = ["--maps", "npy", "--size", "256x128", "--augment", "published", "--workers", "2"]
    running = subprocess.Popen(
        [*command, tmp_path / "raw", tmp_path / "killed", *options], env=ENVIRONMENT, start_new_session=True
    )
    wait_until(lambda: len(list((tmp_path / "killed").glob("P*"))) > 25)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "killed" / "manifest.json").exists()
    for name in ("killed", "whole"):
        words = [*command[len(COMMAND) :], tmp_path / "raw", tmp_path / name, *options[:-1], "1"]
        assert CliRunner().invoke(main, [str(word) for word in words]).exit_code == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert not list((tmp_path / "killed").glob(".*"))


def test_files_of_others_in_an_item_are_never_removed(images, tmp_path):
    out = tmp_path / "out"
    prepare(IMAGES, images, out, small(IMAGES))
    (out / "P1" / "notes.txt").write_text("mine")
    log = images / "HE/Scanpaths/L/HEscanpath_1.txt"
    log.write_text(log.read_text() + "\n")
    found = prepare(IMAGES, images, out, small(IMAGES))
    assert "holds notes.txt, which `atsal prepare` did not write" in found.refused["P1"]
    assert (out / "P1" / "notes.txt").read_text() == "mine"


def test_items_that_are_removed_meanwhile_are_no_success(images, tmp_path):
    out = tmp_path / "out"

    def removed(item, _why):
        shutil.rmtree(out / item)

    with pytest.raises(OutputError, match=r"P1/item\.json.* are missing"):
        prepare(IMAGES, images, out, small(IMAGES), report=removed)
    assert not (out / "manifest.json").exists()
    assert prepare(IMAGES, images, out, small(IMAGES)).made > 0


def test_a_second_process_may_not_prepare_into_the_same_folder(images, tmp_path):
    def second(_item, _why):
        with pytest.raises(OutputError, match="another run is writing to it"):
            prepare(IMAGES, images, tmp_path / "out", small(IMAGES))

    prepare(IMAGES, images, tmp_path / "out", small(IMAGES), report=second)
