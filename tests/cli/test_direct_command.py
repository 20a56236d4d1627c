"""`atsal direct`: films that play, from predictions, maps, edited plans and recorded heads."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.video.synthetic_scene import Scene, render_video
from atsal.video.writer import VideoWriter


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def add_sound(video, path, seconds):
    """Copy a video with a tone, as another program would write it."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=48000, layout="mono")
        for number in range(int(seconds * 48000 / 1024)):
            tone = np.sin(np.arange(1024) / 20, dtype=np.float32)[None] / 4
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.rate, frame.pts, frame.time_base = 48000, 1024 * number, Fraction(1, 48000)
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = pictures
                target.mux(packet)


def facts(path):
    """Size, frames, seconds of pictures and seconds of sound of a video."""
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        frames = [frame.time for frame in file.decode(video)]
        sound = [float(stream.duration * stream.time_base) for stream in file.streams.audio]
        length = float(video.duration * video.time_base)
        return (video.width, video.height), frames, length, sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("direct")
    render_video(folder / "silent.mp4", seconds=2, frame_rate=10, erp_height=64, seed=1)
    add_sound(folder / "silent.mp4", folder / "scene.mp4", 2)
    (folder / "heads.csv").write_text(
        "viewer,timestamp_s,yaw_deg,pitch_deg\n" + "".join(f"a,{t / 10},{9 * t},0\nb,{t / 10},0,0\n" for t in range(20))
    )
    found = run("predict", folder / "scene.mp4", "-o", folder / "maps", "--format", "npy", "-q", "--runtime", "torch")
    assert found.exit_code == 0, found.output
    found = run("direct", folder / "scene.mp4", "-o", folder / "flat.mp4", "--resolution", 90)
    assert found.exit_code == 0, found.output
    assert "predicted attention in frame" in found.output
    return folder


def test_a_film_has_the_frames_and_the_sound_of_its_source(folder):
    size, times, length, sound = facts(folder / "flat.mp4")
    _, source_times, source_length, source_sound = facts(folder / "scene.mp4")
    assert size == (160, 90)
    assert times == pytest.approx(source_times)
    assert length == pytest.approx(source_length, abs=0.01)
    assert sound == pytest.approx(source_sound, abs=0.1)
    assert b"sv3d" not in (folder / "flat.mp4").read_bytes()
    with Image.open(folder / "flat.storyboard.png") as storyboard:
        assert storyboard.size == (2 * (360 + 320) + 8, 6 * 180 + 5 * 8)


def test_maps_give_the_same_plan(folder):
    found = run("direct", folder / "scene.mp4", "-o", folder / "again.json", "--maps", folder / "maps" / "scene.json")
    assert found.exit_code == 0, found.output
    plans = [json.loads((folder / name).read_text()) for name in ("flat.plan.json", "again.json")]
    assert plans[0]["keyframes"] == plans[1]["keyframes"]
    assert plans[0]["predicted_in_frame"]["directed"] == pytest.approx(
        plans[1]["predicted_in_frame"]["directed"], abs=0.02
    )


def test_an_edited_plan_changes_the_film(folder):
    document = json.loads((folder / "flat.plan.json").read_text())
    for keyframe in document["keyframes"]:
        keyframe["yaw_deg"] = 180 if keyframe["yaw_deg"] != 180 else 0
    (folder / "edited.json").write_text(json.dumps(document))
    arguments = ["--plan", folder / "edited.json", "--resolution", 90, "--recorded", folder / "heads.csv"]
    found = run("direct", folder / "scene.mp4", "-o", folder / "edited.mp4", *arguments)
    assert found.exit_code == 0, found.output
    assert "recorded attention in frame" in found.output
    first = [
        next(av.open(str(folder / name)).decode(video=0)).to_ndarray(format="rgb24")
        for name in ("flat.mp4", "edited.mp4")
    ]
    assert np.abs(first[0].astype(int) - first[1]).mean() > 5


def test_a_trace_shows_what_the_viewer_saw(folder):
    arguments = ["--trace", folder / "heads.csv", "--viewer", "a", "--aspect", "1:1", "--resolution", 64, "--split"]
    found = run("direct", folder / "scene.mp4", "-o", folder / "trace.mp4", *arguments)
    assert found.exit_code == 0, found.output
    size, times, _, _ = facts(folder / "trace.mp4")
    assert size == (2 * 64 + 64, 64)
    assert len(times) == 20
    assert not (folder / "trace.plan.json").exists()


