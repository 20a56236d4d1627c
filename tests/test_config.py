import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

import pytest

from atsal.config import apply_overrides, dump_yaml, from_mapping, load_yaml, read_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.evaluation.benchmark_config import BenchmarkConfig
from atsal.evaluation.protocol import read_protocol
from atsal.models.config import ModelConfig
from atsal.models.loading import find_weights
from atsal.training.config import TrainConfig

DIRECTIONS = find_weights("lite").config.to_dict()["directions"]


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("-2E+3", -2000.0),
        ("3e5", 3e5),
        ("1.5e-3", 0.0015),
        ("0.25", 0.25),
        ("12", 12),
        ("e4", "e4"),
        ("1e", "1e"),
        ("1e-4x", "1e-4x"),
        ("'1e-4'", "1e-4"),
        ("2026-01-01e5", "2026-01-01e5"),
    ],
)
def test_numbers_with_an_exponent_are_numbers(tmp_path, text, value):
    path = tmp_path / "one.yaml"
    path.write_text(f"rate: {text}\nrates: [{text}]\n")
    found = load_yaml(path)
    assert found == {"rate": value, "rates": [value]}
    assert type(found["rate"]) is type(value)


def test_other_readers_of_yaml_are_left_alone():
    import yaml

    assert apply_overrides({}, ["rate=1e-4"]) == {"rate": 1e-4}
    assert yaml.safe_load("rate: 1e-4") == {"rate": "1e-4"}


def test_a_text_with_a_colon_is_told(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("title: one: two\n")
    with pytest.raises(ConfigError, match=r"(?s)bad\.yaml: is not valid YAML.*in quotes"):
        load_yaml(path)


def test_dumped_values_are_read_again_in_their_order(tmp_path):
    values = {"z": 1e-5, "a": [1, 2.5, None, True], "title": "90° · 1: two", "m": {"y": [], "b": "no", "c": "0012"}}
    path = tmp_path / "dumped.yaml"
    path.write_text(dump_yaml(values), encoding="utf-8")
    assert load_yaml(path) == values
    assert list(load_yaml(path)) == ["z", "a", "title", "m"]
    assert "90° · 1" in path.read_text(encoding="utf-8"), "readable"


def test_dumped_texts_that_look_like_numbers_stay_texts(tmp_path):
    path = tmp_path / "dumped.yaml"
    path.write_text(dump_yaml({"exclude": ["1e5", "12e3"]}))
    assert load_yaml(path) == {"exclude": ["1e5", "12e3"]}


STAGE = {"epochs": 10, "optimisers": [{"rate": 0.1}, {"rate": 0.2}], "model": {"size": 3}, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("epochs=3", {"epochs": 3}),
        ("epochs=", {"epochs": None}),
        ("title=a = b", {"title": "a = b"}),
        ("rate=1e-3", {"rate": 1e-3}),
        ("model.size=4", {"model": {"size": 4}}),
        ("model.crops.tilt=0.5", {"model": {"size": 3, "crops": {"tilt": 0.5}}}),
        ("validation.patience=2", {"validation": {"patience": 2}}),
        ("optimisers.1.rate=1e-3", {"optimisers": [{"rate": 0.1}, {"rate": 1e-3}]}),
        ("optimisers.0.kind=adam", {"optimisers": [{"rate": 0.1, "kind": "adam"}, {"rate": 0.2}]}),
        ("optimisers.0={rate: 1}", {"optimisers": [{"rate": 1}, {"rate": 0.2}]}),
        ("tags=[x, y, z]", {"tags": ["x", "y", "z"]}),
        ("tags.1=c", {"tags": ["a", "c"]}),
        ("model=null", {"model": None}),
    ],
)
def test_settings_are_replaced_by_their_place(override, expected):
    assert apply_overrides(STAGE, [override]) == STAGE | expected


def test_later_overrides_win_and_the_given_values_stay():
    before = {"model": {"size": 3}, "tags": ["a"]}
    found = apply_overrides(before, ["model.size=4", "tags.0=b", "model.size=5", "model=null", "model.size=6"])
    assert found == {"model": {"size": 6}, "tags": ["b"]}
    assert before == {"model": {"size": 3}, "tags": ["a"]}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "expected key=value"),
        ("=3", "expected key=value"),
        ("optimisers.2.rate=1", "found '2' as index of a list of 2"),
        ("optimisers.rate=1", "found 'rate' as index of a list of 2"),
        ("optimisers.-1.rate=1", "found '-1' as index of a list of 2"),
        ("tags.2=c", "found '2' as index of a list of 2"),
        ("epochs.more=1", "more stands below 10, which has no parts"),
        ("tags=[a", "is not valid YAML"),
    ],
)
def test_overrides_that_fit_nowhere_are_told(override, message):
    with pytest.raises(ConfigError, match=message):
        apply_overrides(STAGE, [override])


