import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from atsal.errors import MediaError, OutputError
from atsal.prediction import run_record
from atsal.prediction.job import predict_source
from atsal.prediction.options import Options, ReadOptions
from atsal.prediction.outputs import find_clashes
from atsal.prediction.overlay import Overlay
from atsal.prediction.sources import Source, SourceFiles
from atsal.prediction.streams import STREAMS
from atsal.video import image_writer

NPY = Options(formats=("npy",))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def tree(folder):
    """All files by name, hidden ones too; manifests without their times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            document = json.loads(path.read_text())
            document.pop("timing", None)  # only manifests have it
            found[path.relative_to(folder).as_posix()] = document
        elif path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def stop_after(count):
    def progress(done):
        if done == count:
            raise KeyboardInterrupt

    return progress


def test_an_image_gives_a_map_of_its_name(predictor, still, out):
    path = still("x.jpg")
    outcome = predict_source(predictor, Source(path, "image"), out, NPY)
    assert (outcome.frames, outcome.skipped, outcome.problem) == (1, False, None)
    assert sorted(tree(out)) == ["x.json", "x.npy"]
    from atsal.video.image_reader import read_image

    np.testing.assert_array_equal(np.load(out / "x.npy"), predictor.predict_image(read_image(path)))


def test_a_video_gives_the_maps_of_predict_video(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, Options(streams=STREAMS, formats=("npy",)))
    for result in predictor.predict_video(clip):
        for stream in STREAMS:
            folder = "walk" if stream == "fused" else f"walk.{stream}"
            found = np.load(out / folder / f"{result.frame_index:06d}.npy")
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, result.map(stream))


def test_the_manifest_tells_what_was_done(predictor, clip, out):
    options = Options(formats=("npy", "video"), reading=ReadOptions(stride=3, start_s=0.2), height=40)
    outcome = predict_source(predictor, Source(clip, "video"), out, options)
    found = json.loads(outcome.manifest.read_text())
    assert outcome.manifest == out / "walk.json"
    assert found["settings"]["source"]["path"] == str(clip)
    assert found["settings"]["source"]["bytes"] == clip.stat().st_size
    assert found["settings"]["model"]["sha256"] == predictor.bundle.checksum
    assert found["settings"]["model"]["config"] == json.loads(json.dumps(predictor.config.to_dict()))
    assert found["settings"]["options"]["reading"]["stride"] == 3
    assert found["settings"]["options"]["height"] == 40
    peaks = [{"fused": float(np.load(out / name).max())} for name in ("walk/000002.npy", "walk/000005.npy")]
    assert found["frames"] == [
        {"index": 2, "timestamp_s": 0.25, "files": ["walk/000002.npy"], "peaks": peaks[0]},
        {"index": 5, "timestamp_s": 0.625, "files": ["walk/000005.npy"], "peaks": peaks[1]},
    ]
    assert found["timing"]["frames"] == 2
    assert found["timing"]["frames_per_s"] == pytest.approx(2 / found["timing"]["seconds"], rel=0.05)
    assert found["problem"] is None


def test_the_second_time_nothing_is_done(predictor, clip, out, monkeypatch):
    predict_source(predictor, Source(clip, "video"), out, NPY)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    monkeypatch.setattr(predictor, "run", None)
    outcome = predict_source(predictor, Source(clip, "video"), out, NPY)
    assert (outcome.skipped, outcome.frames) == (True, 8)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.parametrize("formats", [("npy",), ("video",)])
def test_a_result_that_was_removed_is_made_again(predictor, clip, out, formats):
    options = Options(formats=formats)
    predict_source(predictor, Source(clip, "video"), out, options)
    before = tree(out)
    gone = next(path for path in sorted(out.rglob("*")) if path.suffix in (".npy", ".mp4"))
    gone.unlink()
    assert not predict_source(predictor, Source(clip, "video"), out, options).skipped
    assert sorted(tree(out)) == sorted(before)


@pytest.mark.parametrize("count", [1, 5, 8])
def test_a_stopped_run_goes_on_to_the_same_maps(predictor, clip, out, tmp_path, count):
    options = Options(streams=STREAMS, formats=("npy", "png16"))
    predict_source(predictor, Source(clip, "video"), tmp_path / "whole", options)
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(clip, "video"), out, options, stop_after(count))
    assert not (out / "walk.json").exists()
    seen = []
    outcome = predict_source(predictor, Source(clip, "video"), out, options, seen.append)
    kept = count - count % predictor.session.frames
    assert (outcome.frames, seen) == (8, list(range(kept + 1, 9)))
    assert tree(out) == tree(tmp_path / "whole")


def test_a_killed_run_goes_on_to_the_same_maps(predictor, clip, out, tmp_path):
    predict_source(predictor, Source(clip, "video"), tmp_path / "whole", NPY)
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(clip, "video"), out, NPY, stop_after(3))
    journal = (out / ".walk.progress").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(clip, "video"), out, NPY, stop_after(6))
    (out / ".walk.progress").write_bytes(journal)  # as a kill leaves it: three frames behind the files
    (out / "walk" / ".000006.npy.0123abcd.atsal-part").write_bytes(b"half")
    assert predict_source(predictor, Source(clip, "video"), out, NPY).frames == 8
    assert tree(out) == tree(tmp_path / "whole")


def test_snapshots_are_taken_on_the_way(predictor, clip, out, monkeypatch):
    monkeypatch.setattr(run_record, "SAVE_EVERY_S", 0.0)
    kept = []

    def look(_done):
        kept.append(run_record.Journal(out / ".walk.progress", {}).read())

    predict_source(predictor, Source(clip, "video"), out, NPY, look)
    assert [len(found.frames) for found in kept] == [0, 0, 0, 4, 4, 4, 4, 8]  # whole groups
    assert not (out / ".walk.progress").exists()


def test_a_stopped_video_is_made_anew(predictor, clip, out, tmp_path):
    options = Options(formats=("npy", "overlay"))
    predict_source(predictor, Source(clip, "video"), tmp_path / "whole", options)
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(clip, "video"), out, options, stop_after(5))
    assert not list(out.glob("*.mp4"))
    assert predict_source(predictor, Source(clip, "video"), out, options).frames == 8
    assert sorted(tree(out)) == sorted(tree(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (Options(formats=("npy",), height=20), "size"),
        (Options(formats=("png",)), "format"),
        (Options(formats=("npy",), streams=("experts",)), "stream"),
        (Options(formats=("npy",), reading=ReadOptions(stride=2)), "stride"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_changed_settings_are_refused_and_change_nothing(predictor, clip, out, changed, word, finished):
    if finished:
        predict_source(predictor, Source(clip, "video"), out, NPY)
    else:
        with pytest.raises(KeyboardInterrupt):
            predict_source(predictor, Source(clip, "video"), out, NPY, stop_after(4))
    before = tree(out)
    with pytest.raises(OutputError, match=f"made with another {word};.*--overwrite"):
        predict_source(predictor, Source(clip, "video"), out, changed)
    assert tree(out) == before


@pytest.mark.parametrize(
    ("look", "word"),
    [(Overlay("grey"), "colormap"), (Overlay(opacity=0.5), "opacity"), (Overlay(legend=True), "legend")],
)
def test_another_look_is_refused(predictor, still, out, look, word):
    item = Source(still("x.png"), "image")
    predict_source(predictor, item, out, Options())
    with pytest.raises(OutputError, match=f"made with another {word};.*--overwrite"):
        predict_source(predictor, item, out, Options(overlay=look))
    predict_source(predictor, item, out, Options(overlay=look, overwrite=True))
    recorded = json.loads((out / "x.json").read_text())["settings"]["options"]["overlay"]
    assert recorded == dataclasses.asdict(look)
    assert predict_source(predictor, item, out, Options(overlay=look)).skipped


def test_overlays_of_an_earlier_version_have_its_colours(predictor, still, out):
    item, maps = Source(still("x.png"), "image"), Source(still("y.png"), "image")
    predict_source(predictor, item, out, Options())
    predict_source(predictor, maps, out, NPY)
    for name in ("x", "y"):  # that version recorded no look
        record = json.loads((out / f"{name}.json").read_text())
        del record["settings"]["options"]["overlay"], record["settings"]["options"]["reading"]["max_frames"]
        (out / f"{name}.json").write_text(json.dumps(record))
    assert predict_source(predictor, item, out, Options(overlay=Overlay("inferno"))).skipped
    assert predict_source(predictor, maps, out, NPY).skipped
    with pytest.raises(OutputError, match="made with another colormap;"):
        predict_source(predictor, item, out, Options())


def test_one_frame_of_a_video_gives_the_files_of_an_image(predictor, clip, out):
    one = ReadOptions(start_s=0.45, max_frames=1)
    options = Options(streams=("fused", "experts"), formats=("npy", "overlay"), reading=one)
    assert predict_source(predictor, Source(clip, "video"), out, options).frames == 1
    names = ["walk.experts.npy", "walk.experts.overlay.png", "walk.json", "walk.npy", "walk.overlay.png"]
    assert sorted(tree(out)) == names
    (result,) = predictor.predict_video(clip, start_s=0.45, duration_s=0.125)
    assert result.timestamp_s == 0.5
    difference = np.abs(np.load(out / "walk.npy") - result.saliency)  # it is read at its own size, for the overlay
    assert difference.mean() < 0.05 * result.saliency.mean()
    with Image.open(out / "walk.overlay.png") as image:
        assert image.size == (128, 64)
    whole = Options(formats=("npy",), overwrite=True)
    predict_source(predictor, Source(clip, "video"), out, whole)
    assert not list(out.glob("*.png")) + list(out.glob("*.npy")), "the files of the still are replaced"
    predict_source(predictor, Source(clip, "video"), out, Options(formats=("npy",), reading=one, overwrite=True))
    assert sorted(tree(out)) == ["walk.json", "walk.npy"]


def test_another_source_of_the_same_name_is_refused(predictor, still, out):
    path = still("x.png")
    predict_source(predictor, Source(path, "image"), out, NPY)
    Image.new("RGB", (128, 64), "red").save(path)
    with pytest.raises(OutputError, match="another source"):
        predict_source(predictor, Source(path, "image"), out, NPY)


def test_a_source_that_moved_is_the_same(predictor, clip, out, tmp_path):
    predict_source(predictor, Source(clip, "video"), out, NPY)
    moved = clip.rename(tmp_path / "walk.mp4")
    assert predict_source(predictor, Source(moved, "video"), out, NPY).skipped


@pytest.mark.parametrize("finished", [True, False])
def test_overwriting_leaves_nothing_stale(predictor, clip, out, tmp_path, finished):
    first = Options(streams=STREAMS, formats=("npy", "png"))
    second = Options(formats=("npy",), reading=ReadOptions(stride=3), overwrite=True)
    if finished:
        predict_source(predictor, Source(clip, "video"), out, first)
    else:
        with pytest.raises(KeyboardInterrupt):
            predict_source(predictor, Source(clip, "video"), out, first, stop_after(6))
    predict_source(predictor, Source(clip, "video"), out, second)
    predict_source(predictor, Source(clip, "video"), tmp_path / "fresh", second)
    assert tree(out) == tree(tmp_path / "fresh")


def test_overwriting_removes_videos_of_other_streams(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, Options(streams=STREAMS, formats=("video", "overlay")))
    predict_source(predictor, Source(clip, "video"), out, Options(formats=("video",), overwrite=True))
    assert sorted(tree(out)) == ["walk.json", "walk.mp4"]


def test_overwriting_spares_what_is_not_its_own(predictor, clip, out):
    (out / "walk").mkdir(parents=True)
    for name in ("walk.png", "walk.npy", "walk/notes.txt", "walk/000003.png", "walk/cover.npy"):
        (out / name).write_text("mine")
    options = Options(formats=("npy",), overwrite=True)
    predict_source(predictor, Source(clip, "video"), out, options)
    predict_source(predictor, Source(clip, "video"), out, options)
    for name in ("walk.png", "walk.npy", "walk/notes.txt", "walk/000003.png", "walk/cover.npy"):
        assert (out / name).read_text() == "mine"


def test_overwriting_with_a_broken_source_keeps_the_old_results(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, NPY)
    before = tree(out)
    clip.write_bytes(b"\0" * 100)
    with pytest.raises(MediaError):
        predict_source(predictor, Source(clip, "video"), out, Options(formats=("npy",), overwrite=True))
    assert tree(out) == before


def test_overwriting_goes_on_with_what_it_had_begun(predictor, clip, out):
    options = Options(formats=("npy",), overwrite=True)
    predict_source(predictor, Source(clip, "video"), out, options)
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(clip, "video"), out, options, stop_after(5))
    seen = []
    predict_source(predictor, Source(clip, "video"), out, options, seen.append)
    assert seen == [5, 6, 7, 8]


@pytest.mark.parametrize("name", ["walk/000000.npy", "walk/anything"])
def test_files_of_others_are_not_overwritten(predictor, clip, out, name):
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    with pytest.raises(OutputError, match="is there already, with no record"):
        predict_source(predictor, Source(clip, "video"), out, NPY)
    assert tree(out) == {name: b"mine"}


def test_a_map_of_others_is_not_overwritten(predictor, still, out):
    out.mkdir()
    (out / "x.npy").write_text("mine")
    with pytest.raises(OutputError, match=r"x\.npy: is there already"):
        predict_source(predictor, Source(still("x.png"), "image"), out, NPY)
    assert tree(out) == {"x.npy": b"mine"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "{}", "\udcff", '{"settings": [], "frames": []}', '{"settings": {}, "frames": []}']
    + [
        f'{{"settings": {{"source": {{}}, "model": {{}}, "options": {{}}}}, "frames": {frames}}}'
        for frames in ("3", "[1]", '[{"index": 0, "files": [null]}]', '[{"index": 0, "files": 5}]')
    ],
)
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_file_that_is_no_manifest_is_not_touched(predictor, still, out, text, overwrite):
    out.mkdir()
    (out / "x.json").write_text(text, errors="surrogateescape")
    before = (out / "x.json").read_bytes()
    with pytest.raises(OutputError, match=r"x\.json: .*no manifest of atsal"):
        predict_source(predictor, Source(still("x.png"), "image"), out, Options(formats=("npy",), overwrite=overwrite))
    assert [path.name for path in out.iterdir()] == ["x.json"]
    assert (out / "x.json").read_bytes() == before


@pytest.mark.parametrize("settings", ['"source": [1], "options": 4', '"source": 1, "options": {"streams": 4}'])
def test_a_manifest_of_strange_settings_is_as_one_of_others(predictor, still, out, settings):
    out.mkdir()
    (out / "x.json").write_text(f'{{"settings": {{"model": "old", {settings}}}, "frames": []}}')
    with pytest.raises(OutputError, match="made with another source"):
        predict_source(predictor, Source(still("x.png"), "image"), out, NPY)
    predict_source(predictor, Source(still("x.png"), "image"), out, Options(formats=("npy",), overwrite=True))
    assert sorted(tree(out)) == ["x.json", "x.npy"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_journal_is_as_none(predictor, clip, out, content):
    out.mkdir()
    (out / ".walk.progress").write_bytes(content)
    assert predict_source(predictor, Source(clip, "video"), out, NPY).frames == 8
    assert not (out / ".walk.progress").exists()


def test_the_source_is_never_the_result(predictor, clip, still, frame_folder):
    with pytest.raises(OutputError, match="is an input"):
        predict_source(predictor, Source(clip, "video"), clip.parent, Options(formats=("video",), overwrite=True))
    path = still("x.png")
    with pytest.raises(OutputError, match="is an input"):
        predict_source(predictor, Source(path, "image"), path.parent, Options(formats=("png",), overwrite=True))
    with pytest.raises(OutputError, match="is an input"):
        predict_source(predictor, Source(frame_folder, "sequence"), frame_folder.parent, Options(formats=("npy",)))
    assert sorted(path.name for path in clip.parent.iterdir()) == ["walk.mp4", "x.png"]


def test_a_result_that_became_a_source_is_not_removed(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, Options(formats=("video",)))
    source = out / "walk.mp4"
    before = source.read_bytes()
    with pytest.raises(OutputError, match="is an input"):
        predict_source(predictor, Source(source, "video"), out, Options(formats=("npy",), overwrite=True))
    assert source.read_bytes() == before


def test_frames_may_have_their_results_among_them(predictor, frame_folder):
    item = Source(frame_folder, "sequence")
    assert predict_source(predictor, item, frame_folder, Options(formats=("png", "overlay"))).frames == 12
    assert (frame_folder / "frames" / "000011.png").exists()
    assert predict_source(predictor, item, frame_folder, Options(formats=("png", "overlay"))).skipped


def test_the_good_part_of_a_broken_video_is_kept(predictor, broken_clip, out):
    outcome = predict_source(predictor, Source(broken_clip, "video"), out, Options(formats=("npy", "video")))
    assert "breaks after" in outcome.problem
    assert 1 < outcome.frames < 24
    assert len(list((out / "walk").iterdir())) == outcome.frames
    assert (out / "walk.mp4").exists()
    assert json.loads((out / "walk.json").read_text())["problem"] == outcome.problem
    again = predict_source(predictor, Source(broken_clip, "video"), out, Options(formats=("npy", "video")))
    assert (again.skipped, again.problem) == (True, outcome.problem)


def test_the_part_of_a_damaged_video_is_replaced_when_its_file_is_mended(predictor, broken_clip, clip, out):
    options = Options(formats=("npy",))
    part = predict_source(predictor, Source(broken_clip, "video"), out, options)
    assert part.problem
    assert part.frames > 8
    with pytest.raises(OutputError, match="made with another source"):
        predict_source(predictor, Source(clip, "video"), out, options)  # of the same name in another folder
    broken_clip.write_bytes(clip.read_bytes())
    whole = predict_source(predictor, Source(broken_clip, "video"), out, options)
    assert (whole.frames, whole.skipped, whole.problem) == (8, False, None)
    assert len(list((out / "walk").iterdir())) == 8
    broken_clip.write_bytes(broken_clip.read_bytes() + b"0")
    with pytest.raises(OutputError, match="made with another source"):  # whole results stay
        predict_source(predictor, Source(broken_clip, "video"), out, options)


def test_a_broken_video_goes_on_too(predictor, broken_clip, out, tmp_path):
    predict_source(predictor, Source(broken_clip, "video"), tmp_path / "whole", NPY)
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(broken_clip, "video"), out, NPY, stop_after(2))
    predict_source(predictor, Source(broken_clip, "video"), out, NPY)
    assert tree(out) == tree(tmp_path / "whole")


def test_nothing_is_written_where_there_is_no_frame(predictor, clip, frame_folder, out):
    for item in (Source(clip, "video"), Source(frame_folder, "sequence")):
        with pytest.raises(MediaError, match="no frame"):
            predict_source(predictor, item, out, Options(formats=("npy",), reading=ReadOptions(start_s=50)))
    assert not out.exists()


def test_a_full_disk_leaves_whole_files_and_a_way_on(predictor, clip, out, tmp_path, monkeypatch):
    predict_source(predictor, Source(clip, "video"), tmp_path / "whole", NPY)
    write = image_writer.write_map_npy

    def full(path, saliency):
        if path.name == "000004.npy":
            raise OutputError("the disk is full")
        write(path, saliency)

    monkeypatch.setattr(image_writer, "write_map_npy", full)
    with pytest.raises(OutputError, match="full"):
        predict_source(predictor, Source(clip, "video"), out, NPY)
    monkeypatch.setattr(image_writer, "write_map_npy", write)
    assert len(list((out / "walk").iterdir())) == 4
    seen = []
    predict_source(predictor, Source(clip, "video"), out, NPY, seen.append)
    assert seen == [5, 6, 7, 8]
    assert tree(out) == tree(tmp_path / "whole")


def test_an_output_folder_that_is_a_file_is_refused(predictor, still, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        predict_source(predictor, Source(still("x.png"), "image"), tmp_path / "file" / "out", NPY)


@pytest.mark.parametrize(
    ("names", "options", "what"),
    [
        (("a.png", "a.jpg"), NPY, "a.json"),
        (("a.overlay.mp4", "a.mp4"), Options(formats=("overlay", "video")), "a.overlay.mp4"),
        (("a.mp4", "a.attention.mp4"), Options(streams=STREAMS, formats=("npy",)), "a.attention"),
    ],
)
def test_inputs_whose_results_collide_are_refused(tmp_path, names, options, what):
    items = [Source(tmp_path / name, "video" if name.endswith("mp4") else "image") for name in names]
    other = Source(tmp_path / "other.png", "image")
    clashes = find_clashes([*items, other], tmp_path, options, SourceFiles([]))
    assert clashes.keys() == set(items), "they fail alone"
    for error in clashes.values():
        assert re.search(f"{names[0]} and .*{names[1]} would both write .*/{what}:", str(error))


def test_three_inputs_whose_results_collide_are_named(tmp_path):
    items = [Source(tmp_path / name / "a.png", "image") for name in "xyz"]
    clashes = find_clashes(items, tmp_path, NPY, SourceFiles([]))
    assert len(clashes) == 3
    assert re.search(r"x/a.png, .*y/a.png, .*z/a.png would all write .*/a.json", str(clashes[items[0]]))


def test_inputs_of_like_names_do_not_collide(tmp_path):
    items = [Source(tmp_path / name, "video") for name in ("a.mp4", "a.b.mp4", "a.attention.mp4", "a.overlay.mp4")]
    assert not find_clashes(items, tmp_path, NPY, SourceFiles([]))


def test_an_even_picture_is_no_trouble(predictor, tmp_path, out):
    path = tmp_path / "black.png"
    Image.new("RGB", (128, 64)).save(path)
    predict_source(predictor, Source(path, "image"), out, Options(streams=STREAMS, formats=("npy", "png", "overlay")))
    for name in ("black", "black.attention", "black.experts"):
        assert np.isfinite(np.load(out / f"{name}.npy")).all()


def test_a_run_that_wrote_nothing_stands_in_nobodys_way(predictor, clip, tmp_path, monkeypatch):
    """The disk is full at the first map: another format may be tried at once."""

    def full(*_args, **_kwargs):
        raise OutputError("the disk is full")

    item = Source(clip, "video")
    with monkeypatch.context() as patch:
        patch.setattr("atsal.video.image_writer.write_map_png", full)
        with pytest.raises(OutputError, match="disk is full"):
            predict_source(predictor, item, tmp_path / "new", Options(formats=("png",)))
    assert predict_source(predictor, item, tmp_path / "new", Options(formats=("npy",))).frames > 0


def test_a_touched_source_is_the_same(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, NPY)
    os.utime(clip, ns=(0, 12345))
    assert predict_source(predictor, Source(clip, "video"), out, NPY).skipped


def test_a_manifest_of_an_earlier_version_is_taken_while_the_date_is_its_own(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, NPY)
    document = json.loads((out / "walk.json").read_text())
    del document["settings"]["source"]["sha256"]
    document["settings"]["source"]["modified_ns"] = clip.stat().st_mtime_ns
    (out / "walk.json").write_text(json.dumps(document))
    assert predict_source(predictor, Source(clip, "video"), out, NPY).skipped
    os.utime(clip, ns=(0, 12345))
    with pytest.raises(OutputError, match="made with another source;"):
        predict_source(predictor, Source(clip, "video"), out, NPY)


def test_a_stopped_run_whose_maps_were_removed_is_done_again(predictor, clip, out, tmp_path):
    predict_source(predictor, Source(clip, "video"), tmp_path / "whole", NPY)
    with pytest.raises(KeyboardInterrupt):
        predict_source(predictor, Source(clip, "video"), out, NPY, stop_after(6))
    for number in (0, 2, 3):
        (out / "walk" / f"{number:06d}.npy").unlink()
    assert predict_source(predictor, Source(clip, "video"), out, NPY).done == 8
    assert tree(out) == tree(tmp_path / "whole")


@pytest.mark.parametrize("formats", [("npy",), ("video",), ("npy", "overlay")])
@pytest.mark.parametrize("what", ["folder", "maps"])
def test_results_that_are_removed_meanwhile_are_no_success(predictor, clip, out, formats, what):
    def removed(done):
        if done == 4 and what == "folder":
            shutil.rmtree(out)
        if done == 8 and what == "maps":
            for file in [*out.glob("walk/000003.npy"), *out.glob(".walk*mp4*.atsal-part")]:
                file.unlink()

    with pytest.raises(OutputError, match=r"is missing|does not exist"):
        predict_source(predictor, Source(clip, "video"), out, Options(formats=formats), removed)
    assert not (out / "walk.json").exists()
    assert predict_source(predictor, Source(clip, "video"), out, Options(formats=formats)).frames == 8


def test_a_second_run_into_the_same_results_is_refused(predictor, clip, still, out):
    def second(done):
        if done == 3:
            with pytest.raises(OutputError, match="walk: another run is writing to it"):
                predict_source(predictor, Source(clip, "video"), out, NPY)
            assert predict_source(predictor, Source(still("x.png"), "image"), out, NPY).frames == 1

    assert predict_source(predictor, Source(clip, "video"), out, NPY, second).frames == 8
    assert sorted(path.name for path in out.iterdir()) == ["walk", "walk.json", "x.json", "x.npy"]


def test_no_input_is_replaced_by_any_spelling_or_link(predictor, clip, still, tmp_path):
    c = clip.parent
    shutil.copy(clip, c / "walk.overlay.mp4")
    overlay = Options(formats=("overlay",), overwrite=True)
    for other in (
        c / "walk.overlay.mp4",
        tmp_path / "link.mp4",
        tmp_path / "hard.mp4",
        c / ".." / "in" / "walk.overlay.mp4",
    ):
        if other.name == "link.mp4":
            other.symlink_to(c / "walk.overlay.mp4")
        if other.name == "hard.mp4":
            other.hardlink_to(c / "walk.overlay.mp4")
        items = [Source(clip, "video"), Source(other, "video")]
        clashes = find_clashes(items, c, overlay, SourceFiles(items))
        assert "walk.overlay.mp4: is an input" in str(clashes[items[0]])
        with pytest.raises(OutputError, match=r"walk\.overlay\.mp4: is an input"):
            predict_source(predictor, items[0], c, overlay, inputs=SourceFiles(items))
    assert (c / "walk.overlay.mp4").read_bytes() == clip.read_bytes()


def test_an_input_among_the_frames_of_a_result_is_not_replaced(clip, tmp_path):
    photo = clip.parent / "walk" / "000003.png"
    photo.parent.mkdir()
    Image.new("RGB", (128, 64)).save(photo)
    items = [Source(clip, "video"), Source(photo, "image")]
    clashes = find_clashes(items, clip.parent, Options(formats=("png",), overwrite=True), SourceFiles(items))
    assert list(clashes) == [items[0]]
    assert "000003.png: is an input" in str(clashes[items[0]])


def test_an_earlier_result_that_is_an_input_now_is_not_removed(predictor, clip, out):
    predict_source(predictor, Source(clip, "video"), out, Options(formats=("overlay",)))
    items = [Source(clip, "video"), Source(out / "walk.overlay.mp4", "video")]
    before = items[1].path.read_bytes()
    with pytest.raises(OutputError, match="is an input"):
        predict_source(predictor, items[0], out, Options(formats=("npy",), overwrite=True), inputs=SourceFiles(items))
    assert items[1].path.read_bytes() == before
