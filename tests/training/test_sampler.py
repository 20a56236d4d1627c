from collections import Counter
from dataclasses import replace

import pytest

from atsal.errors import ConfigError
from atsal.training.config import OptimiserConfig, SourceConfig, TrainConfig
from atsal.training.photo_crops import Growth, PhotoViews
from atsal.training.sampler import epoch_steps, samples_per_source

PHOTOS = (1,) * 12
VIDEOS = (7, 5, 12, 3, 9)


def config(*sources, **changed):
    settings = {
        "title": "t",
        "part": "equator",
        "train": tuple(SourceConfig(prepared="x", **s) for s in sources or ({},)),
        "epochs": 4,
        "loss": "kld-cc",
        "optimisers": (OptimiserConfig(1e-3),),
        "batch": 4,
        "start": "lite",
    }
    return TrainConfig(**settings | changed)


def keys(steps):
    return [key for step in steps for batch in step for key in batch]


def places(steps):
    return [(key.source, key.item, key.first) for key in keys(steps)]


def test_every_photo_of_joined_sources_comes_once_an_epoch():
    steps = epoch_steps(config({}, {}), [PHOTOS, (1,) * 8], 0)
    assert [len(batch) for step in steps for batch in step] == [4] * 5
    assert sorted(places(steps)) == [(0, i, 0) for i in range(12)] + [(1, i, 0) for i in range(8)]
    assert {key.source for key in keys(steps[:2])} == {0, 1}, "sources are mixed"


def test_a_last_batch_that_is_not_full_is_left_out_unless_it_is_the_only_one():
    assert len(set(places(epoch_steps(config(), [(1,) * 11], 0)))) == 8
    assert len(set(places(epoch_steps(config(), [(1,) * 3], 0)))) == 3


def test_order_and_draws_depend_on_seed_and_epoch_only():
    one, frame_counts = config({"frames_per_item": 3}), [VIDEOS]
    first = epoch_steps(one, frame_counts, 1)
    assert epoch_steps(replace(one, title="other", loss="bce", averaging=0.5), frame_counts, 1) == first
    for other in (epoch_steps(one, frame_counts, 2), epoch_steps(replace(one, seed=1), frame_counts, 1)):
        assert [key.item for key in keys(other)] != [key.item for key in keys(first)]
        assert not {key.seed for key in keys(other)} & {key.seed for key in keys(first)}


def test_each_sample_has_draws_of_its_own():
    steps = epoch_steps(config({"frames_per_item": 3}, {"frames_per_item": 2}), [VIDEOS, PHOTOS], 0)
    seeds = [key.seed for key in keys(steps)]
    assert len(set(seeds)) == len(seeds) == 36


def test_frames_of_a_video_are_distinct_and_an_image_comes_in_turns():
    steps = epoch_steps(config({"frames_per_item": 3}, batch=1), [(7, 1)], 0)
    video = [key for key in keys(steps) if key.item == 0]
    image = [key for key in keys(steps) if key.item == 1]
    assert len({key.first for key in video}) == 3
    assert all(0 <= key.first < 7 and key.count == 1 for key in video)
    assert [key.first for key in image] == [0, 0, 0]
    assert sorted(key.repeat for key in image) == sorted(key.repeat for key in video) == [0, 1, 2]


def test_other_epochs_show_other_frames_until_all_were_seen():
    one = config({"frames_per_item": 2}, batch=1, epochs=30)
    assert {key.first for epoch in range(30) for key in keys(epoch_steps(one, [(7,)], epoch))} == set(range(7))


def test_slots_are_the_places_in_the_batch():
    for step in epoch_steps(config(), [PHOTOS], 0):
        assert [key.slot for key in step[0]] == [0, 1, 2, 3]


def test_shared_batches_hold_each_source_in_its_share():
    one = config({"share": 0.75}, {"share": 0.25}, batch=8)
    steps = epoch_steps(one, [(1,) * 24, (1,) * 3], 0)
    assert [Counter(key.source for key in step[0]) for step in steps] == [{0: 6, 1: 2}] * 4
    counts = Counter(places(steps))
    assert [counts[0, item, 0] for item in range(24)] == [1] * 24, "the source that lasts longest is seen once"
    assert sorted(counts[1, item, 0] for item in range(3)) == [2, 3, 3], "the other again and again, each as often"
    seeds = [key.seed for key in keys(steps)]
    assert len(set(seeds)) == len(seeds), "a photo shown again is cut anew"
    assert [key.slot for key in steps[0][0]] == list(range(8))


def test_the_order_of_a_shared_source_changes_with_each_round_and_epoch():
    one = config({"share": 0.5}, {"share": 0.5}, batch=8)
    frame_counts = [(1,) * 48, (1,) * 12]
    rounds = []
    for epoch in (0, 1):
        small = [key.item for key in keys(epoch_steps(one, frame_counts, epoch)) if key.source == 1]
        rounds += [small[at : at + 12] for at in range(0, 48, 12)]
    assert all(sorted(order) == list(range(12)) for order in rounds)
    assert len(set(map(tuple, rounds))) == 8


