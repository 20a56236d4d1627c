"""What a user reads after a mistake. messages.txt pins every message, so that a change of wording is deliberate.

ATSAL_REWRITE_MESSAGES=1 pytest tests/test_messages.py     rewrites the file; read its difference before you commit
"""

import builtins
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.untrusted import yaml_text
from fakes.folder import write_folder

SNAPSHOT = Path(__file__).with_name("messages.txt")
TRAIN = """title: test
part: equator
loss: kld-cc
epochs: 1
batch: 2
model: {architecture: lite, erp_height: 32, map_height: 32, face_size: 32}
optimisers: [{kind: adamw, learning_rate: 0.003}]
train: [{prepared: prepared}]
"""
BENCHMARK = "title: test\ndatasets: [{prepared: prepared, protocol: folder-video}]\npredictors: [{baseline: uniform}]\n"

# One mistake a line, as typed in a folder that `write_inputs` fills.
MISTAKES = """
atsal predct still.png -o out
atsal predict -o out
atsal predict still.png
atsal predict missing.png -o out
atsal predict empty.png -o out
atsal predict text.mp4 -o out
atsal predict notes.txt -o out
atsal predict photo.heic -o out
atsal predict tall.png -o out
atsal predict nothing -o out
atsal predict ftp://user:word@example.org/a.mp4 -o out
atsal predict still.png -o s3://bucket/out
atsal predict still.png -o out.mp4
atsal predict still.png -o still.png
atsal predict still.png -o still.png/out
atsal predict stills -o stills
atsal predict still.png stills/still.png -o out
atsal predict still.png -o out --stream both
atsal predict still.png -o out --format png --format png16
atsal predict still.png -o out --size 640x330
atsal predict still.png -o out --fps 5 --stride 2
atsal predict still.png -o out --start 3 --end 2
atsal predict still.png -o out --end 2 --duration 2
atsal predict still.png -o out --colormap jet
atsal predict still.png -o out --opacity 75
atsal predict still.png -o out --format npy --legend
atsal predict still.png -o out --front 90 --no-front
atsal predict still.png -o out --device toaster
atsal predict still.png -o out --face-size 33
atsal predict still.png -o out --model lit
atsal predict still.png -o out --model paper
atsal predict still.png -o out --model still.png
atsal predict still.png -o out --model nothing
atsal predict still.png -o out --model damaged
atsal batch -o out
atsal batch still.png --catalogue notes.txt -o out
atsal batch --catalogue notes.txt -o out
atsal batch none/*.png -o out
atsal batch stills -o stills
atsal batch still.png -o https://example.org/out
atsal batch still.png -o s3://bucket/out --engine ray
atsal batch --status -o nowhere
atsal compare stills -o c.mp4
atsal compare still.png -o c.jpg
atsal compare still.png -o still.png --overwrite
atsal direct still.png -o film.mp4
atsal direct still.png -o film.avi
atsal direct still.png -o film.mp4 --plan film.plan.json --trace heads.csv
atsal direct still.png -o film.mp4 --viewer anna
atsal tiles still.png -o tiles.json
atsal tiles still.png -o tiles.txt
atsal tiles still.png -o tiles.json --grid 8
atsal encode still.png -o out.mp4 --crf 30
atsal encode missing.mp4 -o out.mp4 --crf 30
atsal encode missing.mp4 -o out.mp4
atsal encode missing.mp4 -o out.mp4 --crf 30 --codec svtav1
atsal encode missing.mp4 -o out.mp4 --crf 30 --codec h264
atsal encode raw/video_2.mp4 -o out.mp4 --crf 30 --maps train.yaml
atsal encode raw/video_2.mp4 -o out.mkv --crf 30
atsal roi raw/video_2.mp4 -o out.txt --for x265-zones
atsal quality raw/video_2.mp4 missing.mp4
atsal quality raw/video_2.mp4 raw/video_2.mp4 --gaze prepared --item video
atsal quality raw/video_2.mp4 raw/video_2.mp4 --trace notes.txt
atsal view missing.mp4
atsal view still.png --media still.png
atsal view still.png --export stills
atsal view
atsal view --live still.png
atsal view --live page --export page
atsal predict still.png -o maps --format png --view
atsal view still.png --item video_2
atsal view prepared --item video
atsal report still.png -o report.html
atsal report still.png -o report.pdf
atsal info missing.mp4
atsal info nothing
atsal datasets info vreyetracking
atsal prepare vr-eyetracking nothing out
atsal prepare folder raw stills
atsal prepare avtrack360 raw out --direction head_eye
atsal prepare folder raw out --item image_9
atsal prepare folder samples out
atsal prepare folder samples out --columns observer=who,lon=x,lat_deg=y
atsal prepare folder samples out --columns observer=who,lon_deg=x,lat_deg=y
atsal prepare folder samples out --columns timestamp_s,head_lon_deg
atsal prepare avtrack360 raw out --columns observer=who
atsal prepare folder raw out --split train=0.8,test=0.3
atsal prepare folder raw out --split train=image_9
atsal inspect raw -o look
atsal inspect prepared nobody -o look
atsal evaluate maps prepared --split trian
atsal evaluate maps prepared --pattern map.png
atsal evaluate maps prepared --protocol folder-vidoe
atsal evaluate nowhere prepared --protocol folder-video
atsal benchmark missing.yaml -o out
atsal benchmark notes.txt -o out
atsal benchmark typo.yaml -o out
atsal benchmark train.yaml -o out
atsal train missing.yaml -o run
atsal train train.yaml
atsal train train.yaml -o run epoch=3
atsal train train.yaml -o run epochs=many
atsal train train.yaml -o run epochs
atsal train train.yaml -o stills
atsal weights info papre
atsal weights download
atsal weights download expert
atsal weights import --attention notes.txt --poles notes.txt --equator notes.txt -o weights
atsal weights import --attention missing.pth --poles notes.txt --equator notes.txt -o weights
atsal weights front notes.txt -o prior.json
atsal weights front missing.csv -o prior.json
atsal export lite.pt
atsal export old.onnx
atsal bench clip.mp4 --json nowhere/speed.json
""".strip().splitlines()