@pytest.mark.parametrize("override", ["tags.0.more=1", "tags.0.more.still=1"])
def test_a_list_of_texts_has_no_parts(override):
    with pytest.raises(ConfigError, match="no parts"):
        apply_overrides(STAGE, [override])


@pytest.mark.parametrize("values", [["a"], None, "a"])
def test_what_is_no_mapping_is_left_for_from_mapping_to_refuse(values):
    left = apply_overrides(values, ["epochs=3"])
    assert left == values
    with pytest.raises(ConfigError, match=r"f\.yaml: found .*, expected a mapping"):
        from_mapping(Outer, left, "f.yaml")


def test_the_first_of_equally_close_names_is_the_nearest():
    assert suggest_name("lon", ["u", "lon_deg", "lon_rad"]) == "; did you mean 'lon_deg'?"


def test_nearest_lists_all_where_nothing_is_close():
    assert suggest_name("zzz", ["lite", "paper"]) == "; expected one of lite, paper"


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
        {"erp_height": 0},
        {"map_height": 0},
        {"map_height": 1024, "directions": DIRECTIONS},
        {"directions": {"head": DIRECTIONS["head"]}},
        {"mean": [1.0, 2.0]},
    ],
)
def test_model_settings_out_of_range(changed):
    with pytest.raises(ConfigError):
        ModelConfig.from_dict({"architecture": "lite", "erp_height": 160, "face_size": 128, **changed})


def test_model_settings_survive_json():
    config = ModelConfig("lite", 160, 128, mean=(1.0, 2.0, 3.0))
    assert ModelConfig.from_dict(config.to_dict()) == config


LITE = {"architecture": "lite", "erp_height": 160, "face_size": 96}
ONE_EPOCH = {
    "title": "t",
    "part": "equator",
    "train": [{"prepared": "x"}],
    "epochs": 1,
    "loss": "kld-cc",
    "optimisers": [{"learning_rate": 0.1}],
    "batch": 1,
    "start": "lite",
}


@pytest.mark.parametrize(
    "changed",
    [
        {"map_height": 10**9},
        {"map_height": 0},
        {"map_height": 1024, "directions": DIRECTIONS},
        {"face_size": 32 * 10**6},
        {"erp_height": 32 * 10**6},
        {"erp_height": 0},
        {"erp_height": 100},
        {"attention_exponent": math.nan},
        {"experts_exponent": -1.0},
        {"experts_exponent": math.inf},
        {"directions": DIRECTIONS | {"head": DIRECTIONS["head"] | {"smoothing_deg": math.nan}}},
        {"directions": DIRECTIONS | {"head": DIRECTIONS["head"] | {"smoothing_deg": 1e9}}},
        {"directions": DIRECTIONS | {"head": DIRECTIONS["head"] | {"exponent": -1.0}}},
        {"scale": math.inf},
        {"mean": [math.nan, 0, 0]},
        {"face_fov_deg": math.nan},
        {"map_height": 10**400},
        {"map_height": 320.5},
        {"face_size": True},
    ],
)
def test_sizes_and_exponents_of_models_are_bounded(changed):
    ModelConfig.from_dict(LITE)
    with pytest.raises(ConfigError) as raised:
        ModelConfig.from_dict(LITE | changed)
    assert len(str(raised.value)) < 300


def test_a_model_made_in_python_is_checked_too():
    with pytest.raises(ConfigError, match="attention_exponent nan: expected 0 to 100"):
        ModelConfig("lite", 160, 96, attention_exponent=math.nan)


