"""Architectures of this package and of others. The other package is the one that docs/models/README.md shows."""

import dataclasses
import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import atsal
from atsal.cli import main
from atsal.errors import ConfigError, WeightsError
from atsal.models.architecture import GROUP, architecture_names, find_architecture
from atsal.models.config import ModelConfig
from atsal.models.loading import build_network, find_weights
from atsal.models.weight_folder import PARTS

FRAME = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)


def code_blocks(pytestconfig):
    """The Python code of the page: the module, then how to make weights."""
    page = (pytestconfig.rootpath / "docs" / "models" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.S)


def install(folder, package, code, entry):
    """Lay a package with its metadata in `folder`, as pip does."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text(code)
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty folder of packages on `sys.path`; what is imported from it is forgotten afterwards."""
    site = tmp_path / "site"
    site.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(site)
    yield site
    for name in set(sys.modules) - before:
        if str(site) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.fixture
def tiny(site, pytestconfig):
    """The package of the page, installed, with its weights made as the page says."""
    module, weights = code_blocks(pytestconfig)
    install(site, "tiny_saliency", module, "tiny = tiny_saliency:TINY")
    exec(compile(weights, "README.md", "exec"), {})
    return find_architecture("tiny")


@pytest.mark.parametrize("runtime", ["torch", "auto"])
def test_a_model_of_another_package_predicts_by_its_name(tiny, runtime):
    model = atsal.load_model("tiny", runtime=runtime, device="cpu")
    assert model.config == tiny.default_config
    saliency = model.predict_image(FRAME)
    assert saliency.shape == (64, 128)
    assert saliency.min() >= 0
    assert saliency.std() > 0
    _, state = model.step(FRAME, None, ("experts",), seconds=0.0)
    assert state.shape == (6, 8, 8, 8)
    again, _ = model.step(255 - FRAME, state, ("experts",), seconds=0.1)
    alone, _ = model.step(255 - FRAME, None, ("experts",), seconds=0.1)
    assert not np.array_equal(again["experts"], alone["experts"]), "the state counts"


def test_a_weight_folder_that_names_it_is_opened(tiny, tmp_path):
    tiny.weights.rename(tmp_path / "mine")
    model = atsal.load_model(tmp_path / "mine", runtime="torch", device="cpu")
    assert model.predict_image(FRAME).shape == (64, 128)
    with pytest.raises(WeightsError, match=r"the weights of 'tiny' are not in .*: give the path of a weight folder"):
        find_weights("tiny")


def test_it_is_listed(tiny):
    assert architecture_names() == ("lite", "paper", "tiny")
    output = CliRunner().invoke(main, ["weights", "list"], catch_exceptions=False).output
    assert re.search(r"tiny +three convolutions a part +yes", output)


def test_without_its_package_the_weight_folder_says_what_is_missing(tiny, tmp_path, site):
    tiny.weights.rename(tmp_path / "mine")
    (site / "tiny_saliency-1.0.dist-info" / "entry_points.txt").unlink()
    with pytest.raises(
        WeightsError, match=r"model\.json: architecture 'tiny': neither built in .*; install the package"
    ):
        find_weights(tmp_path / "mine")
    with pytest.raises(
        ConfigError, match=r"model 'tiny' is neither a name nor a weight folder; expected one of lite, "
    ):
        find_weights("tiny")
    with pytest.raises(ConfigError, match=r"architecture 'litle': neither built in .*; did you mean 'lite'"):
        ModelConfig("litle", erp_height=64, face_size=32)


@pytest.mark.parametrize(
    ("code", "entry", "message"),
    [
        (
            "1 / 0",
            "odd = broken:ODD",
            r"'odd' of package 'broken': cannot be imported \(ZeroDivisionError: .*; update",
        ),
        ("", "odd = broken:ODD", "cannot be imported .*AttributeError"),
        ("ODD = 3", "odd = broken:ODD", "found 3, expected an Architecture named 'odd'"),
        ("from atsal.models.lite import LITE as ODD", "odd = broken:ODD", "expected an Architecture named 'odd'"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(site, code, entry, message):
    install(site, "broken", code, entry)
    with pytest.raises(ConfigError, match=message):
        find_architecture("odd")


def test_two_packages_with_one_name_are_refused(site):
    for package in ("one", "other"):
        install(site, package, "", f"tiny = {package}:TINY")
    with pytest.raises(
        ConfigError, match=r"'tiny' of package 'one', 'other': provided more than once; uninstall all but one"
    ):
        find_architecture("tiny")


def test_no_package_replaces_a_built_in_architecture(site):
    install(site, "other", "raise RuntimeError", "lite = other:LITE")
    assert find_architecture("lite").weights.is_dir()
    assert architecture_names() == ("lite", "paper")


@pytest.mark.parametrize("name", ["lite", "paper"])
def test_the_built_in_ones_have_three_parts(name):
    import torch

    architecture = find_architecture(name)
    with torch.device("meta"):
        parts = architecture.new_parts(architecture.default_config)
    assert set(parts) == set(PARTS)
    for group in ("mask", "average", "decoder"):
        prefixes = architecture.parameter_groups[group]
        assert any(key.startswith(prefixes) for part in parts.values() for key in part.state_dict()), group


def test_the_weights_that_ship_have_the_default_settings_of_lite():
    shipped = find_weights("lite").config
    assert dataclasses.replace(shipped, directions=None) == find_architecture("lite").default_config


def test_the_state_has_the_shape_that_the_architecture_says():
    import torch

    network = build_network(find_weights("lite"))
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 160, 320)).state.shape == network.state_shape == (1, 6, 96, 4, 4)
