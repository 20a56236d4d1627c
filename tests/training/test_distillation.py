import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, normalize

from atsal.config import from_mapping
from atsal.errors import ConfigError, DataError, WeightsError
from atsal.models.config import ModelConfig
from atsal.models.loading import build_network, find_weights, new_parts
from atsal.models.weight_folder import PARTS, write_weight_folder
from atsal.projection import erp_directions, resize_erp, solid_angle_weights
from atsal.training import distillation
from atsal.training.checkpoint import Progress
from atsal.training.config import Augmentation, SourceConfig, TrainConfig
from atsal.training.distillation import TURNS, DistillationSource, expert_consensus, with_tilted_copies
from atsal.training.frames_without_gaze import FramesWithoutGaze
from atsal.training.sampler import SampleKey
from atsal.training.setup import open_sources, provenance
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import Scene, render_video
from fakes.lite_data import write_panoramas
from training.conftest import TINY

MODEL = ModelConfig(**TINY)
DIRECTIONS = [(1, 0.3, 0.4), (-0.6, -0.5, -1), (0.2, 1, 0.3), (-0.1, -1, 0.2), (0, 0, -1), (1, 1, 1)]


def spot(direction, height):
    """An ERP map (1, 1, H, 2H) with its peak of 1 in a direction."""
    along = erp_directions(height) @ normalize(torch.tensor(direction, dtype=torch.float64), dim=0)
    return torch.exp(-0.5 * (torch.arccos(along.clamp(-1, 1)) / 0.3) ** 2).float()[None, None]


def apart_deg(saliency, direction):
    """From the map's centre of mass to a direction, in degrees."""
    height = saliency.shape[-2]
    weight = saliency.reshape(height, -1, 1).double() ** 4 * solid_angle_weights(height)[..., None]
    centre = normalize((weight * erp_directions(height)).sum((0, 1)), dim=0)
    along = centre @ normalize(torch.tensor(direction, dtype=torch.float64), dim=0)
    return torch.rad2deg(torch.arccos(along.clamp(-1, 1))).item()


def stub(run_experts, map_height=32):
    return SimpleNamespace(config=SimpleNamespace(map_height=map_height), run_experts=run_experts)


@pytest.fixture(scope="module")
def panoramas(tmp_path_factory):
    """A folder of pictures, and two teachers."""
    root = tmp_path_factory.mktemp("panoramas")
    write_panoramas(root / "pictures", 3)
    teachers = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        parts = {name: part.state_dict() for name, part in new_parts(MODEL).items()}
        teachers.append(str(write_weight_folder(root / f"teacher_{seed}", MODEL, parts, {})))
    return SimpleNamespace(
        folder=str(root / "pictures"),
        teachers=tuple(teachers),
        new_run=lambda: tmp_path_factory.mktemp("run") / "taught",
    )


@pytest.fixture
def few_turns(monkeypatch):
    """Two turns of the cube in place of eight."""
    monkeypatch.setattr(distillation, "TURNS", TURNS[2:4])
    distillation._turns.cache_clear()
    yield
    distillation._turns.cache_clear()


