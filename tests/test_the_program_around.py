"""The library changes nothing of the program that uses it: imports, and calls of each kind, each in a process."""

import json
import os
import subprocess
import sys

import pytest

from fakes.fixations2d import write_density_maps
from fakes.folder import write_folder

# What a program may have set, and has to find again. Threads are asked in new ones too, as a server starts them.
PROGRAM = """
import csv, gc, importlib, json, locale, logging, os, pkgutil, random, signal, sys, threading, warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

root = Path(sys.argv[1])
torch.set_num_threads(4)


def in_new_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def state():
    return {
        "threads": torch.get_num_threads(),
        "threads of a new thread": in_new_thread(torch.get_num_threads),
        "threads between operations": torch.get_num_interop_threads(),
        "warnings": [str(entry) for entry in warnings.filters],
        "showwarning": repr(warnings.showwarning),
        "signals": {str(number): repr(signal.getsignal(number)) for number in signal.valid_signals()},
        "logging": repr([logging.root.handlers, logging.root.level, logging.root.manager.disable]),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "recursion": sys.getrecursionlimit(),
        "csv": csv.field_size_limit(),
        "locale": locale.setlocale(locale.LC_ALL),
        "hooks": [repr(hook) for hook in (sys.excepthook, threading.excepthook, sys.displayhook, sys.unraisablehook)],
        "chance": [repr(random.getstate()), repr(np.random.get_state()), repr(torch.get_rng_state().tolist())],
        "numpy": [repr(np.geterr()), repr(np.get_printoptions())],
        "torch": repr([
            str(torch.get_default_dtype()),
            str(torch.get_default_device()),
            torch.is_grad_enabled(),
            torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.allow_tf32,
            torch.backends.mkldnn.enabled,
            torch.is_autocast_enabled("cpu"),
        ]),
        "pillow": Image.MAX_IMAGE_PIXELS,
        "collector": repr([gc.isenabled(), gc.get_threshold()]),
    }


def on_threads(function, count=8):
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: function(), range(3 * count)))


def imports():
    import atsal

    chance = random.getstate()
    import httpx  # Rich, which it imports, draws a number; whoever imports `atsal.client` has both

    random.setstate(chance)
    for module in pkgutil.walk_packages(atsal.__path__, "atsal."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def predict(runtime):
    import atsal

    erp = np.asarray(Image.open(root / "raw" / "image_1.png"))
    models = [in_new_thread(lambda: atsal.load_model("lite", runtime=runtime)) for _ in range(4)]
    assert {model.session.threads for model in models} == {2}, "half of the four that are set, for each"
    for model in models[:2]:
        in_new_thread(lambda: model.predict_image(erp))
        model.predict_image(erp, height=60)
        for _ in model.predict_video(root / "raw" / "video_2.mp4", duration_s=0.3):
            pass


def images():
    from atsal.video.image_reader import read_image

    on_threads(lambda: read_image(root / "raw" / "image_1.png"))


def metrics():
    from atsal.evaluation.metrics import METRICS, all_metrics
    from atsal.projection import solid_angle_weights

    maps = np.random.default_rng(0).random((5, 32, 64))
    counts = (maps > 0.9).astype(float)
    weights = solid_angle_weights(32)
    all_metrics(maps[0], maps[1], counts[2], other_fixations=counts[3], baseline=maps[4], weights=weights)


def prepare_and_benchmark():
    from atsal.config import from_mapping
    from atsal.datasets import dataset_named
    from atsal.datasets.prepared.preparation import preparation_for
    from atsal.datasets.prepared.prepare import prepare
    from atsal.evaluation.benchmark import Benchmark
    from atsal.evaluation.benchmark_config import BenchmarkConfig
    from atsal.evaluation.report import write_report

    dataset = dataset_named("folder")
    prepare(dataset, root / "raw", root / "prepared", preparation_for(dataset))
    entry = {"prepared": "prepared", "protocol": "protocol.yaml", "name": "fake"}
    predictors = [{"baseline": "centre"}, {"baseline": "spectral-residual"}]
    values = {"title": "test", "datasets": [entry], "predictors": predictors}
    benchmark = Benchmark(from_mapping(BenchmarkConfig, values, "test"), root, root / "scored")
    write_report(benchmark.run(), root / "scored", benchmark.draw)


def train():
    from atsal.config import from_mapping
    from atsal.training.config import TrainConfig
    from atsal.training.run import train
    from atsal.training.trainer import Machine

    values = json.loads((root / "train.json").read_text())
    train(from_mapping(TrainConfig, values, "test"), root / "run", Machine(torch.device("cpu"), 0, 1))


def export():
    from atsal.prediction.export import export_onnx

    export_onnx("lite", root / "lite.onnx")


def changes(before, after):
    changed = {}
    for name, value in before.items():
        if isinstance(value, dict):
            value, after[name] = (sorted(map(str, found.items())) for found in (value, after[name]))
        if isinstance(value, list):
            changed |= {f"{name}: {old}"[:200]: new[:200] for old, new in zip(value, after[name]) if old != new}
            value, after[name] = len(value), len(after[name])
        if value != after[name]:
            changed[name] = [value, after[name]]
    return changed


uses = sys.argv[2:]
if uses != ["imports()"]:
    imports()
if "train()" in uses:  # what PyTorch itself sets when it first trains, and its log when it is first written
    import torch._inductor.runtime.cache_dir_utils as inductor
    import torch.utils.tensorboard

    inductor.cache_dir()
found = {}
for use in uses:
    before = state()
    eval(use)
    found[use] = changes(before, state())
print(json.dumps(found))
"""