@pytest.mark.parametrize(
    ("given", "batch", "expected"),
    [
        ((0.5, 0.3, 0.2), 10, [5, 3, 2]),
        ((0.5, 0.3, 0.2), 4, [2, 1, 1]),
        ((1.0, 1.0, 1.0), 8, [3, 3, 2]),
        ((0.9, 0.3), 4, [3, 1]),
    ],
)
def test_shares_of_a_batch(given, batch, expected):
    assert samples_per_source(config(*({"share": share} for share in given), batch=batch)) == expected


def test_a_share_too_small_for_the_batch_is_refused():
    with pytest.raises(ConfigError, match=r"train\.1: a share of 0\.1 is no sample in a batch of 3"):
        samples_per_source(config({"share": 0.9}, {"share": 0.1}, batch=3))


def test_accumulating_groups_batches_into_steps():
    steps = epoch_steps(config(accumulate=2), [PHOTOS], 0)
    assert [[len(batch) for batch in step] for step in steps] == [[4, 4], [4]]
    assert places(steps) == places(epoch_steps(config(), [PHOTOS], 0))


@pytest.mark.parametrize("sources", [({},), ({"share": 1.0},)])
def test_an_epoch_can_be_cut_short(sources):
    steps = epoch_steps(config(*sources, max_steps_per_epoch=2), [PHOTOS], 0)
    assert len(steps) == 2
    assert len(epoch_steps(config(clip_frames=2, batch=1, max_steps_per_epoch=2), [VIDEOS], 0)) == 2


def test_views_grow_with_the_epochs():
    views = PhotoViews(size=128, growth=(Growth(0.25, 32), Growth(0.75, 64)))
    one = config(photo_views=views)
    assert [{key.view_size for key in keys(epoch_steps(one, [PHOTOS], epoch))} for epoch in range(4)] == [
        {32},
        {64},
        {64},
        {128},
    ]


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_clips_show_all_kept_frames_of_each_video_in_order(stride):
    steps = epoch_steps(config({"stride": stride}, clip_frames=2, batch=2), [VIDEOS], 3)
    shown = {}
    for key in keys(steps):
        assert key.stride == stride
        shown.setdefault(key.item, []).extend(key.first + k * stride for k in range(key.count))
    assert shown == {item: list(range(0, frames, stride)) for item, frames in enumerate(VIDEOS)}


def test_the_last_clip_of_a_video_may_be_shorter():
    steps = epoch_steps(config(clip_frames=4, batch=1), [(9,)], 0)
    assert [(key.first, key.count) for key in keys(steps)] == [(0, 4), (4, 4), (8, 1)]


def test_a_video_stays_in_its_slot_with_one_draw_and_is_fresh_at_its_start_only():
    steps = epoch_steps(config(clip_frames=2, batch=2), [VIDEOS], 0)
    slots, seeds, running = {}, {}, {}
    for step in steps:
        (batch,) = step
        assert len({key.slot for key in batch}) == len(batch)
        for key in batch:
            slots.setdefault(key.item, set()).add(key.slot)
            seeds.setdefault(key.item, set()).add(key.seed)
            assert key.starts_video == (key.first == 0)
            if not key.starts_video:
                assert running[key.slot] == (key.item, key.first), "the clip goes on where the one before ended"
            running[key.slot] = (key.item, key.first + key.count)
    assert all(len(own) == 1 for own in slots.values())
    assert all(len(own) == 1 for own in seeds.values()), "a video is moved as a whole"
    assert len(set.union(*seeds.values())) == len(VIDEOS)


def test_a_slot_takes_the_next_video_while_others_go_on():
    steps = epoch_steps(config(clip_frames=1, batch=2), [(6,) * 4], 0)
    assert [len(step[0]) for step in steps] == [2] * 12
    uneven = epoch_steps(config(clip_frames=1, batch=2), [(2, 9)], 0)
    assert [len(step[0]) for step in uneven] == [2] * 2 + [1] * 7


def test_more_slots_than_videos():
    steps = epoch_steps(config({}, {}, clip_frames=3, batch=8), [(4,), (5,)], 0)
    assert sorted(places(steps)) == [(0, 0, 0), (0, 0, 3), (1, 0, 0), (1, 0, 3)]


def test_videos_come_in_another_order_each_epoch():
    orders = []
    for epoch in range(4):
        steps = epoch_steps(config(clip_frames=12, batch=1), [VIDEOS], epoch)
        orders.append(tuple(key.item for key in keys(steps)))
        assert sorted(orders[-1]) == [0, 1, 2, 3, 4]
    assert len(set(orders)) > 1


@pytest.mark.parametrize("changed", [{}, {"clip_frames": 2, "batch": 3}])
def test_ranks_own_slots_that_together_are_the_plan(changed):
    """A rank owns the slots of its number modulo the ranks: each sample has one owner, a video always the same."""
    steps, world = epoch_steps(config(**changed), [VIDEOS], 0), 2
    owners = {}
    for key in keys(steps):
        owners.setdefault((key.item, key.first), set()).add(key.slot % world)
    assert all(len(own) == 1 for own in owners.values())
    assert set.union(*owners.values()) == {0, 1}
    if "clip_frames" in changed:
        by_video = {}
        for (item, _), own in owners.items():
            by_video.setdefault(item, set()).update(own)
        assert all(len(own) == 1 for own in by_video.values())
