"""Data sets by name: those of this package, and those of other installed packages."""

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.datasets import dataset_named, dataset_names
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError

DECLARATION = """
from dataclasses import replace
from atsal.datasets import dataset_named

DATASETS = (replace(dataset_named("folder"), name={name!r}, title="Made elsewhere"),)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with one module of data sets, as an installer would leave it on the path."""
    site = tmp_path / "site"
    (site / "elsewhere").mkdir(parents=True)
    (site / "elsewhere" / "__init__.py").touch()
    monkeypatch.syspath_prepend(site)

    def make(module, text):
        (site / "elsewhere" / f"{module}.py").write_text(text)
        info = site / "elsewhere-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[atsal.datasets]\nelsewhere = elsewhere.{module}\n")

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "elsewhere"]:
        del sys.modules[name]


def test_names_are_sorted_and_lead_to_their_data_sets():
    names = dataset_names()
    assert list(names) == sorted(set(names))
    assert len(names) == 14
    assert [dataset_named(name).name for name in names] == list(names)


def test_every_data_set_is_documented(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "data-sets" / "README.md").read_text(encoding="utf-8")
    assert [name for name in dataset_names() if f"| [{name}](" not in page] == []


def test_to_list_the_names_needs_no_torch():
    code = "import sys; from atsal.datasets import dataset_names; dataset_names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_another_package_adds_a_data_set(install, tmp_path):
    install("looks", DECLARATION.format(name="elsewhere-looks"))
    assert "elsewhere-looks" in dataset_names()
    assert dataset_named("elsewhere-looks").title == "Made elsewhere"
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in "ab":
        (raw / f"{name}.csv").write_text("observer,lon_deg,lat_deg\n1,0,0\n2,10,5\n")
    words = ["prepare", "elsewhere-looks", str(raw), str(tmp_path / "out"), "--workers", "2"]
    done = CliRunner().invoke(main, words)  # the workers are new processes
    assert done.exit_code == 0, done.output
    assert "2 items made" in done.output
    assert "elsewhere-looks" in CliRunner().invoke(main, ["datasets", "list"]).output


def test_the_documented_example_works(install, pytestconfig, tmp_path):
    page = (pytestconfig.rootpath / "docs" / "data-sets" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(# my_package.*?)```", page, re.DOTALL)
    install("my_sets", example)
    (tmp_path / "a.csv").write_text("observer,timestamp_s,head_lon_deg,head_lat_deg\n1,0,10,5\n1,0.1,20,5\n")
    Image.new("RGB", (64, 32)).save(tmp_path / "a.jpg")
    mine = dataset_named("my-images")
    done = prepare(mine, tmp_path, tmp_path / "out", preparation_for(mine, erp_height=16))
    assert (done.made, done.refused) == (1, {})
    assert PreparedSet(tmp_path / "out").dataset is mine


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import nothing_of_this_name",
            "of package 'elsewhere': cannot be imported .ModuleNot",
        ),
        ("DATASETS = ['folder']", "expected a module with a tuple DATASETS"),
        (DECLARATION.format(name="osie"), "declares the data set osie, which exists; rename it"),
    ],
)
def test_a_broken_package_is_named_and_the_sets_of_this_one_work(install, text, message):
    install("broken", text)
    assert dataset_named("osie").name == "osie"
    with pytest.raises(ConfigError, match=message):
        dataset_names()
