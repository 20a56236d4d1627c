"""Which samples make up each step: a pure function of the configuration, the sizes of the sources and the epoch.

Every rank computes all steps and reads the samples of its own slots, and a resumed run skips the finished steps. So the
order of the samples and their random draws are the same in every run.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.training.config import TrainConfig


@dataclass(frozen=True)
class SampleKey:
    """One sample: `count` frames of an item from `first` on, every `stride`-th, and the seed of its random draws."""

    source: int
    item: int
    first: int = 0
    count: int = 1
    stride: int = 1
    seed: int = 0
    view_size: int = 0  # photos: side of the views, pixels
    repeat: int = 0  # how often the epoch has drawn this item before
    slot: int = 0  # place in the batch; a video stays in one slot
    starts_video: bool = True  # no state is carried over from the clip before

    @property
    def frame_indices(self) -> range:
        """The frames of the sample."""
        return range(self.first, self.first + self.count * self.stride, self.stride)


Batch = list[SampleKey]
FrameCounts = Sequence[Sequence[int]]  # frames of each item, by source


def epoch_steps(config: TrainConfig, frame_counts: FrameCounts, epoch: int) -> list[list[Batch]]:
    """Return the batches of every step of an epoch, one batch a step unless gradients are accumulated."""
    if config.clip_frames is not None:
        batches = list(_clip_batches(config, frame_counts, epoch))
    elif config.train[0].share is not None:
        batches = list(_shared_batches(config, frame_counts, epoch))
    else:
        batches = list(_joined_batches(config, frame_counts, epoch))
    steps = [batches[at : at + config.accumulate] for at in range(0, len(batches), config.accumulate)]
    return steps[: config.max_steps_per_epoch]


def seed_of(*parts: object) -> int:
    """Return a seed that depends on each of the parts."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7])


def _order(count: int, *parts: object) -> NDArray[np.int64]:
    return np.random.default_rng(seed_of(*parts)).permutation(count)


def _single_frames(config: TrainConfig, counts: Sequence[int], source: int, epoch: int) -> Iterator[SampleKey]:
    """Yield the samples of a source in an epoch: random frames of each video, repeats of each image."""
    wanted, size = config.train[source].frames_per_item, config.photo_views.size_at(epoch / config.epochs)
    for item, frames in enumerate(counts):
        seed = seed_of(config.seed, epoch, source, item)
        drawn = np.random.default_rng(seed).choice(frames, wanted, replace=wanted > frames)
        for repeat, at in enumerate(drawn):
            yield SampleKey(source, item, int(at), seed=seed_of(seed, repeat), view_size=size, repeat=repeat)


def _joined_batches(config: TrainConfig, frame_counts: FrameCounts, epoch: int) -> Iterator[Batch]:
    """Shuffle all sources into one. An incomplete last batch is left out, unless it is the only one."""
    keys = [key for source, counts in enumerate(frame_counts) for key in _single_frames(config, counts, source, epoch)]
    order = _order(len(keys), config.seed, epoch)
    end = len(keys) // config.batch * config.batch or len(keys)
    for at in range(0, end, config.batch):
        yield [replace(keys[k], slot=slot) for slot, k in enumerate(order[at : at + config.batch])]


def _shared_batches(config: TrainConfig, frame_counts: FrameCounts, epoch: int) -> Iterator[Batch]:
    """Take a fixed number of each source in every batch. An epoch ends when each source was shown at least once."""
    wanted = samples_per_source(config)
    pools = [list(_single_frames(config, counts, source, epoch)) for source, counts in enumerate(frame_counts)]
    steps = max(-(-len(pool) // count) for pool, count in zip(pools, wanted, strict=True))
    drawn = []
    for source, (pool, count) in enumerate(zip(pools, wanted, strict=True)):
        rounds = -(-steps * count // len(pool))
        orders = [_order(len(pool), config.seed, epoch, source, number) for number in range(rounds)]
        drawn.append([replace(pool[k], seed=seed_of(pool[k].seed, n)) for n, order in enumerate(orders) for k in order])
    for step in range(steps):
        keys = [key for pool, n in zip(drawn, wanted, strict=True) for key in pool[step * n : (step + 1) * n]]
        yield [replace(key, slot=slot) for slot, key in enumerate(keys)]


def samples_per_source(config: TrainConfig) -> list[int]:
    """Return how many samples of a batch come from each source, by the method of largest remainders."""
    wanted = np.array([source.share or 0 for source in config.train])
    exact = wanted / wanted.sum() * config.batch
    counts = np.floor(exact).astype(int)
    for source in np.argsort(counts - exact, kind="stable")[: config.batch - counts.sum()]:
        counts[source] += 1
    if not counts.all():
        least = int(counts.argmin())
        raise ConfigError(
            f"train.{least}: a share of {config.train[least].share} is no sample in a batch of {config.batch}; raise "
            "the share or the batch"
        )
    return [int(count) for count in counts]


def _clip_batches(config: TrainConfig, frame_counts: FrameCounts, epoch: int) -> Iterator[Batch]:
    """Play videos side by side, one in each slot, clip after clip. When a video ends, its slot takes the next one."""
    videos = [(source, item) for source, counts in enumerate(frame_counts) for item in range(len(counts))]
    order = [videos[k] for k in _order(len(videos), config.seed, epoch)]
    slots: list[list[SampleKey]] = [[] for _ in range(config.batch)]
    for number, (source, item) in enumerate(order):
        slot, seed = number % config.batch, seed_of(config.seed, epoch, source, item)
        video = SampleKey(source, item, stride=config.train[source].stride, seed=seed, slot=slot)
        slots[slot] += split_video(video, frame_counts[source][item], config.clip_frames or 1)
    for at in range(max(map(len, slots))):
        yield [clips[at] for clips in slots if at < len(clips)]


def split_video(video: SampleKey, frames: int, length: int) -> Iterator[SampleKey]:
    """Split a video of `frames` frames into clips of `length`, at the key's stride. The last one may be shorter."""
    shown = -(-frames // video.stride)
    for at in range(0, shown, length):
        yield replace(video, first=at * video.stride, count=min(length, shown - at), starts_video=at == 0)
