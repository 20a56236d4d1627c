"""The weights that a run starts from, and its sources."""

import pytest
import torch

from atsal.config import from_mapping
from atsal.errors import ConfigError
from atsal.models.weight_folder import PARTS, read_weight_folder, write_weight_folder
from atsal.training.config import SourceConfig, TrainConfig
from atsal.training.setup import load_trained_part, open_sources, write_start
from training.conftest import TINY
from training.runs import same


def test_stages_follow_each_other(trained):
    """The next stage starts from the model of the one before, and notes both; a part can begin as another one."""
    first = trained("photos", "first")
    second = trained("photos", "second", part="poles", start=str(first / "model"), start_part="equator", model=None)
    start = read_weight_folder(second / "start")
    assert same(start.load("poles"), read_weight_folder(first / "model").load("equator"))
    assert [stage["part"] for stage in read_weight_folder(second / "model").provenance["stages"]] == [
        "equator",
        "poles",
    ]


def test_a_part_that_begins_as_another_knows_what_that_one_saw(settings, tmp_path):
    first = from_mapping(TrainConfig, settings("photos"), "")
    write_start(first, tmp_path / "first")
    bundle, seen = read_weight_folder(tmp_path / "first"), {"experts": {"avtrack360": ["1"]}}
    parts = {part: bundle.load(part) for part in PARTS}
    write_weight_folder(tmp_path / "seen", bundle.config, parts, {"trained_on": seen})
    values = settings("frames", start=str(tmp_path / "seen"), start_part="equator", model=None)
    write_start(from_mapping(TrainConfig, values, ""), tmp_path / "start")
    assert read_weight_folder(tmp_path / "start").provenance["trained_on"] == seen | {
        "attention": {"avtrack360": ["1"]}
    }


def test_gaze_in_360_needs_a_model_with_a_prior(settings, sets, tmp_path):
    scratch = from_mapping(TrainConfig, settings("photos", model=TINY), "")
    write_start(scratch, tmp_path / "stage")
    model = read_weight_folder(tmp_path / "stage").config
    on_gaze = from_mapping(TrainConfig, settings("frames", start=str(tmp_path / "stage"), model=None), "")
    with pytest.raises(ConfigError, match=r"no front prior yet.*`atsal weights fuse`"):
        open_sources(on_gaze.train, on_gaze, model, tmp_path / "taught")


def test_the_fused_map_is_turned_to_the_direction_of_the_gaze(settings, sets, heads, tmp_path):
    """Which is one for all sources; the layers of a part alone know no direction, and learn from both."""
    config = from_mapping(TrainConfig, settings("fused", train=[{"prepared": heads, "stride": 5}], validation=None), "")
    write_start(config, tmp_path / "start")
    bundle = read_weight_folder(tmp_path / "start")
    opened = open_sources(config.train, config, bundle.config, tmp_path / "taught")
    assert load_trained_part(bundle, config, opened).network.direction == "head"
    both = open_sources([*config.train, SourceConfig(prepared=sets.videos)], config, bundle.config, tmp_path / "taught")
    with pytest.raises(ConfigError, match="gaze of its sources is of two directions"):
        load_trained_part(bundle, config, both)
    alone = from_mapping(TrainConfig, settings("clips"), "")
    assert load_trained_part(bundle, alone, both).network.direction == "head_eye"


def test_a_run_from_published_layers_begins_with_logits_of_order_one(sets, tmp_path):
    from atsal.models.config import ModelConfig
    from atsal.models.loading import new_parts

    torch.manual_seed(0)
    model = ModelConfig("paper", erp_height=64, face_size=32, map_height=64, scale=1.0)
    saliency, _ = new_parts(model)["equator"](torch.randn(1, 3, 64, 64) * 60)
    assert 0.01 < saliency.mean() < 0.99
