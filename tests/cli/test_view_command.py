"""`atsal view` of a video, a photo and a result, exported; and its mistakes."""

import json
import shutil
import threading
import urllib.request
from queue import Queue

import onnxruntime
import pytest
from click.testing import CliRunner

from atsal.cli import main
from atsal.directing.camera import Keyframe
from atsal.directing.plan import Plan, write_plan
from atsal.errors import ConfigError
from atsal.video.image_writer import write_rgb_png
from atsal.video.probe import probe_video
from atsal.video.synthetic_scene import Scene, render_video
from atsal.video.writer import VideoWriter
from atsal.viewing.server import SiteServer
from fakes.recorded_set import write_recorded_set


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    render_video(folder / "scene.mp4", seconds=0.6, frame_rate=10, erp_height=64, seed=1)
    write_rgb_png(folder / "photo.png", Scene(seed=1).render(64, 0.0))
    for stream, maps in (("all", "maps"), ("fused", "fused")):
        found = run("predict", folder / "scene.mp4", "-o", folder / maps, "--format", "npy", "--stream", stream, "-q")
        assert found.exit_code == 0, found.output
    return folder


def scene_of(page):
    """The scene of the only item of a page."""
    (item,) = json.loads((page / "catalogue.json").read_text())["items"]
    return json.loads((page / item["folder"] / "scene.json").read_text())


def test_a_video_is_predicted_and_exported(folder):
    found = run("view", folder / "scene.mp4", "--export", folder / "video")
    assert found.exit_code == 0, found.output
    scene = scene_of(folder / "video")
    streams = scene["maps"]["streams"]
    assert [stream["name"] for stream in streams[:3]] == ["fused", "attention", "experts"]
    assert [(stream["kind"], stream["direction"]) for stream in streams[2:4]] == [
        ("experts", "head_eye"),
        ("fused", "head"),
    ]
    assert len(streams) == 6
    assert len(scene["maps"]["times_s"]) == 6
    assert (folder / "video" / "items" / "1" / scene["media"]["file"]).read_bytes() == (
        folder / "scene.mp4"
    ).read_bytes()


def test_the_maps_of_a_result_are_those_of_its_prediction(folder):
    assert run("view", folder / "maps" / "scene.json", "--export", folder / "saved", "-q").exit_code == 0
    assert run("view", folder / "scene.mp4", "--export", folder / "again", "-q").exit_code == 0
    saved, again = scene_of(folder / "saved"), scene_of(folder / "again")
    assert saved["maps"]["times_s"] == again["maps"]["times_s"]
    assert saved["maps"]["streams"] == again["maps"]["streams"][:3], "those of gaze"
    assert saved["previews"]["times_s"] == again["previews"]["times_s"]
    assert saved["media"] == again["media"]


def test_heads_can_be_first_and_a_result_has_the_direction_it_was_predicted_in(folder):
    """The maps of heads are those of a model of heads, whichever direction is first."""
    arguments = "-o", folder / "heads", "--format", "npy", "--stream", "all", "--direction", "head", "-q"
    assert run("predict", folder / "scene.mp4", *arguments).exit_code == 0
    for source, page in ((folder / "heads" / "scene.json", "saved-heads"), (folder / "scene.mp4", "both")):
        assert run("view", source, "--export", folder / page, "-q").exit_code == 0
    assert run("view", folder / "scene.mp4", "--direction", "head", "--export", folder / "first", "-q").exit_code == 0
    saved, both, first = (scene_of(folder / page)["maps"]["streams"] for page in ("saved-heads", "both", "first"))
    assert {stream["direction"] for stream in saved} == {"head"}
    assert [stream["direction"] for stream in first] == ["head"] * 3 + ["head_eye"] * 3
    for one, other, again in zip(saved, both[3:], first[:3], strict=True):
        assert one["peak_ratio"] == pytest.approx(other["peak_ratio"], rel=1e-3)
        assert one["peak_ratio"] == again["peak_ratio"]
    assert both[0]["peak_ratio"] != pytest.approx(both[3]["peak_ratio"], rel=0.05)


