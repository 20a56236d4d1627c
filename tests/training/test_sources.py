import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.augmentation import Stretch, published_variants
from atsal.datasets.prepared.clip import scale_to_peak_one
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.datasets.stimulus import read_some_frames
from atsal.errors import ConfigError, DataError
from atsal.gaze.maps import Window, fixation_map
from atsal.models.config import ModelConfig
from atsal.models.front_prior import PHOTO, FrontPrior
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.sampler import SampleKey
from atsal.training.sources import (
    SphereSource,
    choose_items,
    draw_transform,
    open_prepared,
    recolour,
    validation_keys,
)
from atsal.video.reader import read_frames
from fakes.avtrack360 import write_avtrack360
from fakes.every_set import WRITERS
from training.conftest import DIRECTED, TINY

MODEL = ModelConfig(**TINY)
SIGMA = 12.0
MOVES = {
    "yaw": Augmentation(yaw=True),
    "flip": Augmentation(flip=True),
    "stretch": Augmentation(stretch=1.0),
    "all": Augmentation(yaw=True, flip=True, stretch=0.5),
    "published": Augmentation(published=True),
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A set whose pictures are the maps of its gaze: whatever is done, frame and map look alike."""
    root = tmp_path_factory.mktemp("drawn")
    WRITERS["salient360-images"](root / "raw", items=2)
    dataset = dataset_named("salient360-images")
    prepare(dataset, root / "raw", root / "set", preparation_for(dataset, sigma_deg=SIGMA), workers=1)
    prepared = PreparedSet(root / "set")
    for item in prepared.items:
        saliency = prepared.saliency_map(item, erp_height=64)
        grey = (saliency / saliency.max() * 255).round().astype(np.uint8)
        Image.fromarray(grey).convert("RGB").save(root / "raw" / "Stimuli" / f"{item}_128x64.jpg", quality=100)
    return str(root / "set")


def opened(folder, augmentation=None, **settings):
    return SphereSource(SourceConfig(prepared=folder, **settings), MODEL, augmentation or Augmentation())


def same(first, second):
    return all(
        torch.equal(getattr(first, name), getattr(second, name))
        for name in ("frames", "saliency_maps", "fixation_maps")
    )


def is_under(frame, saliency):
    """Whether a frame of twice the size shows the map."""
    shown = torch.nn.functional.avg_pool2d(frame.float().mean(0, keepdim=True), 2)[0] / 255
    return (shown - saliency[0]).abs().max().item() < 0.06


@pytest.mark.parametrize("move", MOVES)
def test_frame_map_and_counts_move_together(drawn, move):
    source = opened(drawn, MOVES[move])
    peaks = set()
    for seed in range(12):
        sample = source.read(SampleKey(0, seed % 2, seed=seed, repeat=seed), augment=True)
        assert sample.frames.shape == (1, 1, 3, 64, 128)
        assert sample.saliency_maps.shape == sample.fixation_maps.shape == (1, 1, 1, 32, 64)
        assert sample.is_sphere
        assert sample.saliency_maps.max() == 1
        assert is_under(sample.frames[0, 0], sample.saliency_maps[0, 0]), f"seed {seed}"
        assert sample.fixation_maps.sum() == len(source.prepared.fixations(source.items[seed % 2]))
        assert (sample.fixation_maps * sample.saliency_maps).sum() / sample.fixation_maps.sum() > 0.85
        peaks.add((seed % 2, int(sample.saliency_maps.argmax())))
    assert len(peaks) > {"yaw": 8, "all": 8, "published": 6, "flip": 3, "stretch": 1}[move]


def test_each_movement_happens_only_where_it_is_wanted(drawn):
    plain = opened(drawn).read(SampleKey(0, 0), augment=False)
    assert same(plain, opened(drawn).read(SampleKey(0, 0, seed=3), augment=True))
    rows = plain.saliency_maps.flatten(0, 2).amax(-1)
    for seed in range(6):
        turned = opened(drawn, MOVES["yaw"]).read(SampleKey(0, 0, seed=seed), augment=True)
        shift = int(turned.saliency_maps.argmax()) - int(plain.saliency_maps.argmax())
        assert torch.equal(plain.saliency_maps.roll(shift, -1), turned.saliency_maps), (
            "turned, neither mirrored nor stretched"
        )
        flipped = opened(drawn, MOVES["flip"]).read(SampleKey(0, 0, seed=seed), augment=True)
        assert any(same(flipped, other) for other in (plain, mirrored(plain)))
        stretched = opened(drawn, MOVES["stretch"]).read(SampleKey(0, 0, seed=seed), augment=True)
        assert not torch.allclose(stretched.saliency_maps.flatten(0, 2).amax(-1), rows, atol=0.02)


def mirrored(sample):
    return type(sample)(
        sample.name, sample.key, *(x.flip(-1) for x in (sample.frames, sample.saliency_maps, sample.fixation_maps))
    )


def test_stretched_counts_are_counts_of_stretched_fixations(drawn):
    source = opened(drawn, MOVES["stretch"])
    fixations = source.prepared.fixations("P1")
    ends = [fixation_map(Stretch(end).fixations(fixations), 32) for end in ("top", "bottom")]
    assert not np.array_equal(*ends)
    counts = [
        source.read(SampleKey(0, 0, seed=seed), augment=True).fixation_maps[0, 0, 0].numpy() for seed in range(12)
    ]
    found = [[np.array_equal(one, end) for end in ends] for one in counts]
    assert all(sum(one) == 1 for one in found)
    assert {tuple(one) for one in found} == {(True, False), (False, True)}, "either end, by chance"


def test_half_of_the_samples_are_stretched_where_half_are_wanted():
    augmentation = Augmentation(stretch=0.5)
    drawn = [
        draw_transform(augmentation, SampleKey(0, 0), torch.Generator().manual_seed(s), 64).name for s in range(200)
    ]
    assert set(drawn) == {"original", "stretch-top", "stretch-bottom"}
    assert 70 < drawn.count("original") < 130
    assert 25 < drawn.count("stretch-top") < 75


def test_turns_are_whole_pixels_of_the_map_anywhere():
    names = [
        draw_transform(MOVES["yaw"], SampleKey(0, 0), torch.Generator().manual_seed(seed), 8).name
        for seed in range(100)
    ]
    assert set(names) == {f"shift-{45 * k}" for k in range(8)}


def test_published_variants_come_in_turn(drawn):
    source = opened(drawn, MOVES["published"])
    frame = source.read(SampleKey(0, 1), augment=False).frames[0].float()
    variants = published_variants()
    assert len(variants) == 20
    for turn in range(22):
        sample = source.read(SampleKey(0, 1, seed=turn, repeat=turn), augment=True)
        assert torch.equal(sample.frames[0].float(), variants[turn % 20].erp(frame).round())


def test_draws_repeat_with_the_seed(sets):
    source = opened(sets.videos, Augmentation(yaw=True, flip=True, stretch=0.5, colour=0.3))
    key = SampleKey(0, 1, 2, 3, 2, seed=5)
    assert same(source.read(key, augment=True), source.read(key, augment=True))
    others = [source.read(SampleKey(0, 1, 2, 3, 2, seed=seed), augment=True) for seed in range(6, 10)]
    assert not any(same(source.read(key, augment=True), other) for other in others)


def test_a_clip_moves_as_a_whole(sets):
    """Each frame of a clip is what it would be alone under the same seed."""
    source = opened(sets.videos, MOVES["all"])
    for seed in range(4):
        clip = source.read(SampleKey(0, 0, 1, 4, 2, seed=seed), augment=True)
        assert clip.frames.shape == (4, 1, 3, 64, 128)
        assert len({frame.numpy().tobytes() for frame in clip.frames}) == 4
        for at, number in enumerate((1, 3, 5, 7)):
            alone = source.read(SampleKey(0, 0, number, seed=seed), augment=True)
            assert torch.equal(clip.frames[at], alone.frames[0])
            assert torch.equal(clip.saliency_maps[at], alone.saliency_maps[0])
            assert torch.equal(clip.fixation_maps[at], alone.fixation_maps[0])


def test_colours_of_all_frames_change_alike():
    """The second frame is the first one shuffled: it must still be."""
    rng = np.random.default_rng(0)
    first = torch.from_numpy(rng.integers(256, size=(3, 8, 16), dtype=np.uint8))
    order = torch.from_numpy(rng.permutation(8 * 16))
    frames = torch.stack([first, first.flatten(1)[:, order].reshape(3, 8, 16)])
    found = recolour(frames, 0.4, torch.Generator().manual_seed(0))
    assert found.shape == frames.shape
    assert found.dtype == torch.uint8
    assert torch.equal(found[1], found[0].flatten(1)[:, order].reshape(3, 8, 16))
    assert (found.float() - frames.float()).abs().mean() > 5
    correlation = torch.corrcoef(torch.stack([found[0].flatten(), first.flatten()]).float())[0, 1]
    assert correlation > 0.9, "pixels stay where they were"
    assert torch.equal(recolour(frames, 0.0, torch.Generator().manual_seed(0)), frames)


def test_colours_change_where_wanted_and_maps_do_not(sets):
    plain, moved = (
        opened(sets.images, Augmentation(colour=c)).read(SampleKey(0, 0, seed=1), augment=True) for c in (0.0, 0.5)
    )
    assert torch.equal(plain.saliency_maps, moved.saliency_maps)
    apart = (plain.frames.float() - moved.frames.float()).abs()
    assert apart.mean() > 2
    assert same(plain, opened(sets.images, Augmentation(colour=0.5)).read(SampleKey(0, 0, seed=1), augment=False))


def test_the_map_of_a_frame_is_that_of_its_window(sets, tmp_path):
    raw, dataset = sets.root / "raw" / "vr-eyetracking", dataset_named("vr-eyetracking")
    prepare(dataset, raw, tmp_path / "set", preparation_for(dataset, window="200ms"), workers=1, only=("001",))
    source = opened(str(tmp_path / "set"))
    sample = source.read(
        SampleKey(0, 0, 1, 4), augment=False
    )  # frames 1, 2, 3, 4 at 10 a second: windows 0-1, 2-3, 4-5
    windows = [Window(0, 1), Window(2, 3), Window(2, 3), Window(4, 5)]
    for saliency, counts, window in zip(sample.saliency_maps, sample.fixation_maps, windows, strict=True):
        expected = source.prepared.saliency_map("001", window, erp_height=32)
        assert saliency[0, 0].numpy() == pytest.approx(expected / expected.max(), abs=1e-6)
        assert counts.sum() == 6, "three viewers, two frames"
    assert not torch.equal(sample.saliency_maps[0], sample.saliency_maps[1])


def test_maps_of_single_frames_are_of_that_frame_alone(sets):
    source = opened(sets.videos, sigma_deg=5.0)
    sample = source.read(SampleKey(0, 2, 3, 2, 4), augment=False)
    for at, number in enumerate((3, 7)):
        fixations = source.prepared.fixations("003").in_frames(number, number)
        assert np.array_equal(sample.fixation_maps[at, 0, 0].numpy(), fixation_map(fixations, 32))
        assert sample.saliency_maps[at].max() == 1
    assert source.describe()["sigma_deg"] == 5.0
    assert opened(sets.videos).sigma_deg == 9.35, "by default the set's own"
    assert (sample.saliency_maps > 0.5).sum() < (
        opened(sets.videos).read(SampleKey(0, 2, 3, 2, 4), augment=False).saliency_maps > 0.5
    ).sum()


def test_a_frame_nobody_looked_at_has_an_empty_map():
    assert not scale_to_peak_one(torch.zeros(1, 4, 8)).any()
    assert scale_to_peak_one(torch.full((1, 4, 8), 0.2)).unique().tolist() == [1]


def test_a_source_counts_the_frames_of_its_items(sets):
    assert opened(sets.videos).frame_counts == (10, 10, 10)
    assert opened(sets.images).frame_counts == (1,) * 6
    assert opened(sets.videos, exclude=("002",)).frame_counts == (10, 10)


@pytest.mark.parametrize("indices", [[3, 4, 7], [0], [9], [0, 9]])
def test_sought_frames_are_those_read_one_after_another(sets, indices):
    prepared = PreparedSet(Path(sets.videos))
    every = [frame.image for frame in read_frames(sets.root / "raw/vr-eyetracking/videos/002.mp4", size=(64, 32))]
    assert len(every) == 10
    found = list(prepared.pictures("002", indices, size=(64, 32)))
    assert len(found) == len(indices)
    for picture, index in zip(found, indices, strict=True):
        assert np.array_equal(picture, every[index]), index


def test_a_clip_past_the_end_is_told(sets):
    prepared = PreparedSet(Path(sets.videos))
    path = sets.root / "raw/vr-eyetracking/videos/001.mp4"
    with pytest.raises(DataError, match=r"001\.mp4: no frame 10"):
        list(read_some_frames(path, prepared.stimulus("001"), [8, 9, 10], (64, 32)))
    assert len(list(read_some_frames(path, prepared.stimulus("001"), [8, 9], (64, 32)))) == 2
    with pytest.raises(DataError, match=r"no frame 1[0-2]"):
        opened(sets.videos).read(SampleKey(0, 0, 8, 5), augment=False)


def test_folds_partition_the_items_and_are_stable():
    every = [f"{k:02d}" for k in range(20)]
    only = [choose_items(SourceConfig(prepared="x", folds=3, only_fold=k), every) for k in range(3)]
    assert sorted(item for fold in only for item in fold) == every
    assert sorted(map(len, only)) == [6, 7, 7]
    for k, fold in enumerate(only):
        rest = choose_items(SourceConfig(prepared="x", folds=3, without_fold=k), every)
        assert sorted([*fold, *rest]) == every
        assert list(rest) == sorted(rest), "in the order of the set"
        assert fold == choose_items(SourceConfig(prepared="x", folds=3, only_fold=k), every)
    assert list(only[0]) != every[:7], "no run of neighbours"


def test_excluded_items_take_no_part():
    every = ["a", "b", "c", "d"]
    assert choose_items(SourceConfig(prepared="x", exclude=("b", "d")), every) == ("a", "c")
    halves = [choose_items(SourceConfig(prepared="x", exclude=("b",), folds=2, only_fold=k), every) for k in (0, 1)]
    assert sorted(halves[0] + halves[1]) == ["a", "c", "d"]
    with pytest.raises(ConfigError, match="exclude names e, f"):
        choose_items(SourceConfig(prepared="x", exclude=("e", "a", "f")), every)
    with pytest.raises(ConfigError, match="no item is left"):
        choose_items(SourceConfig(prepared="x", exclude=("a", "b", "c", "d")), every)


def test_a_split_of_the_manifest_is_taken(sets, tmp_path):
    _, items = open_prepared(SourceConfig(prepared=sets.videos, split="sst-sal.train"))
    assert items == ("001", "003")
    _, items = open_prepared(SourceConfig(prepared=sets.videos, split="published.train", exclude=("001",)))
    assert items == ("002", "003")
    with pytest.raises(ConfigError, match=r"several splits have a part 'train'; write published\.train or "):
        open_prepared(SourceConfig(prepared=sets.videos, split="train"))
    (tmp_path / "mine.txt").write_text("003\n# a comment\n001.mp4\n")
    _, items = open_prepared(SourceConfig(prepared=sets.videos, split=str(tmp_path / "mine.txt")))
    assert items == ("001", "003")


def test_items_without_picture_are_told(tmp_path):
    WRITERS["salient360-images"](tmp_path / "raw", items=3)
    next((tmp_path / "raw" / "Stimuli").glob("P2_*")).unlink()
    dataset = dataset_named("salient360-images")
    prepare(dataset, tmp_path / "raw", tmp_path / "set", preparation_for(dataset), workers=1)
    with pytest.raises(DataError, match=r"1 of 3 items have no picture \(P2"):
        opened(str(tmp_path / "set"))
    assert opened(str(tmp_path / "set"), exclude=("P2",)).items == ("P1", "P3")


def test_raw_files_that_were_moved_are_found(sets, tmp_path):
    raw, dataset = tmp_path / "raw", dataset_named("salient360-images")
    shutil.copytree(sets.root / "raw" / "salient360-images", raw)
    prepare(dataset, raw, tmp_path / "set", preparation_for(dataset), workers=1)
    raw.rename(tmp_path / "moved")
    with pytest.raises(DataError, match="pass the new folder of the raw files"):
        opened(str(tmp_path / "set")).read(SampleKey(0, 0), augment=False)
    moved = opened(str(tmp_path / "set"), raw=str(tmp_path / "moved")).read(SampleKey(0, 0), augment=False)
    assert same(moved, opened(sets.images).read(SampleKey(0, 0), augment=False))


def test_flat_photos_are_no_frames(sets):
    with pytest.raises(ConfigError, match="holds flat photos"):
        opened(sets.photos)


def test_a_run_notes_its_data(sets):
    noted = opened(sets.images, exclude=("P3",)).describe()
    assert noted["prepared"] == sets.images
    assert noted["dataset"] == "salient360-images"
    assert noted["items"] == ["P1", "P2", "P4", "P5", "P6"]
    assert len(noted["manifest_sha256"]) == 64


class _Frames:
    """A source of which only the frames of its items are known."""

    def __init__(self, *frames, stride=1):
        self.frame_counts, self.config = frames, SourceConfig(prepared="x", stride=stride)


def test_single_frames_are_validated_evenly_spread():
    source = _Frames(100, 1, 3, stride=7)
    keys = validation_keys(source, 2, 4, None)
    assert [[key.first for key in own] for own in keys] == [[12, 37, 62, 87], [0], [0, 1, 2]]
    assert all(
        key.source == 2 and key.item == item and key.starts_video for item, own in enumerate(keys) for key in own
    )
    assert keys == validation_keys(source, 2, 4, None), "the same each time"


def test_videos_are_validated_whole_each_at_the_stride_of_its_source():
    keys = validation_keys(_Frames(11, 4, stride=3), 0, 10, 2)
    assert [[(key.first, key.count, key.stride, key.starts_video) for key in own] for own in keys] == [
        [(0, 2, 3, True), (6, 2, 3, False)],
        [(0, 2, 3, True)],
    ]
    assert [[key.count for key in own] for own in validation_keys(_Frames(5), 0, 10, 2)] == [[2, 2, 1]]


def test_the_prior_moves_with_frame_and_map(sets):
    """Its front is where the frame's front went, whatever the turn; the layers learn what is shown alone."""
    for move, augmentation in MOVES.items():
        source = SphereSource(SourceConfig(prepared=sets.images), ModelConfig.from_dict(DIRECTED), augmentation)
        still = FrontPrior(ModelConfig.from_dict(DIRECTED).directions.head_eye.prior, 32)(torch.tensor([PHOTO]))
        for seed in range(4):
            key = SampleKey(0, 1, seed=seed)
            sample, rng = source.read(key, augment=True), torch.Generator().manual_seed(seed)
            expected = draw_transform(augmentation, key, rng, 64).erp(still)
            assert sample.prior.shape == sample.saliency_maps.shape
            assert torch.allclose(sample.prior[0], expected / expected.max(), atol=1e-6), move


def test_the_prior_of_a_frame_is_that_of_its_time(sets):
    config = ModelConfig.from_dict(DIRECTED)
    source = SphereSource(SourceConfig(prepared=sets.videos), config, Augmentation())
    rate = source.prepared.stimulus(source.items[0]).frames_per_s
    sample = source.read(SampleKey(0, 0, first=0, count=3, stride=4), augment=False)
    assert source.seconds(sample.key).tolist() == pytest.approx([0, 4 / rate, 8 / rate])
    expected = FrontPrior(config.directions.head_eye.prior, 32)(torch.tensor([0, 4 / rate, 8 / rate]))
    assert torch.allclose(sample.prior[:, 0], expected / expected.amax((1, 2, 3), keepdim=True), atol=1e-6)
    assert sample.prior.amax((1, 2, 3, 4)).tolist() == [1, 1, 1]
    assert not torch.allclose(sample.prior[0], sample.prior[2], atol=0.01)


def test_a_set_of_heads_has_the_prior_of_heads(heads):
    config = ModelConfig.from_dict(DIRECTED)
    source = SphereSource(SourceConfig(prepared=heads), config, Augmentation())
    expected = FrontPrior(config.directions.head.prior, 32)(torch.zeros(1))
    assert source.direction == "head"
    assert torch.allclose(source.read(SampleKey(0, 0), augment=False).prior[0], expected / expected.max(), atol=1e-6)


def test_a_still_in_place_of_a_video_is_late(tmp_path):
    """It stands for the whole clip, in which everybody has left the start."""
    write_avtrack360(tmp_path / "raw", items=1, stills=True)
    dataset = dataset_named("avtrack360")
    prepare(dataset, tmp_path / "raw", tmp_path / "set", preparation_for(dataset), workers=1)
    source = SphereSource(SourceConfig(prepared=str(tmp_path / "set")), ModelConfig.from_dict(DIRECTED), Augmentation())
    assert source.prepared.stimulus(source.items[0]).kind == "image"
    assert source.seconds(SampleKey(0, 0)).tolist() == [15], "the middle of a clip of 30 s"


def test_without_directions_there_is_no_prior(sets):
    assert (
        SphereSource(SourceConfig(prepared=sets.videos), MODEL, Augmentation())
        .read(SampleKey(0, 0), augment=False)
        .prior
        is None
    )