# What a command says where an optional package is not installed.
MISSING_PACKAGES = {
    "onnx": "atsal export lite.onnx",
    "onnxruntime": "atsal predict still.png -o out --runtime onnx",
    "openvino": "atsal predict still.png -o out --runtime openvino",
    "yaml": "atsal train train.yaml -o run",
    "gdown": "atsal weights download --all",
}


def write_inputs(folder):
    Image.fromarray(np.full((32, 64, 3), 99, np.uint8)).save(folder / "still.png")
    Image.new("RGB", (30, 40)).save(folder / "tall.png")
    for name in ("stills", "nothing", "maps", "damaged", "samples"):
        (folder / name).mkdir()
    shutil.copy(folder / "still.png", folder / "stills")
    (folder / "empty.png").touch()
    (folder / "old.onnx").touch()
    (folder / "text.mp4").write_text("not a video " * 50)
    (folder / "notes.txt").write_text("my notes: none: at all\n")
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder / "damaged" / "model.json").write_text("{")
    (folder / "samples" / "a.csv").write_text("observer,timestamp_s,head_lon_deg,head_lat_deg\nann,0,1,2\n")
    (folder / "train.yaml").write_text(TRAIN)
    (folder / "typo.yaml").write_text(BENCHMARK.replace("predictors", "predictor"))
    write_folder(folder / "raw", items=2, observers=3)
    np.save(folder / "maps" / "image_1.npy", np.ones((1, 32, 64), np.float32))
    prepared = CliRunner().invoke(main, ["prepare", "folder", "raw", "prepared", "--workers", "1"])
    assert prepared.exit_code == 0, prepared.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistakes")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ATSAL_HOME", str(folder / "home"))
        patch.setenv("COLUMNS", "120")
        write_inputs(folder)
        yield folder


def ask(line: str, folder: Path) -> str:
    """The command, its exit code and all that it prints, without what differs from machine to machine."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    found = CliRunner().invoke(main, line.split()[1:], prog_name="atsal")
    assert isinstance(found.exception, SystemExit), (line, found.exception)
    assert "Traceback" not in found.output
    assert {path for path in folder.rglob("*") if path.is_file()} <= set(before), f"{line}: something was written"
    text = found.output.replace(str(folder), "FOLDER")
    text = re.sub(r"\(Expected one of cpu, [^)]*\)", "(TORCH'S REASON)", text)
    return f"$ {line}\n[{found.exit_code}]\n{text.rstrip()}\n"


def test_the_messages_are_those_of_the_snapshot(folder, monkeypatch):
    parts = [ask(line, folder) for line in MISTAKES]
    importing = builtins.__import__
    for package, line in MISSING_PACKAGES.items():

        def refuse(name, *arguments, missing=package, **settings):
            if name.split(".")[0] == missing:
                raise ImportError(f"No module named {missing!r}", name=missing)
            return importing(name, *arguments, **settings)

        with monkeypatch.context() as patch:
            for name in [name for name in sys.modules if name.split(".")[0] == package]:
                patch.delitem(sys.modules, name)
            yaml_text._make_loader.cache_clear()
            patch.setattr(builtins, "__import__", refuse)
            patch.setattr("importlib.util.find_spec", lambda name, *_, missing=package: None if name == missing else 1)
            parts.append(f"(without {package}) " + ask(line, folder))
    text = "\n".join(parts)
    if os.environ.get("ATSAL_REWRITE_MESSAGES"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    expected = SNAPSHOT.read_text(encoding="utf-8")
    assert text == expected, "if the change is meant: ATSAL_REWRITE_MESSAGES=1 pytest tests/test_messages.py"


def test_every_message_has_an_exit_code_of_the_documented_ones():
    codes = set(re.findall(r"^\[(\d+)\]$", SNAPSHOT.read_text(encoding="utf-8"), re.M))
    assert codes == {"1", "2"}
