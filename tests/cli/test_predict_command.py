import json
import os
import pickle
import shutil
import signal
import time
from importlib.metadata import version
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.video.isolation import is_isolated
from atsal.video.synthetic_scene import Scene, render_video
from fakes import decoders


@pytest.fixture
def folder(tmp_path, monkeypatch, own_home) -> Path:
    """A working folder with a clip of 4 frames, an image and a broken one; a home without weights."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "graphs").symlink_to(own_home / "graphs")  # tracing takes a second
    monkeypatch.setenv("ATSAL_HOME", str(tmp_path / "home"))
    render_video("clip.mp4", seconds=0.5, frame_rate=8, erp_height=64, seed=1)
    Image.fromarray(Scene(2).render(64, 0.0)).save("still.png")
    Path("empty.jpg").touch()
    return tmp_path


def run(*arguments, status=0):
    found = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == status, found.output
    assert "Traceback" not in found.output
    return found


def every_command(group: click.Group = main, words: tuple[str, ...] = ()):
    yield words
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, (*words, name))
        else:
            yield (*words, name)


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_explains_itself(words, flag):
    told = run(*words, flag).output
    assert "Usage:" in told
    assert "<=None" not in told


def test_the_commands_are_there():
    assert {("predict",), ("compare",), ("info",), ("weights", "list"), ("weights", "import")} <= set(every_command())


def test_the_version_is_told():
    assert run("--version").output.startswith("atsal, version ")


def test_an_image_gives_a_map_of_its_name(folder):
    found = run("predict", "still.png", "-o", "out", "--format", "npy")
    assert found.stdout.startswith("still.png: 1 frame in ")
    saliency = np.load("out/still.npy")
    assert saliency.dtype == np.float32
    assert saliency.ndim == 2
    assert saliency.min() >= 0


def test_options_reach_the_result(folder):
    run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--format", "png", "--stream", "all", "--stride", 2,
        "--start", 0.1, "--duration", 9, "--size", "80x40")  # fmt: skip
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "clip",
        "clip.attention",
        "clip.experts",
        "clip.json",
    ]
    for name in ("clip", "clip.attention", "clip.experts"):
        found = sorted(path.name for path in Path("out", name).iterdir())
        assert found == ["000001.npy", "000001.png", "000003.npy", "000003.png"]
    assert np.load("out/clip/000001.npy").shape == (40, 80)


def test_the_default_is_an_overlay(folder):
    run("predict", "clip.mp4", "still.png", "-o", "out")
    names = ["clip.json", "clip.overlay.mp4", "still.json", "still.overlay.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == names


def test_fps_takes_the_nearest_frames(folder):
    run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--fps", 4)
    assert len(list(Path("out/clip").iterdir())) == 2
    found = run("predict", "clip.mp4", "-o", "out", "--fps", 4, "--stride", 2, status=1)
    assert "--fps and --stride exclude each other" in found.stderr


def test_the_second_run_says_that_all_is_done(folder):
    run("predict", "clip.mp4", "-o", "out", "--format", "npy")
    assert "already done, 4 frames" in run("predict", "clip.mp4", "-o", "out", "--format", "npy").stdout
    found = run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--stride", 3, status=1)
    assert "made with another stride" in found.stderr
    run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--stride", 3, "--overwrite")
    assert sorted(path.name for path in Path("out/clip").iterdir()) == ["000000.npy", "000003.npy"]


def test_a_batch_goes_on_after_what_fails(folder):
    Path("text.mp4").write_text("no video " * 50)
    found = run(
        "predict", "missing.mp4", "empty.jpg", "text.mp4", "still.png", "-o", "out", "--format", "npy", status=3
    )
    assert "missing.mp4: no such file" in found.stderr
    assert "empty.jpg: is empty" in found.stderr
    assert "text.mp4: cannot be read as a video" in found.stderr
    assert found.stderr.endswith("atsal: 3 of 4 inputs failed\n")
    assert sorted(path.name for path in Path("out").iterdir()) == ["still.json", "still.npy"]


def test_files_can_be_read_in_processes_of_their_own(folder, monkeypatch):
    """One whose decoder crashes fails alone."""
    run("predict", "still.png", "-o", "plain", "--format", "npy")
    run("predict", "--isolate", "still.png", "-o", "apart", "--format", "npy")
    assert Path("plain/still.npy").read_bytes() == Path("apart/still.npy").read_bytes()
    assert not is_isolated()
    monkeypatch.setattr("atsal.prediction.sources.read_image", decoders.crash)
    Image.fromarray(Scene(3).render(64, 0.0)).save("other.png")
    found = run("predict", "--isolate", "other.png", "clip.mp4", "-o", "out", "--format", "npy", status=3)
    assert "other.png: the process that read it was ended by SIGSEGV" in found.stderr
    assert Path("out/clip.json").is_file()


def test_where_nothing_works_nothing_is_left(folder):
    Image.new("RGB", (30, 40)).save("tall.png")
    Image.new("RGB", (1, 1)).save("dot.png")
    found = run("predict", "tall.png", "dot.png", "-o", "new/out", status=1)
    assert "tall.png: the picture is 30x40" in found.stderr
    assert "dot.png: one view is only" in found.stderr
    assert not Path("new/out").exists()


def test_a_folder_of_stills_or_of_frames(folder):
    Path("frames").mkdir()
    for number in (2, 10, 1):
        Image.fromarray(Scene(number).render(32, 0.0)).save(f"frames/f{number}.png")
    run("predict", "frames", "-o", "stills", "--format", "npy", "--still-at", "0")
    assert sorted(path.name for path in Path("stills").glob("*.npy")) == ["f1.npy", "f10.npy", "f2.npy"]
    run("predict", "frames", "-o", "clip", "--format", "npy", "--as-frames")
    assert [path.name for path in sorted(Path("clip/frames").iterdir())] == ["000000.npy", "000001.npy", "000002.npy"]
    # The first frame of a clip is as a still at its start; the others come later, and remember.
    # (Few stills run in PyTorch, clips in OpenVINO.)
    np.testing.assert_allclose(np.load("stills/f1.npy"), np.load("clip/frames/000000.npy"), rtol=1e-3, atol=1e-6)
    assert np.abs(np.load("stills/f2.npy") - np.load("clip/frames/000001.npy")).max() > 1e-6


def test_direction_front_and_time_are_options(folder):
    from atsal import load_model
    from atsal.video.image_reader import read_image

    run("predict", "still.png", "-o", "a", "--format", "npy", "--direction", "head", "--front", "-90")
    run("predict", "still.png", "-o", "b", "--format", "npy", "--front", "0", "--still-at", "2")
    assert (
        "do not depend on the time"
        in run("predict", "still.png", "-o", "d", "--no-front", "--still-at", "2", status=1).stderr
    )
    picture = read_image(Path("still.png"))
    head = load_model("lite", device="cpu", runtime="torch", direction="head", front_deg=-90.0)
    gaze = load_model("lite", device="cpu", runtime="torch")
    np.testing.assert_allclose(np.load("a/still.npy"), head.predict_image(picture), rtol=1e-4)
    np.testing.assert_allclose(np.load("b/still.npy"), gaze.predict_image(picture, seconds=2), rtol=1e-4)
    options = json.loads(Path("b/still.json").read_text())["settings"]["options"]
    assert (options["direction"], options["front_deg"], options["still_at_s"]) == ("head_eye", 0.0, 2.0)
    assert (
        "made with another direction, front"
        in run("predict", "still.png", "-o", "a", "--format", "npy", status=1).stderr
    )
    run("compare", "still.png", "-o", "c.png", "--direction", "head", "--no-front")
    run("compare", "still.png", "-o", "e.png", "--still-at", "2")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--front", "200"], 2, "--front"),
        (["--front", "nan"], 2, "--front"),
        (["--front", "0", "--no-front"], 1, "--front and --no-front exclude each other"),
        (["--direction", "eye"], 2, "--direction"),
        (["--still-at", "-1"], 2, "--still-at"),
    ],
)
def test_directions_fronts_and_times_that_there_are_not(folder, arguments, status, message):
    assert message in run("predict", "still.png", "-o", "out", *arguments, status=status).stderr
    assert not Path("out").exists()


def test_a_model_is_exported_and_measured(folder):
    found = run("export", "lite.onnx")
    assert "differs by" in found.output
    run("export", "lite.onnx", status=1)
    assert "expected a name ending in .onnx" in run("export", "lite.pt", status=1).stderr
    shown = run("bench", "clip.mp4", "--rounds", "1", "--runtime", "torch", "--no-file", "--json", "speed.json").output
    assert "frames/s" in shown
    measured = json.loads(Path("speed.json").read_text())
    assert measured["network"]["torch"]["frames_per_s"] > 0


@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_every_runtime_is_offered(folder, runtime):
    run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--runtime", runtime)
    assert len(list(Path("out/clip").glob("*.npy"))) == 4
    manifest = json.loads(Path("out/clip.json").read_text())
    assert manifest["runtime"] == runtime
    package = {"onnx": "onnxruntime"}.get(runtime, runtime)
    assert manifest["versions"][package] == version(package)


def test_an_output_that_is_a_file_is_refused(folder):
    found = run("predict", "clip.mp4", "-o", "out.mp4", status=1)
    assert "looks like a file; expected a folder" in found.stderr
    Path("notes").write_text("mine")
    assert "is a file" in run("predict", "clip.mp4", "-o", "notes", status=1).stderr
    assert Path("notes").read_text() == "mine"
    assert not Path("out.mp4").exists()
    Path("my.mp4").mkdir()
    run("predict", "still.png", "-o", "my.mp4", "--format", "npy")


def test_results_do_not_become_inputs(folder):
    Path("in").mkdir()
    Path("still.png").rename("in/still.png")
    found = run("predict", "in", "-o", "in", status=1)
    assert "is a folder of inputs" in found.stderr
    run("predict", "in", "-o", "in", "--format", "npy")
    run("predict", "in", "-o", "in/out")


def test_colliding_inputs_are_refused_before_any_work(folder):
    Image.open("still.png").convert("RGB").save("still.jpg")
    found = run("predict", "still.png", "still.jpg", "-o", "out", status=1)
    assert "still.png and still.jpg would both write" in found.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "640x330"],
        ["--size", "0"],
        ["--size", "²"],
        ["--size", "x320"],
        ["--size", "99999x99999"],
        ["--start", "nan"],
        ["--start", "-1"],
        ["--duration", "inf"],
        ["--duration", "0"],
        ["--fps", "0"],
        ["--stride", "0"],
        ["--format", "jpg"],
        ["--stream", "both"],
    ],
)
def test_values_out_of_range_are_wrong_usage(folder, arguments):
    run("predict", "still.png", "-o", "out", *arguments, status=2)
    assert not Path("out").exists()


def test_inputs_and_output_are_needed(folder):
    run("predict", "-o", "out", status=2)
    run("predict", "still.png", status=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "lit"], "model 'lit' is neither a name nor a weight folder; did you mean 'lite'?"),
        (["--model", "paper"], "atsal weights import"),
        (["--model", "still.png"], "or a weight folder"),
        (["--face-size", "33"], "multiple of 32"),
        (["--device", "toaster"], "'toaster' cannot be used"),
        (["--procedure", "published"], "published"),
        (["--format", "png", "--format", "png16"], "choose one of them"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_left(folder, arguments, message):
    found = run("predict", "still.png", "-o", "out", *arguments, status=1)
    assert message in found.stderr
    assert found.stderr.count("\n") <= 2
    assert not Path("out").exists()


@pytest.mark.parametrize(("output", "message"), [("still.png", "is a file"), ("still.png/out", "cannot be written")])
def test_an_output_that_cannot_be_is_refused(folder, output, message):
    before = Path("still.png").read_bytes()
    found = run("predict", "clip.mp4", "-o", output, status=1)
    assert message in found.stderr
    assert Path("still.png").read_bytes() == before


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "y" * 250 + ".png"])
def test_names_too_long_are_told(folder, name):
    if len(name) < 256:
        Path("still.png").rename(name)
    found = run("predict", name, "-o", "out", status=1)
    assert "too long" in found.stderr


def test_a_square_picture_is_told_to_be_taken_for_stereo(folder):
    Image.fromarray(Scene(1).render(64, 0.0)).resize((64, 64)).save("square.png")
    found = run("predict", "square.png", "still.png", "-o", "out", "--format", "npy")
    assert found.stderr.count("square.png: taken as two views, top-bottom") == 1
    assert "still.png" not in found.stderr
    assert "two views" not in run("predict", "square.png", "-o", "known", "--stereo", "top-bottom").stderr
    assert "two views" in run("compare", "square.png", "-o", "c.png").stderr


def test_ctrl_c_is_a_status_and_a_hint(folder, monkeypatch):
    def stop(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("atsal.prediction.predictor.load_model", stop)
    found = run("predict", "clip.mp4", "-o", "out", status=130)
    assert "stopped" in found.stderr
    assert not Path("out").exists()


def test_ctrl_c_within_a_library_that_makes_another_error_of_it(folder, monkeypatch):
    def stop(*_args, **_kwargs):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt as error:
            raise ValueError("could not determine the shape") from error

    monkeypatch.setattr("atsal.prediction.predictor.load_model", stop)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found = run("predict", "clip.mp4", "-o", "out", status=130)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert "stopped" in found.stderr


def test_sigterm_is_a_stop_even_within_a_library_that_makes_another_error_of_it(folder, monkeypatch):
    def stop(*_args, **_kwargs):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except KeyboardInterrupt as error:
            os.kill(os.getpid(), signal.SIGTERM)  # a second one does not disturb the cleaning up
            raise ValueError("could not determine the shape") from error

    monkeypatch.setattr("atsal.prediction.predictor.load_model", stop)
    found = run("predict", "clip.mp4", "-o", "out", status=143)
    assert "stopped" in found.stderr
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_info_tells_what_a_file_is(folder):
    found = run("info", "clip.mp4").output
    assert "video, h264 yuv420p, 128x64, mono" in found
    assert "frames   4, 8.000 per second, 0.50 s" in found
    assert "360° tag yes" in found
    assert "note     only 64 pixels high" in found
    found = run("info", "still.png").output
    assert "still.png: image, 128x64, mono" in found
    assert "stored   as PNG, RGB" in found
    for name in ("empty.jpg", "missing.mp4"):
        assert run("info", name, status=1).stderr.startswith(f"atsal: {name}: ")


def test_what_a_folder_holds_besides_is_told(folder):
    Path("in").mkdir()
    for name in ("f1.png", "f3.png", "f4.png", "f5.png"):
        shutil.copy("still.png", f"in/{name}")
    Path("in/IMG.insp").touch()
    found = run("info", "in").output
    assert "images   4" in found
    assert "note     skipped IMG.insp: .insp is a camera's original" in found
    assert "as clip  the numbers of its frames jump in 1 place (after 1 comes 3)" in found
    found = run("predict", "in", "-o", "clip", "--format", "npy", "--as-frames", status=1)
    assert "IMG.insp: looks like a frame, but is not read" in found.stderr
    Path("in/IMG.insp").rename("in/a.txt")
    told = run("compare", "in", "-o", "c.mp4", "--as-frames").stderr
    assert "skipped a.txt" in told
    assert "after 1 comes 3" in told


def test_what_a_photo_says_of_itself_is_told_with_its_map(folder):
    xmp = b'<R:RDF xmlns:R="r"><R:Description xmlns:GPano="g" GPano:PosePitchDegrees="17"/></R:RDF>'
    Image.open("still.png").convert("RGB").save("tilted.jpg", xmp=xmp)
    assert (
        "tilted.jpg: the photo's GPano tags state a pose"
        in run("predict", "tilted.jpg", "-o", "out", "--format", "npy").stderr
    )
    assert "note     the photo's GPano tags state a pose" in run("info", "tilted.jpg").output


def test_compare_writes_a_video_and_a_sheet(folder):
    run("compare", "clip.mp4", "-o", "new/c.mp4", "--sheet", "new/sheet.png", "--stride", 2)
    assert run("info", "new/c.mp4").output.startswith("new/c.mp4: video, h264 yuv420p, 1288x648")
    with Image.open("new/sheet.png") as image:
        assert image.size == (4 * 400 + 3 * 8, 408)


def test_compare_writes_a_picture(folder):
    assert run("compare", "still.png", "-o", "c.png").output == "c.png\n"
    with Image.open("c.png") as image:
        assert image.size == (1288, 648)


def test_a_frame_of_a_video_is_a_picture(folder):
    run("predict", "clip.mp4", "-o", "out", "--start", 0.3, "--max-frames", 1)
    assert sorted(path.name for path in Path("out").iterdir()) == ["clip.json", "clip.overlay.png"]
    run("compare", "clip.mp4", "-o", "c.png", "--start", 0.3, "--max-frames", 1)
    assert "ending in .png" in run("compare", "clip.mp4", "-o", "c.mp4", "--max-frames", 1, status=1).stderr


def test_an_end_stands_for_a_duration(folder):
    run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--start", 0.1, "--end", 0.4)
    assert sorted(path.name for path in Path("out/clip").iterdir()) == ["000001.npy", "000002.npy", "000003.npy"]
    again = run("predict", "clip.mp4", "-o", "out", "--format", "npy", "--start", 0.1, "--duration", 0.3)
    assert "already done" in again.stdout
    run("regions", "clip.mp4", "-o", "regions.json", "--end", 0.2)
    assert len(json.loads(Path("regions.json").read_text())["frames"]) == 2


def test_the_look_of_overlays_is_an_option(folder):
    look = ("--colormap", "magma", "--opacity", 0.9, "--legend")
    run("predict", "still.png", "-o", "a", *look)
    recorded = json.loads(Path("a/still.json").read_text())["settings"]["options"]["overlay"]
    assert recorded == {"colormap": "magma", "opacity": 0.9, "legend": True}
    assert "made with another colormap, opacity, legend" in run("predict", "still.png", "-o", "a", status=1).stderr
    run("compare", "still.png", "-o", "c.png", "--sheet", "sheet.png", *look)
    for name, left in (("c.png", 648), ("sheet.png", 408)):
        with Image.open(name) as image:
            assert image.getpixel((left, image.height - 1)) == (0, 0, 0), f"no legend in {name}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["still.png", "-o", "c.mp4"], "expected a name ending in .png"),
        (["clip.mp4", "-o", "c.png"], "expected a name ending in .mp4"),
        (["clip.mp4", "-o", "c.mp4", "--sheet", "s.jpg"], "s.jpg: expected a name ending in .png"),
        (["still.png", "-o", "c.png", "--sheet", "./c.png"], "another one for --sheet"),
        (["still.png", "-o", "still.png", "--overwrite"], "is the source itself"),
        (["clip.mp4", "-o", "old.mp4"], "old.mp4: already exists"),
        (["clip.mp4", "-o", "empty.jpg/c.mp4"], "cannot be written"),
        ([".", "-o", "c.mp4"], "holds 2 inputs"),
        (["missing.mp4", "-o", "c.mp4"], "no such file"),
    ],
)
def test_compare_refuses(folder, arguments, message):
    if "." in arguments:
        Path("empty.jpg").unlink()
    else:
        Path("old.mp4").write_text("mine")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert message in run("compare", *arguments, status=1).stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_weights_are_listed_and_described(folder):
    listed = run("weights", "list").output
    for name in ("lite", "paper", "attention-images", "expert-poles", "expert-equator"):
        assert name in listed
    found = json.loads(run("weights", "info").output)
    assert set(found["files"]) == {"attention", "poles", "equator"}
    assert found["config"]["architecture"] == "lite"
    assert len(found["sha256"]) == 64
    assert "did you mean 'lite'" in run("weights", "info", "lits", status=1).stderr


def test_downloads_are_named(folder):
    assert "nothing to download" in run("weights", "download", status=1).stderr
    assert "expert-poles" in run("weights", "download", "expert-pole", status=1).stderr


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def test_a_checkpoint_with_code_in_it_is_refused_unrun(folder):
    with Path("evil.pth").open("wb") as file:
        pickle.dump(Evil(), file)
    torch.save({"weight": Evil()}, "evil.zip.pth")
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, "other.pth")
    for name in ("evil.pth", "evil.zip.pth", "other.pth", "missing.pth", "still.png"):
        options = [word for part in ("attention", "poles", "equator") for word in (f"--{part}", name)]
        found = run("weights", "import", *options, "-o", "weights", status=1)
        assert found.stderr.startswith(f"atsal: {name}: ")
        assert not Path("evil").exists()
        assert not Path("weights").exists()


def test_no_spelling_of_an_output_hits_an_input(folder):
    before = Path("still.png").read_bytes()
    Path("frames").mkdir()
    for number in range(2):
        Path(f"frames/f{number}.png").write_bytes(before)
    for arguments in (
        ("compare", "still.png", "-o", "gone/../still.png"),
        ("compare", "still.png", "-o", "gone/../still.png", "--overwrite"),
        ("compare", "frames", "--as-frames", "-o", "c.mp4", "--sheet", "frames/f0.png", "--overwrite"),
        ("bench", "clip.mp4", "--json", "clip.mp4", "--overwrite"),
    ):
        assert run(*arguments, status=1).exit_code == 1
    assert Path("still.png").read_bytes() == Path("frames/f0.png").read_bytes() == before
    assert not Path("gone").exists()
    Path("sub").mkdir()
    told = run("compare", "still.png", "-o", "q.png", "--sheet", "sub/../q.png", "--overwrite", status=1)
    assert "is the name of the comparison too" in told.stderr


@pytest.mark.slow
def test_workers_say_what_one_process_says(folder):
    """The same lines, exit code and summary, but for times and order."""
    import re

    def told(out, *more):
        found = run("predict", "clip.mp4", "still.png", "empty.jpg", "-o", out, "--format", "npy",
                    "--summary", f"{out}.json", *more, status=3)  # fmt: skip
        lines = [re.sub(r" in .*? \(", " (", line).replace(out, "OUT") for line in found.output.splitlines()]
        summary = json.loads(Path(f"{out}.json").read_text())
        return sorted(lines), summary["counts"], [entry["status"] for entry in summary["inputs"]], summary["exit_code"]

    assert told("two", "--workers", 2) == told("one")