def test_a_result_of_one_stream_shows_it_and_says_what_is_missing(folder):
    assert run("view", folder / "fused" / "scene.json", "--export", folder / "one", "-q").exit_code == 0
    scene = scene_of(folder / "one")
    assert [stream["name"] for stream in scene["maps"]["streams"]] == ["fused"]
    assert "--stream all" in scene["notes"][-1]


def test_an_item_of_a_prepared_set_is_shown_with_its_gaze(tmp_path):
    prepared = write_recorded_set(tmp_path)
    found = run("view", prepared.folder, "--item", "photo", "--export", tmp_path / "page", "-q")
    assert found.exit_code == 0, found.output
    scene = scene_of(tmp_path / "page")
    kinds = [stream["kind"] for stream in scene["maps"]["streams"]]
    assert kinds == [*["fused", "attention", "experts"] * 2, "recorded"]
    assert len(scene["maps"]["streams"][3]["chunks"]) == 1
    assert [viewer["name"] for viewer in scene["gaze"]["viewers"]] == ["anna", "ben"]
    assert any("Licence" in note for note in scene["notes"])


def test_the_prediction_is_of_the_direction_that_was_recorded(tmp_path, monkeypatch):
    """Unless the user chooses another one."""
    chosen = []

    def load_model(_name, *, direction, **_options):
        chosen.append(direction)
        raise ConfigError("enough for this test")

    monkeypatch.setattr("atsal.prediction.predictor.load_model", load_model)
    prepared = write_recorded_set(tmp_path, direction="head")
    for more in ([], ["--direction", "head_eye"]):
        run("view", prepared.folder, "--item", "photo", "--export", tmp_path / "page", *more)
    assert chosen == ["head", "head_eye"]


@pytest.fixture
def plan(folder, tmp_path):
    """The text of a plan of the video, and where to put one."""
    length_s = probe_video(folder / "scene.mp4").duration_s
    keyframes = (Keyframe(0.0, 10.0, 0.0, 90.0, cut=True), Keyframe(length_s, 12.0, 0.0, 90.0))
    path = tmp_path / "edited.plan.json"
    write_plan(path, Plan("scene.mp4", length_s, "9:16", 0.0, length_s, keyframes))
    return path


@pytest.mark.parametrize("source", ["scene.mp4", "maps/scene.json"])
def test_a_plan_is_shown_with_a_video_and_with_a_result(folder, plan, tmp_path, source):
    found = run("view", folder / source, "--plan", plan, "--export", tmp_path / "page", "-q")
    assert found.exit_code == 0, found.output
    film = scene_of(tmp_path / "page")["film"]
    assert {"format": film["format"], "version": film["version"]} | film["plan"] == json.loads(plan.read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("scene.mp4", "other.mp4"), "is a plan for 'other.mp4', not for 'scene.mp4'"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "has format 'atsal-plan', version 2; expected"),
        (lambda text: text[:-30], "edited.plan.json: "),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_is_predicted(folder, plan, tmp_path, change, message):
    plan.write_text(change(plan.read_text()))
    for source in ("scene.mp4", "maps/scene.json"):
        found = run("view", folder / source, "--plan", plan, "--export", tmp_path / "page")
        assert found.exit_code == 1
        assert message in found.output
        assert not (tmp_path / "page").exists()


def test_a_plan_is_not_for_a_photo(folder, plan, tmp_path):
    found = run("view", folder / "photo.png", "--plan", plan, "--export", tmp_path / "page")
    assert found.exit_code == 1
    assert f"--plan {plan}: is for a video, and" in found.output


def test_cuts_of_the_source_are_found_while_it_is_predicted(tmp_path):
    with VideoWriter(tmp_path / "cut.mp4", (128, 64), 10) as writer:
        for number in range(12):
            writer.write(Scene(seed=1 if number < 7 else 2).render(64, number / 10), number / 10)
    assert run("view", tmp_path / "cut.mp4", "--export", tmp_path / "page", "-q").exit_code == 0
    assert scene_of(tmp_path / "page")["cuts_s"] == [0.7]


