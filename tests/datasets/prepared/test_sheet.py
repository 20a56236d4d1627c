import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from atsal.datasets import dataset_named
from atsal.datasets.dataset import ItemGaze
from atsal.datasets.prepared.checks import statistics_warnings
from atsal.datasets.prepared.sheet import draw_set, draw_sheet, set_title
from atsal.datasets.prepared.statistics import SetStatistics, add_up, item_statistics
from atsal.errors import MissingDependencyError
from atsal.gaze.checked_records import Drop
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import GazeSamples, PlanarFixations
from fakes.declared import declared

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.filterwarnings("error")

DECLARED = declared(
    title="Made up $once$",  # no formula
    stimuli="videos",
    items=60,
    observers="3",
    url="https://example.org",
)


def statistics(items=3, drops=(), lat_deg=0.0, rates=(100.0,)):
    rng = np.random.default_rng(0)

    def track(observer, rate):
        lon, lat = rng.uniform(-3, 3, 50), np.clip(np.deg2rad(rng.normal(lat_deg, 10, 50)), -1.5, 1.5)
        return GazeSamples(observer, np.arange(50) / rate, head_eye=unit_vectors(lon, lat))

    def gaze():
        return ItemGaze(tuple(track(f"o{k}", rate) for k, rate in enumerate(rates)), drops=drops)

    return add_up(item_statistics(f"item-{n}", gaze(), "head_eye") for n in range(items))


def photos():
    fixations = PlanarFixations(np.array(["a"]), np.array([0.3]), np.array([0.9]))
    return item_statistics("p", ItemGaze(fixations=fixations), "eye")


def test_a_page_of_its_size():
    page = draw_sheet(statistics(), DECLARED, [])
    assert page.shape == (1200, 1600, 3)
    assert page.dtype == np.uint8
    assert page.std() > 20


def test_the_title_is_the_name_of_the_set(tmp_path, monkeypatch):
    (tmp_path / "museum").mkdir()
    monkeypatch.chdir(tmp_path / "museum")
    published = SimpleNamespace(folder=tmp_path / "museum", dataset=DECLARED)
    own = SimpleNamespace(folder=Path(), dataset=dataset_named("folder"))
    assert set_title(published) == DECLARED.title
    assert set_title(own) == "museum: a folder of stimuli and tables"
    drawn = []
    own.statistics = statistics
    monkeypatch.setattr(
        "atsal.datasets.prepared.sheet.draw_sheet", lambda _found, dataset, _warnings: drawn.append(dataset)
    )
    draw_set(own)
    assert drawn[0].title == set_title(own)


def test_gaze_high_up_is_drawn_high_up():
    def brightest_row(lat_deg):
        picture = draw_sheet(statistics(lat_deg=lat_deg), DECLARED, [])[180:670, 100:1000].astype(float)
        return picture.sum((1, 2)).argmax()

    assert brightest_row(50) < brightest_row(0) < brightest_row(-50)


def test_warnings_are_shown():
    found = statistics(drops=(Drop("out of range", 500, "f"),))
    texts = statistics_warnings(found, DECLARED)
    assert texts
    without, shown = draw_sheet(found, DECLARED, []), draw_sheet(found, DECLARED, texts)
    assert (without[980:] != shown[980:]).any()
    assert (without[:900] == shown[:900]).all()


@pytest.mark.parametrize(
    "found",
    [
        SetStatistics(),
        statistics(items=1),
        statistics(items=45, rates=(50.0, 100.0)),
        statistics(rates=tuple(np.linspace(20, 90, 12))),
        statistics(drops=tuple(Drop(f"a reason of ${n}$ " + "long " * 30, n + 1, "f") for n in range(9))),
        photos(),
    ],
    ids=["nothing", "one item", "many items", "many rates", "many reasons", "photos"],
)
def test_every_kind_of_set_fits_on_it(found):
    texts = [f"warning {n}: " + "many words " * 30 for n in range(9)]
    assert draw_sheet(found, replace(DECLARED, url="https://example.org/" + "long" * 100), texts).std() > 10


def test_it_loads_late_and_leaves_no_state():
    code = (
        "import sys; from atsal.datasets.prepared.statistics import SetStatistics;"
        "from atsal.datasets.prepared.sheet import draw_sheet;"
        "assert 'matplotlib' not in sys.modules; from test_sheet import DECLARED;"
        "draw_sheet(SetStatistics(), DECLARED, []); assert 'matplotlib.pyplot' not in sys.modules"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingDependencyError, match=r'matplotlib: pip install "atsal\[data\]"'):
        draw_sheet(statistics(), DECLARED, [])