PROTOCOL = """title: small
datasets: [folder]
direction: head_eye
events: fixations
window: 200ms
weighting: solid_angle
erp_height: 32
sigma_deg: 8
"""
TRAIN = {
    "title": "small",
    "part": "equator",
    "loss": "kld-cc",
    "model": {"architecture": "lite", "erp_height": 32, "map_height": 32, "face_size": 32},
    "epochs": 1,
    "batch": 2,
    "optimisers": [{"kind": "adamw", "learning_rate": 0.003}],
}


NEEDS = {
    "predict('openvino')": ("openvino", "onnx"),
    "predict('onnx')": ("onnxruntime", "onnx"),
    "export()": ("onnx",),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    write_folder(folder / "raw", items=4, observers=4)
    (folder / "protocol.yaml").write_text(PROTOCOL)
    write_density_maps(folder / "photos", items=4)
    sources = [{"photos": str(folder / "photos")}]
    (folder / "train.json").write_text(json.dumps(TRAIN | {"train": sources, "validation": {"sources": sources}}))
    return folder


@pytest.mark.parametrize(
    "uses",
    [
        ("imports()",),
        ("predict('torch')", "predict('openvino')", "images()", "prepare_and_benchmark()", "train()"),
        pytest.param(("predict('onnx')", "metrics()", "export()"), marks=pytest.mark.slow),
    ],
    ids=lambda uses: uses[0],
)
def test_a_program_finds_everything_as_it_was(uses, root, tmp_path):
    """One process for many uses: to start it and to import everything takes longer than most of them."""
    for package in sorted({package for use in uses for package in NEEDS.get(use, ())}):
        pytest.importorskip(package)
    environment = os.environ | {"ATSAL_HOME": str(tmp_path)}
    arguments = [sys.executable, "-c", PROGRAM, str(root), *uses]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {use: {} for use in uses}


def test_importing_takes_no_large_block():
    """A block of 31 MiB, touched or not, changes when the C library gives memory back: for the whole program."""
    program = (
        "import tracemalloc, torch\n"
        "made = []\n"
        "empty = torch.empty\n"
        "torch.empty = lambda *a, **k: made.append(a) or empty(*a, **k)\n"
        "import atsal.evaluation.metric_inputs, atsal.evaluation.metrics, atsal.evaluation.scoring\n"
        "assert not made, made\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
