"""Results that somebody made up: the page and the report show them, or say what is wrong with them."""

import hashlib
import json
import os

import numpy as np
import pytest
from PIL import Image

from atsal.errors import AtsalError
from atsal.jobs.checksums import file_sha256
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.viewing.entries.result import make_result_entry
from atsal.viewing.media import prepare_media
from atsal.viewing.report import make_report
from atsal.viewing.saved_result import open_result
from fakes.disc_video import picture, write_video

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def result(tmp_path):
    """A manifest of a clip of three frames as a document, and the folder of its maps."""
    (tmp_path / "clip").mkdir()
    (tmp_path / "maps" / "clip").mkdir(parents=True)
    rng, frames = np.random.default_rng(2), []
    for number in range(3):
        picture = tmp_path / "clip" / f"{number:03d}.png"
        Image.fromarray(rng.integers(0, 255, (32, 64, 3), dtype=np.uint8)).save(picture)
        name = f"clip/{number:06d}.npy"
        np.save(tmp_path / "maps" / name, rng.random((16, 32), dtype=np.float32))
        frames.append({"index": number, "timestamp_s": number / 30, "files": [name], "peaks": {"fused": 1.0}})
    lines = "".join(f"{path.name} {file_sha256(path)}\n" for path in sorted((tmp_path / "clip").iterdir()))
    source = {"path": str(tmp_path / "clip"), "kind": "sequence", "sha256": hashlib.sha256(lines.encode()).hexdigest()}
    options = {"streams": ["fused"], "formats": ["npy"], "reading": {"stereo": "mono"}}
    settings = {"source": source, "model": {"folder": "lite"}, "options": options}
    return tmp_path / "maps", {"settings": settings, "frames": frames, "problem": None}


def show(folder, document, built):
    """Return the scene of the page and the report of a result."""
    manifest = folder / "clip.json"
    manifest.write_text(json.dumps(document))
    built.mkdir()
    make_result_entry(manifest).build(built, lambda _done, _total: None)
    scene = json.loads((built / "scene.json").read_text(), parse_constant=pytest.fail)
    return scene, make_report(open_result(manifest))


def test_names_with_markup_are_text(result, tmp_path):
    folder, document = result
    document["settings"]["model"]["folder"] = document["problem"] = MARKUP
    scene, report = show(folder, document, tmp_path / "built")
    assert MARKUP in scene["made_by"]
    assert "&lt;img" in report
    assert "<img src=x" not in report


def test_a_name_of_any_bytes_has_a_report(result, tmp_path):
    folder, document = result
    source = (tmp_path / "clip").rename(tmp_path / os.fsdecode(b"clip \xff\x1b[31m"))
    document["settings"]["source"]["path"] = str(source)
    _, report = show(folder, document, tmp_path / "built")
    assert b"<h1>clip \\udcff\\x1b[31m</h1>" in report.encode()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["settings", "options", "streams"], [MARKUP]),
        (["settings", "options", "streams"], ["../../x"]),
        (["settings", "options", "streams"], [["fused"]]),
        (["settings", "options", "reading", "stereo"], []),
        (["settings", "source", "kind"], []),
        (["settings", "source", "path"], "x" * 5000),
        (["problem"], True),
        (["problem"], [MARKUP]),
        (["frames", 1, "index"], True),
        (["frames", 2, "timestamp_s"], 1e308),
        (["frames", 0, "timestamp_s"], -1e308),
        (["frames", 2, "timestamp_s"], "nan"),
        (["frames", 2, "timestamp_s"], "inf"),
        (["frames"], ""),
    ],
)
def test_values_of_another_kind_are_an_error(result, tmp_path, place, value):
    folder, document = result
    *parents, last = place
    inner = document
    for name in parents:
        inner = inner[name]
    inner[last] = value
    with pytest.raises(AtsalError, match=r"clip\.json: "):
        show(folder, document, tmp_path / "built")


@pytest.mark.parametrize(
    "saliency",
    [
        np.ones((8, 16), np.float32),  # others of the run have another size
        np.full((16, 32), 1e308),
        np.full((16, 32), 1e-310),
        np.full((16, 32), np.inf, np.float16),
        np.full((16, 32), np.nan, np.float32),
        np.full((16, 32), -1, np.float32),
    ],
    ids=["size", "large", "small", "infinite", "nan", "negative"],
)
def test_maps_whose_numbers_mean_nothing_are_an_error(result, tmp_path, saliency):
    folder, document = result
    np.save(folder / "clip" / "000001.npy", saliency)
    with pytest.raises(AtsalError):
        show(folder, document, tmp_path / "built")


def test_a_map_that_is_mostly_a_hole_on_the_disk_is_an_error(result, tmp_path):
    folder, document = result
    path = folder / "clip" / "000001.npy"
    with path.open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (200_000, 400_000)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 2 * 200_000 * 400_000)
    with pytest.raises(AtsalError, match=r"has the shape \(200000, 400000\); expected a map \(h, 2h\), h at most 4096"):
        show(folder, document, tmp_path / "built")


def test_times_that_are_nearly_equal_are_drawn(result, tmp_path):
    folder, document = result
    for number, frame in enumerate(document["frames"]):
        frame["timestamp_s"] = number * 5e-324
    _, report = show(folder, document, tmp_path / "built")
    assert "NaN" not in report
    assert ">nan" not in report
    assert '"nan' not in report


@pytest.mark.parametrize(("name", "shown"), [("x.html", "media.mp4"), ("x.js", "media.mp4"), ("x.WebM", "media.webm")])
def test_a_video_becomes_no_page_and_no_script_by_its_name(tmp_path, name, shown):
    path = tmp_path / name
    write_video(tmp_path / "x.mp4", [picture(0)])
    (tmp_path / "x.mp4").rename(path)
    media, served = prepare_media(Source(path, "video"), ReadOptions(), tmp_path, copy=False)
    assert (media.file, served) == (shown, path)
