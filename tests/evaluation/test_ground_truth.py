"""What is scored, and what is refused before anything is."""

import pytest

from atsal.datasets import dataset_named
from atsal.errors import ConfigError, DataError
from atsal.evaluation.ground_truth import GroundTruth
from atsal.evaluation.protocol import Protocol, protocol_for, protocol_names, read_protocol
from evaluation.conftest import prepared, protocol
from fakes.folder import write_folder
from fakes.gaze import Target
from fakes.salient360_images import write_salient360_images
from fakes.vr_eyetracking import write_vr_eyetracking

SIMPLE = {"title": "t", "datasets": ("folder",), "direction": "head_eye", "events": "fixations", "window": "clip"}


def test_every_ready_protocol_fits_its_data_sets():
    for name in protocol_names():
        ready = read_protocol(name)
        for dataset in map(dataset_named, ready.datasets):
            assert ready.direction in dataset.directions
            assert (dataset.stimuli == "photos") == ready.is_planar
            assert ready.split is None or ready.part in dataset.splits[ready.split]
            assert ready.fit_part is None or ready.fit_part in dataset.splits[ready.split]
            if not ready.is_planar and dataset.name != "folder":
                assert ready.sigma_deg == dataset.sigma_deg[ready.direction], name


def test_the_published_splits_have_their_sizes():
    for name, sizes in {"vr-eyetracking": (134, 74), "vr-eyetracking-140-66": (140, 66)}.items():
        ready = read_protocol(name)
        parts = dataset_named("vr-eyetracking").splits[ready.split]
        assert (len(parts[ready.fit_part]), len(parts[ready.part])) == sizes


def test_a_protocol_of_ones_own_is_checked(tmp_path):
    file = tmp_path / "mine.yaml"
    text = "title: t\ndatasets: [folder]\ndirection: head_eye\nevents: fixations\nwindow: clip\nweighting: none\n"
    file.write_text(text + "erp_height: 32\nsigma_deg: 2\n")
    assert read_protocol("mine.yaml", tmp_path).sigma_deg == 2
    for wrong, message in {
        "sigma: 2": "unknown setting 'sigma'",
        "erp_height: 32": "go together",
        "title: a: b": "colon in quotes",
        "erp_height: 32\nsigma_deg: 0": "sigma_deg",
        "erp_height: 32\nsigma_deg: 2\nmetrics: [ccc]": "did you mean 'cc'",
        "erp_height: 32\nsigma_deg: 2\nsplit: a": "split and part",
        "erp_height: 32\nsigma_deg: 2\nsplit: a\npart: b\nfit_part: b": "fit_part",
    }.items():
        file.write_text(text + wrong + "\n")
        with pytest.raises(ConfigError, match=message) as told:
            read_protocol(str(file))
        assert "mine.yaml" in str(told.value)
    with pytest.raises(ConfigError, match="did you mean 'sitzmann'"):
        read_protocol("sitzman")


def test_flat_photos_have_no_solid_angle():
    with pytest.raises(ConfigError, match="flat photos"):
        Protocol(**SIMPLE, weighting="solid_angle")


def test_a_set_prepared_for_something_else_is_refused(folder_set, photo_set):
    for changed, message in (
        ({"direction": "head"}, "direction head_eye; the protocol scores head.*--direction head"),
        ({"events": "ivt"}, "--events ivt"),
        ({"datasets": ("sitzmann",)}, "holds folder"),
    ):
        with pytest.raises(ConfigError, match=message):
            GroundTruth(folder_set, protocol("folder-video", **changed))
    with pytest.raises(ConfigError, match="holds osie"):
        GroundTruth(photo_set, protocol("folder-video"))


def test_the_protocol_for_a_set_is_found_or_asked_for(folder_set, photo_set, tmp_path):
    assert protocol_for(photo_set) == "flat-photos"
    assert protocol_for(folder_set) == "folder-video"
    write_folder(tmp_path / "stills", items=1)
    for direction, name in (("head_eye", "folder-images"), ("head", "folder-images-head")):
        still = prepared("folder", tmp_path / "stills", tmp_path / direction, direction=direction)
        assert protocol_for(still) == name
    write_vr_eyetracking(tmp_path / "vr", items=1)
    with pytest.raises(ConfigError, match="choose a protocol: vr-eyetracking, vr-eyetracking-140-66, "):
        protocol_for(prepared("vr-eyetracking", tmp_path / "vr", tmp_path / "vr_out"))


def test_a_protocol_for_any_events_says_which_it_was(folder_set):
    truth = GroundTruth(folder_set, protocol("folder-video"))
    assert protocol("folder-video").events == "any"
    assert truth.protocol.events == "fixations"


def test_chosen_items_are_scored_whatever_the_protocol(folder_set, tmp_path):
    (tmp_path / "mine.txt").write_text("video_4.mp4\nimage_1\n")
    chosen = protocol("folder-video", fit_part=None).choosing(folder_set, str(tmp_path / "mine.txt"))
    assert GroundTruth(folder_set, chosen).items == ("image_1", "video_4")
    with pytest.raises(ConfigError, match="no part 'test' of a split"):
        protocol("folder-video").choosing(folder_set, "test")


def test_augmented_variants_are_not_scored(tmp_path):
    write_salient360_images(tmp_path / "raw", items=2)
    found = prepared("salient360-images", tmp_path / "raw", tmp_path / "out", erp_height=32, augment="published")
    assert len(found.items) == 40
    assert GroundTruth(found, protocol("salient360-images")).items == tuple(
        item for item in found.items if "+" not in item
    )


def test_only_the_part_is_scored_and_what_is_not_prepared_is_named(tmp_path):
    write_vr_eyetracking(tmp_path / "raw", items=24)
    found = prepared("vr-eyetracking", tmp_path / "raw", tmp_path / "out")
    truth = GroundTruth(found, protocol("vr-eyetracking"))
    assert truth.items == ("023", "024"), "1-22 are for training"
    assert truth.fit_items == tuple(f"{n:03d}" for n in range(1, 23))
    assert {part: len(items) for part, items in truth.unprepared().items()} == {"test": 72, "train": 112}
    write_vr_eyetracking(tmp_path / "few", items=2)
    with pytest.raises(DataError, match="no item of part test"):
        GroundTruth(prepared("vr-eyetracking", tmp_path / "few", tmp_path / "few_out"), protocol("vr-eyetracking"))


def test_the_fingerprint_follows_gaze_and_protocol(folder_set):
    first = GroundTruth(folder_set, protocol("folder-video")).fingerprint()
    assert first == GroundTruth(folder_set, protocol("folder-video")).fingerprint()
    assert first != GroundTruth(folder_set, protocol("folder-video", sigma_deg=9.0)).fingerprint()


def test_the_fingerprint_follows_the_stimulus(tmp_path):
    """Windows and baselines depend on it."""
    write_folder(tmp_path / "raw", items=2)
    first = GroundTruth(prepared("folder", tmp_path / "raw", tmp_path / "out"), protocol("folder-video")).fingerprint()
    Target(99).write_video(tmp_path / "raw" / "video_2.mp4", seconds=1.6)
    again = GroundTruth(prepared("folder", tmp_path / "raw", tmp_path / "out"), protocol("folder-video")).fingerprint()
    assert first != again