def test_a_photo(folder):
    assert run("view", folder / "photo.png", "--export", folder / "photo", "-q").exit_code == 0
    scene = scene_of(folder / "photo")
    assert scene["media"]["kind"] == "image"
    assert len(scene["maps"]["times_s"]) == 1
    assert scene["regions"]


def test_a_result_finds_its_source_beside_it_or_by_media(folder, tmp_path):
    shutil.copytree(folder / "maps", tmp_path / "maps")
    manifest = tmp_path / "maps" / "scene.json"
    document = json.loads(manifest.read_text())
    document["settings"]["source"]["path"] = "elsewhere/scene.mp4"
    manifest.write_text(json.dumps(document))
    found = run("view", manifest, "--export", tmp_path / "page")
    assert found.exit_code == 1
    assert (
        "has the maps of scene.mp4, which is not at elsewhere/scene.mp4; name the file or its folder with --media"
        in found.output
    )
    shutil.copy(folder / "scene.mp4", tmp_path / "maps")
    assert run("view", manifest, "--export", tmp_path / "page").exit_code == 0
    assert run("view", manifest, "--media", folder / "scene.mp4", "--export", tmp_path / "other").exit_code == 0


def test_the_page_that_predicts_is_exported_with_the_network(tmp_path):
    assert run("view", "--live", tmp_path / "page", "--no-front").exit_code == 0
    scene = scene_of(tmp_path / "page")
    assert scene["live"] == {"network": "network.onnx", "width": 320, "height": 160, "photo_s": -1}
    assert [stream["name"] for stream in scene["maps"]["streams"]] == ["fused", "attention", "experts"]
    assert (scene["maps"]["width"], scene["maps"]["height"]) == (160, 80)
    graph = onnxruntime.InferenceSession(tmp_path / "page" / "items" / "1" / "network.onnx")
    assert [one.name for one in graph.get_inputs()] == ["frames", "state", "carry"], "no time without a front"
    assert (tmp_path / "page" / "live" / "onnxruntime.gzip").is_file()
    found = run("view", "--live", tmp_path / "page")
    assert "holds an earlier export; give --overwrite" in found.output


def test_the_page_that_predicts_needs_an_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    found = run("view", "--live", tmp_path / "page")
    assert found.exit_code == 1
    assert 'pip install "atsal[onnx]"' in found.output
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.mp4"], "nowhere.mp4"),
        (["scene.mp4", "--media", "photo.png"], "belongs to a manifest"),
        (["maps/scene.json", "--media", "photo.png"], "is another file or has changed"),
        (["maps/scene.json", "fused/scene.json", "--media", "scene.mp4"], "there are 2 results"),
        (["maps/scene.json", "--media", "nowhere.mp4"], "which is not at nowhere.mp4"),
        (["scene.mp4", "--export", "maps"], "exists and is no earlier export"),
        (["broken.json"], "expected the manifest of a finished `atsal predict --format npy`"),
        (["empty"], "empty: holds no images or videos"),
    ],
)
def test_mistakes_are_explained(folder, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "broken.json").write_text(json.dumps({"frames": []}))
    found = run("view", "--no-browser", *arguments)
    assert found.exit_code == 1
    assert message in found.output


def test_the_page_is_served_until_ctrl_c(folder, monkeypatch):
    opened = Queue()

    def serve(server):
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = opened.get(timeout=5)
        assert urllib.request.urlopen(f"{address}items/1/scene.json", timeout=5).status == 200
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", lambda address: opened.put(address) or True)
    monkeypatch.setattr("atsal.viewing.server.SiteServer.serve_forever", serve)
    found = run("view", folder / "photo.png")
    assert found.exit_code == 0, found.output
    assert "http://127.0.0.1:" in found.output