def opened(panoramas, augmentation=None, taught=None, **settings):
    settings = {"teachers": panoramas.teachers[:1]} | settings
    if not settings.keys() & {"videos", "scenes"}:
        settings["panoramas"] = panoramas.folder
    return DistillationSource(
        SourceConfig(**settings), MODEL, augmentation or Augmentation(), taught or panoramas.new_run()
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_turns_of_the_cube_are_undone(direction):
    """Experts that mark what is bright mark it where it was, whichever way the cube was turned."""
    seen = []

    def bright(erp):
        seen.append(erp)
        return resize_erp(erp.mean(1, keepdim=True) / 255, 32), None

    frame = (spot(direction, 64) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    found = expert_consensus(stub(bright), frame, 32)
    assert found.shape == (1, 1, 32, 64)
    assert (found - spot(direction, 32)).abs().max() < 0.08
    assert len(seen) == len(TURNS)
    assert all((seen[k] - seen[0]).abs().max() > 20 for k in range(1, len(TURNS))), "each turn shows another view"
    assert seen[0].max() > 200, "grey levels, not shares"


def test_every_turn_counts_the_same():
    """Experts that mark straight ahead whatever they see mark the directions that the cube was turned to."""
    ahead = spot((0, 0, 1), 32)
    found = expert_consensus(stub(lambda erp: (ahead, None)), torch.zeros(2, 3, 64, 128, dtype=torch.uint8), 32)
    assert found.shape == (2, 1, 32, 64)
    yaw_pitch = [np.deg2rad(turn[:2]) for turn in TURNS]
    turned_to = [(np.sin(lon) * np.cos(lat), np.sin(lat), np.cos(lon) * np.cos(lat)) for lon, lat in yaw_pitch]
    expected = torch.stack([spot(direction, 32) for direction in turned_to]).mean(0)
    assert (found - expected).abs().max() < 0.05
    assert torch.equal(found[0], found[1])


def test_the_consensus_has_the_height_asked_for():
    found = expert_consensus(stub(lambda erp: (spot((0, 0, 1), 32), None)), torch.zeros(1, 3, 64, 128), 16)
    assert found.shape == (1, 1, 16, 32)


def test_frames_and_maps_are_tilted_alike():
    frames = torch.cat([(spot(d, 64) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1) for d in DIRECTIONS])
    maps = torch.cat([spot(d, 32) for d in DIRECTIONS])
    all_frames, all_maps = with_tilted_copies(frames, maps, 2, 25.0)
    assert all_frames.shape == (18, 3, 64, 128)
    assert all_frames.dtype == torch.uint8
    assert torch.equal(all_frames[:6], frames)
    assert torch.equal(all_maps[:6], maps)
    moved = []
    for number in range(6, 18):
        shown = avg_pool2d(all_frames[number].float().mean(0, keepdim=True), 2) / 255
        assert (shown - all_maps[number]).abs().max() < 0.12
        moved.append(apart_deg(all_maps[number][None], DIRECTIONS[number % 6]))
    assert max(moved) > 10
    assert max(moved) < 37, "pitched and rolled by at most 25 degrees each"
    assert len({round(m, 3) for m in moved}) == 12
    again = with_tilted_copies(frames, maps, 2, 25.0)
    assert torch.equal(again[0], all_frames), "a property of the source, not of the run"


@pytest.mark.usefixtures("few_turns")
def test_copies_are_items_of_the_same_name(panoramas):
    source = opened(panoramas, tilted=2)
    assert source.frame_counts == (1,) * 9
    assert (
        source.read(SampleKey(0, 7), augment=False).name
        == source.read(SampleKey(0, 1), augment=False).name
        == "pictures/made_up_1"
    )
    assert not torch.equal(
        source.read(SampleKey(0, 7), augment=False).frames, source.read(SampleKey(0, 1), augment=False).frames
    )


@pytest.mark.usefixtures("few_turns")
def test_teachers_are_averaged(panoramas):
    one = {"exclude": ("made_up_1", "made_up_2")}
    first, second = (opened(panoramas, teachers=(teacher,), **one).maps for teacher in panoramas.teachers)
    assert not torch.allclose(first, second, rtol=0.01)
    both = opened(panoramas, teachers=panoramas.teachers, **one)
    assert torch.allclose(both.maps, (first + second) / 2, atol=1e-5)
    network = build_network(find_weights(panoramas.teachers[1]))
    assert torch.allclose(second, expert_consensus(network, both.frames, 32), atol=1e-6)
    assert both.describe()["teachers"] == [find_weights(teacher).checksum for teacher in panoramas.teachers]


@pytest.mark.usefixtures("few_turns")
def test_teachers_are_needed_once(panoramas, tmp_path, monkeypatch):
    """A run that goes on reads what they taught."""
    first = opened(panoramas, tilted=1, taught=tmp_path / "taught")
    monkeypatch.setattr("atsal.training.distillation.build_network", None)
    again = opened(panoramas, tilted=1, taught=tmp_path / "taught")
    assert torch.equal(first.maps, again.maps)
    assert torch.equal(first.frames, again.frames)
    assert first.describe() == again.describe()


@pytest.mark.usefixtures("few_turns")
def test_two_sources_of_one_folder_are_taught_apart(panoramas, tmp_path, settings):
    """As those of folds to train and to validate on: each has a file of its own."""
    sources = [
        SourceConfig(panoramas=panoramas.folder, teachers=panoramas.teachers[:1], exclude=(name,))
        for name in ("made_up_0", "made_up_2")
    ]
    config = from_mapping(TrainConfig, settings("frames"), "")
    first, second = open_sources(sources, config, MODEL, tmp_path / "taught")
    assert torch.equal(first.maps[0], second.maps[1]), "of made_up_1, which both have"
    assert not torch.equal(first.maps[0], second.maps[0])


@pytest.mark.usefixtures("few_turns")
def test_a_panorama_that_was_taken_away_is_told(panoramas, tmp_path):
    shutil.copytree(panoramas.folder, tmp_path / "pictures")
    own = SimpleNamespace(folder=str(tmp_path / "pictures"), teachers=panoramas.teachers)
    opened(own, taught=tmp_path / "taught")
    next((tmp_path / "pictures").glob("made_up_1*")).unlink()
    with pytest.raises(DataError, match=r"maps of 3 frames, but .* has 2; put back"):
        opened(own, taught=tmp_path / "taught")


@pytest.mark.usefixtures("few_turns")
def test_what_the_teachers_saw_their_pupil_knows(panoramas, tmp_path, settings):
    find = find_weights(panoramas.teachers[0])
    told = {"trained_on": {"experts": {"avtrack360": ["1", "2"]}, "attention": {"avtrack360": ["3"]}}}
    parts = {part: find.load(part) for part in PARTS}
    teacher = str(write_weight_folder(tmp_path / "teacher", MODEL, parts, told))
    source = opened(panoramas, teachers=(panoramas.teachers[1], teacher), taught=tmp_path / "taught")
    config = from_mapping(TrainConfig, settings("frames"), "")
    assert provenance(config, find, [source], Progress())["trained_on"] == {"attention": {"avtrack360": ["1", "2"]}}
    shutil.rmtree(tmp_path / "teacher")
    again = opened(panoramas, teachers=(panoramas.teachers[1], teacher), taught=tmp_path / "taught")
    assert again.seen_by_teachers == source.seen_by_teachers


def test_damaged_maps_of_teachers_name_the_remedy(panoramas, tmp_path):
    (tmp_path / "taught").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="delete it; the teachers make it again"):
        opened(panoramas, taught=tmp_path / "taught")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A video of 4 s at 10 frames a second, of a made-up scene."""
    folder = tmp_path_factory.mktemp("clips")
    render_video(folder / "square.mp4", seconds=4, frame_rate=10, erp_height=64, seed=5)
    return folder / "square.mp4"


def test_moments_of_a_video_are_spread_evenly_each_with_the_frames_around_it(clip):
    moments = list(
        FramesWithoutGaze.find(SourceConfig(videos=(str(clip),), teachers=("x",), taught_frames=4)).read("square", 64)
    )
    every = [torch.from_numpy(frame.image).permute(2, 0, 1) for frame in read_frames(clip, size=(128, 64))]
    assert len(moments) == 4
    for moment, middle in zip(moments, (5, 15, 25, 35), strict=True):
        shown = [every[number] for number in range(middle - 4, middle + 5, 2)]
        assert torch.equal(moment.frames, torch.stack(shown))
        assert torch.equal(moment.frame, every[middle])


def test_moments_at_the_ends_of_a_video_have_fewer_frames_around_them(clip):
    moments = list(
        FramesWithoutGaze.find(SourceConfig(videos=(str(clip),), teachers=("x",), taught_frames=20)).read("square", 64)
    )
    every = [torch.from_numpy(frame.image).permute(2, 0, 1) for frame in read_frames(clip, size=(128, 64))]
    assert [len(moments[k].frames) for k in (0, 1, 10, 18, 19)] == [3, 4, 5, 4, 3]
    assert all(torch.equal(moment.frame, every[2 * k + 1]) for k, moment in enumerate(moments))


def test_a_video_has_no_more_moments_than_frames(clip):
    config = SourceConfig(videos=(str(clip),), teachers=("x",), taught_frames=200)
    frames = [moment.frame.numpy().tobytes() for moment in FramesWithoutGaze.find(config).read("square", 64)]
    assert len(frames) == 40
    assert len(set(frames)) >= 39, "two lie equally near one moment"


@pytest.mark.usefixtures("few_turns")
def test_the_map_of_a_moment_is_the_mean_over_the_frames_around_it(panoramas, clip):
    """So that what is learned is steady: the maps of two moments differ less than those of their frames."""
    source = opened(panoramas, videos=(str(clip.parent),), taught_frames=2)
    moments = list(FramesWithoutGaze.find(source.config).read("square", 64))
    network = build_network(find_weights(panoramas.teachers[0]))
    assert source.items == ("square",)
    assert source.frame_counts == (1, 1)
    for number, moment in enumerate(moments):
        sample = source.read(SampleKey(0, number), augment=False)
        expected = expert_consensus(network, moment.frames, 32).mean(0)
        assert sample.name == f"{clip.parent.name}/square"
        assert torch.equal(sample.frames[0, 0], moment.frame)
        assert torch.allclose(sample.saliency_maps[0, 0], expected / expected.max(), atol=1e-5)
    assert source.describe()["around_s"] == pytest.approx([-0.4, -0.2, 0, 0.2, 0.4])
    assert list(source.describe()["sha256"]) == ["square"]


@pytest.mark.usefixtures("few_turns")
def test_made_up_scenes_are_shown_at_some_times(panoramas):
    source = opened(panoramas, scenes=2, taught_frames=1, tilted=1)
    assert source.items == ("scene 0", "scene 1")
    assert source.frame_counts == (1,) * 4
    samples = [source.read(SampleKey(0, k), augment=False) for k in range(4)]
    assert [sample.name for sample in samples] == [f"scenes/scene {k}" for k in (0, 1, 0, 1)]
    scene = torch.from_numpy(Scene(1).render(64, 10.0)).permute(2, 0, 1)
    assert torch.equal(samples[1].frames[0, 0], scene), "the middle of 20 s"
    assert source.describe()["scenes"] == 2


def test_videos_of_one_name_are_refused(clip, tmp_path):
    shutil.copy(clip, tmp_path / "square.mp4")
    with pytest.raises(ConfigError, match="expected videos of different names"):
        FramesWithoutGaze.find(SourceConfig(videos=(str(clip), str(tmp_path)), teachers=("x",)))


@pytest.mark.usefixtures("few_turns")
def test_samples_move_frame_and_map_together(panoramas):
    source = opened(panoramas, Augmentation(yaw=True, flip=True, stretch=0.5))
    source.frames = (spot(DIRECTIONS[0], 64) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    source.maps = 3 * spot(DIRECTIONS[0], 32)
    peaks = set()
    for seed in range(8):
        sample = source.read(SampleKey(0, 0, seed=seed), augment=True)
        assert sample.frames.shape == (1, 1, 3, 64, 128)
        assert sample.saliency_maps.shape == (1, 1, 1, 32, 64)
        assert sample.saliency_maps.max() == 1
        assert torch.equal(sample.fixation_maps, sample.saliency_maps)
        shown = avg_pool2d(sample.frames[0].float().mean(1, keepdim=True), 2) / 255
        assert (shown - sample.saliency_maps[0]).abs().max() < 0.05
        peaks.add(int(sample.saliency_maps.argmax()))
    assert len(peaks) > 5
    assert torch.equal(
        source.read(SampleKey(0, 0, seed=3), augment=True).frames,
        source.read(SampleKey(0, 0, seed=3), augment=True).frames,
    )


@pytest.mark.usefixtures("few_turns")
def test_plain_samples_are_the_pictures(panoramas):
    source = opened(panoramas, Augmentation(yaw=True, colour=0.5), exclude=("made_up_0",))
    assert source.items == ("made_up_1", "made_up_2")
    with Image.open(f"{panoramas.folder}/made_up_1.webp") as image:
        picture = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    sample = source.read(SampleKey(0, 0, seed=1), augment=False)
    small = avg_pool2d(picture.float(), 2)
    assert (sample.frames[0, 0].float() - small).abs().mean() < 6
    assert sample.name == "pictures/made_up_1"
    moved = source.read(SampleKey(0, 0, seed=1), augment=True)
    assert not torch.equal(moved.frames, sample.frames)


def test_a_folder_without_images_is_told(panoramas, tmp_path):
    with pytest.raises(DataError, match="no image"):
        opened(SimpleNamespace(folder=str(tmp_path), teachers=panoramas.teachers), taught=tmp_path / "taught")
    with pytest.raises(ConfigError, match="neither a name nor a weight folder"):
        opened(panoramas, teachers=("nobody",))
