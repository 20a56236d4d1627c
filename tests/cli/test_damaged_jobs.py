"""Jobs whose video is damaged: what could be read is kept, and the reason says what is missing."""

import pytest

from atsal.cli.served_kinds import command_kinds
from atsal.serving.kinds import Means, Work
from atsal.video.synthetic_scene import render_video

pytestmark = pytest.mark.slow  # a process loads PyTorch
KINDS = command_kinds()


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """The bytes of a video that is cut off, and of one that is damaged in the middle."""
    path = tmp_path_factory.mktemp("whole") / "scene.mp4"
    render_video(path, seconds=2, frame_rate=12, erp_height=64, seed=1)
    content = path.read_bytes()
    at = int(len(content) * 0.8)
    return {"cut": content[: int(len(content) * 0.85)], "damaged": content[:at] + bytes(400) + content[at + 400 :]}


@pytest.mark.parametrize("damage", ["cut", "damaged"])
@pytest.mark.parametrize(
    ("kind", "options", "result"),
    [
        ("predict", {"format": ["npy"]}, "source.json"),
        ("predict", {"format": ["overlay"]}, "source.overlay.mp4"),
        ("compare", {}, "comparison.mp4"),
        ("regions", {}, "regions.json"),
        ("direct", {"resolution": 64}, "film.mp4"),
        ("tiles", {"segment": 0.5}, "tiles.json"),
        ("view", {}, "index.html"),
    ],
)
def test_what_could_be_read_is_kept_and_the_reason_says_what_is_missing(
    tmp_path, monkeypatch, broken, damage, kind, options, result
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source.mp4").write_bytes(broken[damage])
    end = KINDS[kind].run(Work("", kind, options, "source.mp4"), Means("cpu"), lambda *_: None)
    assert end.is_done, end
    assert end.reason.startswith("source.mp4: breaks after")
    assert end.reason.endswith(("before the break are written.", "before the break are shown."))
    assert (tmp_path / "result" / result).exists()


def test_a_job_of_which_nothing_is_kept_fails(tmp_path, monkeypatch, broken):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source.mp4").write_bytes(broken["cut"][:1000])
    end = KINDS["predict"].run(Work("", "predict", {}, "source.mp4"), Means("cpu"), lambda *_: None)
    assert not end.is_done
    assert end.reason.startswith("source.mp4: ")