def test_without_a_browser_the_address_is_printed(folder, monkeypatch):
    def serve(_server):
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", lambda _address: pytest.fail("a browser was opened"))
    monkeypatch.setattr("atsal.viewing.server.SiteServer.serve_forever", serve)
    found = run("view", folder / "photo.png", "--no-browser")
    assert found.exit_code == 0, found.output
    assert "http://127.0.0.1:" in found.output


def test_an_export_of_several_leaves_out_what_fails_and_says_so(folder, tmp_path):
    (tmp_path / "broken.png").write_bytes((folder / "photo.png").read_bytes()[:500])
    inputs = [tmp_path / "broken.png", folder / "photo.png", folder / "maps", "gone.mp4"]
    found = run("view", *inputs, "--export", tmp_path / "page")
    assert found.exit_code == 3
    assert found.output.count("broken.png") == 1
    assert found.output.count("gone.mp4") == 1
    items = json.loads((tmp_path / "page" / "catalogue.json").read_text())["items"]
    assert [item["name"] for item in items] == ["photo.png", "scene.mp4"]
    for item in items:
        scene = json.loads((tmp_path / "page" / item["folder"] / "scene.json").read_text())
        assert scene["media"]["name"] == item["name"]
        assert (tmp_path / "page" / item["folder"] / scene["maps"]["streams"][0]["chunks"][0]).is_file()


def test_if_everything_fails_nothing_is_written(folder, tmp_path):
    (tmp_path / "broken.png").write_bytes((folder / "photo.png").read_bytes()[:500])
    found = run("view", tmp_path / "broken.png", "gone.mp4", "--export", tmp_path / "page")
    assert found.exit_code == 1
    assert not (tmp_path / "page").exists()


def test_of_several_inputs_each_is_built_when_the_page_asks(folder, monkeypatch):
    def serve(server):
        thread = threading.Thread(target=_really_serve, args=(server,), daemon=True)
        thread.start()
        names = [item["name"] for item in _get(server, "catalogue.json")["items"]]
        assert names == ["photo.png", "scene.mp4"]
        while (scene := _get(server, "items/2/scene.json")).keys() == {"text", "share", "failed"}:
            assert not scene["failed"]
        assert len(scene["maps"]["times_s"]) == 6
        assert _get(server, "items/1/scene.json")["share"] is None
        server.shutdown()
        raise KeyboardInterrupt

    monkeypatch.setattr("atsal.viewing.server.SiteServer.serve_forever", serve)
    found = run("view", folder / "photo.png", folder / "maps", "--no-browser")
    assert found.exit_code == 0, found.output


_really_serve = SiteServer.serve_forever


def _get(server, name):
    with urllib.request.urlopen(f"{server.address}{name}", timeout=5) as answer:
        return json.load(answer)


def test_predict_shows_its_results(folder, tmp_path, monkeypatch):
    def serve(server):
        page.update(server.site)
        page["scene"] = json.loads(server.site["items/1/scene.json"].read_text())
        raise KeyboardInterrupt

    page = {}
    monkeypatch.setattr("webbrowser.open", lambda _address: True)
    monkeypatch.setattr("atsal.viewing.server.SiteServer.serve_forever", serve)
    found = run("predict", folder / "photo.png", tmp_path / "gone.png", "-o", tmp_path / "maps", "--view")
    assert found.exit_code == 3, found.output
    assert "http://127.0.0.1:" in found.output
    assert sorted(path.suffix for path in (tmp_path / "maps").iterdir()) == [".json", ".npy", ".png"]
    assert page["scene"]["media"]["name"] == "photo.png"
    assert page["scene"]["maps"]["streams"][0]["name"] == "fused"


def test_predict_with_view_needs_maps(folder, tmp_path):
    found = run("predict", folder / "photo.png", "-o", tmp_path / "maps", "--format", "png", "--view")
    assert found.exit_code == 1
    assert "add --format npy" in found.output
    assert not (tmp_path / "maps").exists()
