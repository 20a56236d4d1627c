from dataclasses import dataclass
from typing import Literal

import pytest

from atsal.config import from_mapping, nearest, read_yaml
from atsal.errors import ConfigError
from atsal.models.config import ModelConfig


@dataclass(frozen=True)
class Inner:
    size: int
    rate: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    kind: Literal["a", "b"] = "a"
    tags: tuple[str, ...] = ()
    limit: float | None = None


def test_nested_settings():
    built = from_mapping(
        Outer, {"name": "x", "inner": {"size": 3, "rate": 1}, "tags": ["p", "q"], "limit": 2}, "f.yaml"
    )
    assert built == Outer("x", Inner(3, 1.0), "a", ("p", "q"), 2.0)
    assert isinstance(built.inner.rate, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "x", "inner": {"size": 3}, "nmae": 1}, "f.yaml: unknown setting 'nmae'; did you mean 'name'"),
        ({"name": "x"}, "f.yaml: setting 'inner' is missing"),
        ({"name": "x", "inner": {"sise": 3}}, "f.yaml: inner: unknown setting 'sise'; did you mean 'size'"),
        ({"name": "x", "inner": {"size": "3"}}, "f.yaml: inner: size: found '3' .str., expected int"),
        ({"name": "x", "inner": {"size": True}}, "found True"),
        ({"name": 3, "inner": {"size": 3}}, "expected str"),
        ({"name": "x", "inner": {"size": 3}, "kind": "c"}, "found 'c'"),
        ({"name": "x", "inner": [1]}, "expected a mapping"),
    ],
)
def test_wrong_settings_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping(Outer, values, "f.yaml")


def test_yaml(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("name: x\ninner: { size: 4 }\n")
    bad.write_text("name: [x\n")
    assert read_yaml(Outer, good).inner.size == 4
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        read_yaml(Outer, bad)
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        read_yaml(Outer, tmp_path / "none.yaml")


def test_nearest_lists_all_where_nothing_is_close():
    assert nearest("zzz", ["lite", "paper"]) == "; expected one of lite, paper"


@pytest.mark.parametrize(
    "changed",
    [
        {"architecture": "big"},
        {"layout": "cross"},
        {"channel_order": "gbr"},
        {"erp_height": 100},
        {"face_size": 100},
        {"face_fov_deg": 80.0},
        {"scale": 0.0},
        {"smoothing_deg": -1.0},
        {"frame_height": 100},
        {"frame_height": 0},
        {"map_height": 0},
        {"mean": [1.0, 2.0]},
    ],
)
def test_model_settings_out_of_range(changed):
    with pytest.raises(ConfigError):
        ModelConfig.from_dict({"architecture": "lite", "erp_height": 160, "face_size": 128, **changed})


def test_model_settings_survive_json():
    config = ModelConfig("lite", 160, 128, mean=(1.0, 2.0, 3.0))
    assert ModelConfig.from_dict(config.to_dict()) == config