@pytest.mark.parametrize(
    "changed",
    [
        {"epochs": 10**15},
        {"batch": 10**9},
        {"accumulate": 10**9},
        {"clip_frames": 10**9},
        {"max_steps_per_epoch": 10**15},
        {"seed": -1},
        {"seed": 10**30},
        {"averaging": math.nan},
        {"clip_norm": math.nan},
        {"title": "a\0b"},
        {"train": [{"prepared": "x", "frames_per_item": 10**12}]},
        {"train": [{"prepared": "x", "stride": 10**12}]},
        {"train": [{"panoramas": "x", "teachers": ["lite"], "tilted": 10**9}]},
        {"train": [{"panoramas": "x", "teachers": ["lite"], "tilt_deg": math.nan}]},
        {"photo_views": {"size": 10**6}},
        {"photo_views": {"count": 10**9}},
        {"train": [{"scenes": 10**9, "teachers": ["lite"]}]},
        {"train": [{"videos": ["x"], "teachers": ["lite"], "taught_frames": 0}]},
        {"optimisers": [{"learning_rate": math.nan}]},
        {"optimisers": [{"learning_rate": 0.1}] * 1000},
        {"validation": {"sources": [{"prepared": "x"}], "frames_per_item": 10**12}},
    ],
)
def test_counts_of_a_training_are_bounded(changed):
    from_mapping(TrainConfig, ONE_EPOCH, "x.yaml")
    with pytest.raises(ConfigError, match=r"x\.yaml"):
        from_mapping(TrainConfig, ONE_EPOCH | changed, "x.yaml")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train": [{"prepared": "x", "teacher_face_size": 192}]}, "teacher_face_size is for a source with teachers"),
        ({"train": [{"prepared": "x", "tilted": 2}]}, "tilted is for a source with teachers"),
        ({"train": [{"panoramas": "x", "teachers": ["lite"], "tilt_deg": 10}]}, "tilt_deg is for tilted copies"),
        ({"train": [{"panoramas": "x", "teachers": ["lite"], "taught_frames": 4}]}, "taught_frames is for videos"),
        ({"start": "lite", "model": None, "pretrained": "x.pth"}, "pretrained is for a start from scratch"),
    ],
)
def test_settings_that_change_nothing_are_refused(changed, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping(TrainConfig, ONE_EPOCH | changed, "x.yaml")


def test_counts_of_benchmarks_and_protocols_are_bounded():
    benchmark = {
        "title": "t",
        "datasets": [{"prepared": "x", "protocol": "folder-video"}],
        "predictors": [{"baseline": "viewers"}],
    }
    from_mapping(BenchmarkConfig, benchmark, "b.yaml")
    for changed in (
        {"resamples": 10**9},
        {"seed": -1},
        {"predictors": [{"baseline": "viewers", "repeats": 10**9}]},
        {"predictors": [{"model": "lite", "stride": 10**12}]},
    ):
        with pytest.raises(ConfigError, match=r"b\.yaml.*expected"):
            from_mapping(BenchmarkConfig, benchmark | changed, "b.yaml")
    with pytest.raises(ConfigError, match="erp_height 1000000: expected 1 to 2048"):
        dataclasses.replace(read_protocol("folder-video"), erp_height=10**6)


def test_values_of_a_file_are_shown_short():
    with pytest.raises(ConfigError) as raised:
        from_mapping(TrainConfig, ONE_EPOCH | {"x" * 10**6: 1}, "x.yaml")
    assert len(str(raised.value)) < 600
    shared = [1]
    for _ in range(60):
        shared = [shared, shared]
    with pytest.raises(ConfigError, match="expected int"):
        from_mapping(TrainConfig, ONE_EPOCH | {"epochs": shared}, "x.yaml")


def test_what_is_dumped_is_read_again(tmp_path):
    shared = ["a", "010", "1:30", ".5e3", "1e5", "yes", "2020-01-01", "*x", "&y", ""]
    values = {"one": shared, "two": shared, "three": 1e-05, "four": [0.1, 3, True, None]}
    (tmp_path / "x.yaml").write_text(dump_yaml(values), "utf-8")
    assert load_yaml(tmp_path / "x.yaml") == values


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"panoramas": "x", "videos": ["y"], "teachers": ["lite"]}, "found panoramas and videos of"),
        ({}, "found none of prepared, photos, panoramas, videos, scenes"),
        ({"videos": ["y"]}, "panoramas, videos, scenes need teachers"),
        ({"scenes": 3}, "panoramas, videos, scenes need teachers"),
        ({"prepared": "x", "teachers": ["lite"]}, "other sources take none"),
        ({"collage": [{"prepared": "x"}]}, "unknown setting 'collage'"),
    ],
)
def test_a_source_is_of_one_kind(source, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping(TrainConfig, ONE_EPOCH | {"train": [source]}, "x.yaml")


def test_what_is_taught_comes_in_single_frames():
    for source in ({"scenes": 3, "teachers": ["lite"]}, {"videos": ["y"], "teachers": ["lite"]}):
        from_mapping(TrainConfig, ONE_EPOCH | {"train": [source]}, "x.yaml")
        with pytest.raises(ConfigError, match="sources with teachers give single frames"):
            from_mapping(TrainConfig, ONE_EPOCH | {"train": [source], "clip_frames": 4}, "x.yaml")