def test_an_interrupted_run_goes_on_with_its_plan(folder):
    (folder / "flat.mp4").rename(folder / "kept.mp4")
    before = (folder / "flat.plan.json").stat().st_mtime_ns
    found = run("direct", folder / "scene.mp4", "-o", folder / "flat.mp4", "--resolution", 90)
    assert found.exit_code == 0, found.output
    assert "goes on with this plan" in found.output
    assert (folder / "flat.plan.json").stat().st_mtime_ns == before
    (folder / "flat.mp4").unlink()
    found = run("direct", folder / "scene.mp4", "-o", folder / "flat.mp4", "--fov", 100)
    assert found.exit_code == 1
    assert "made with other settings" in found.output
    found = run("direct", folder / "scene.mp4", "-o", folder / "flat.mp4", "--stereo", "top-bottom")
    assert found.exit_code == 1
    assert "made with other settings" in found.output
    (folder / "kept.mp4").rename(folder / "flat.mp4")


def test_a_plan_that_is_gone_on_with_is_measured_anew(folder):
    how = ["direct", folder / "scene.mp4", "-o", folder / "anew.mp4", "--maps", folder / "maps" / "scene.json"]
    shares = []
    for yaw_deg in (0, 180):
        log = folder / f"at_{yaw_deg}.csv"
        log.write_text(f"timestamp_s,yaw_deg,pitch_deg\n0,{yaw_deg},0\n1,{yaw_deg},0\n")
        found = run(*how, "--resolution", 64, "--recorded", log)
        assert found.exit_code == 0, found.output
        shares.append(found.output.split("recorded attention in frame: ")[1].split(" by a fixed camera")[0])
        (folder / "anew.mp4").unlink()
    assert "(100.0%" in shares[0]
    assert "(0.0%" in shares[1]


def test_uneven_times_are_kept_and_a_part_can_be_asked_for(folder):
    times = [0.0, 0.1, 0.5, 0.6, 1.2, 1.3]
    with VideoWriter(folder / "uneven.mp4", (128, 64), 10) as writer:
        for time_s in times:
            writer.write(Scene(seed=2).render(64, time_s), time_s)
    arguments = ["--start", 0.5, "--resolution", 64, "--aspect", "9:16"]
    found = run("direct", folder / "uneven.mp4", "-o", folder / "part.mp4", *arguments)
    assert found.exit_code == 0, found.output
    size, found_times, _, sound = facts(folder / "part.mp4")
    assert size == (64, 114)
    assert not sound
    assert found_times == pytest.approx([0, 0.1, 0.7, 0.8], abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scene.mp4", "-o", "x.avi"], "expected a name ending in .mp4, for a film, or in .json"),
        (["scene.mp4", "-o", "x.mp4", "--fov", "150"], "150.0 is not in the range"),
        (
            ["scene.mp4", "-o", "x.mp4", "--fov", "150", "--trace", "heads.csv", "--viewer", "a"],
            "150.0 is not in the range",
        ),
        (["scene.mp4", "-o", "x.mp4", "--resolution", "99"], "expected an even number"),
        (
            ["scene.mp4", "-o", "x.mp4", "--plan", "p.json", "--trace", "heads.csv"],
            "--plan and --trace exclude each other",
        ),
        (["scene.mp4", "-o", "x.mp4", "--plan", "flat.plan.json", "--start", "1"], "--start is that of the plan"),
        (["scene.mp4", "-o", "x.mp4", "--plan", "flat.plan.json", "--fov", "80"], "--fov is that of the plan"),
        (["scene.mp4", "-o", "x.mp4", "--trace", "heads.csv", "--recorded", "heads.csv"], "--recorded measures a plan"),
        (["scene.mp4", "-o", "x.mp4", "--trace", "heads.csv"], "has 2 viewers (a, b); choose one with --viewer"),
        (["scene.mp4", "-o", "x.mp4", "--trace", "heads.csv", "--viewer", "c"], "has no viewer 'c'"),
        (["scene.mp4", "-o", "x.mp4", "--viewer", "c"], "--viewer names a viewer of --trace"),
        (["silent.mp4", "-o", "x.mp4", "--plan", "flat.plan.json"], "is a plan for 'scene.mp4', not for 'silent.mp4'"),
        (["silent.mp4", "-o", "x.mp4", "--maps", "maps/scene.json"], "which is another file than"),
        (["photo.png", "-o", "x.mp4"], "is an image; expected a 360° video"),
        (["scene.mp4", "-o", "flat.mp4"], "flat.mp4: already exists"),
        (
            ["scene.mp4", "-o", "maps/scene.json", "--maps", "maps/scene.json", "--overwrite"],
            "maps/scene.json: is the source itself, or another input",
        ),
        (["scene.mp4", "-o", "scene.mp4", "--overwrite"], "is the source itself"),
    ],
)
def test_mistakes_are_explained(folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    Image.fromarray(Scene(seed=1).render(64, 0.0)).save("photo.png")
    found = run("direct", *arguments)
    assert found.exit_code in (1, 2)
    assert message in found.output, found.output
    assert not list(folder.glob("x.*"))
