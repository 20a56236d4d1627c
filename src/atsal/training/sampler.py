"""Which samples a step is made of: a pure function of the configuration, the sizes of the sources and the epoch.

Every rank knows the whole plan and takes its own slots of it, and a run that goes on skips what was done: so the order
of the samples, and each one's random draws, depend on neither.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.training.config import TrainConfig


@dataclass(frozen=True)
class Key:
    """One sample: `count` frames of an item from `first` on, every `stride`-th, and the seed of its random draws."""

    source: int
    item: int
    first: int = 0
    count: int = 1
    stride: int = 1
    seed: int = 0
    size: int = 0  # of photos: the side of their views, pixels
    turn: int = 0  # the number of the draw of this item in the epoch
    slot: int = 0  # its place in the batch; a video stays in one slot
    fresh: bool = True  # begins a video: nothing is carried over from the clip before


@dataclass(frozen=True)
class Extent:
    """What a plan needs to know of a source: the frames of each item."""

    frames: tuple[int, ...]


Step = list[list[Key]]  # of each step the batches, one unless gradients are accumulated


def epoch_steps(config: TrainConfig, extents: Sequence[Extent], epoch: int) -> list[Step]:
    """Every step of an epoch."""
    if config.clip_frames is not None:
        batches = list(_clips(config, extents, epoch))
    elif config.train[0].share is not None:
        batches = list(_shared(config, extents, epoch))
    else:
        batches = list(_joined(config, extents, epoch))
    steps = [batches[at : at + config.accumulate] for at in range(0, len(batches), config.accumulate)]
    return steps[: config.max_steps_per_epoch]


def seed_of(*parts: object) -> int:
    """A seed that any change of the parts changes."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7])


def _order(count: int, *parts: object) -> NDArray[np.int64]:
    return np.random.default_rng(seed_of(*parts)).permutation(count)


def _frames(config: TrainConfig, extents: Sequence[Extent], source: int, epoch: int) -> Iterator[Key]:
    """The single frames that a source gives to an epoch: of a video at random places, of an image again and again."""
    for item, frames in enumerate(extents[source].frames):
        seed, wanted = seed_of(config.seed, epoch, source, item), config.train[source].frames_per_item
        size = config.photo_views.size_at(epoch / config.epochs)
        drawn = np.random.default_rng(seed).choice(frames, wanted, replace=wanted > frames)
        for turn, at in enumerate(drawn):
            yield Key(source, item, int(at), seed=seed_of(seed, turn), size=size, turn=turn)


def _joined(config: TrainConfig, extents: Sequence[Extent], epoch: int) -> Iterator[list[Key]]:
    """All sources shuffled into one; a last batch that is not full is left out, unless it is the only one."""
    keys = [key for source in range(len(extents)) for key in _frames(config, extents, source, epoch)]
    order = _order(len(keys), config.seed, epoch)
    whole = len(keys) // config.batch * config.batch or len(keys)
    for at in range(0, whole, config.batch):
        yield [replace(keys[k], slot=slot) for slot, k in enumerate(order[at : at + config.batch])]


def _shared(config: TrainConfig, extents: Sequence[Extent], epoch: int) -> Iterator[list[Key]]:
    """A fixed number of each source in every batch; an epoch shows the source that lasts longest once."""
    counts = shares(config)
    pools = [list(_frames(config, extents, source, epoch)) for source in range(len(extents))]
    steps = max(-(-len(pool) // count) for pool, count in zip(pools, counts, strict=True))
    drawn = []
    for source, (pool, count) in enumerate(zip(pools, counts, strict=True)):
        rounds = -(-steps * count // len(pool))
        orders = [_order(len(pool), config.seed, epoch, source, turn) for turn in range(rounds)]
        drawn.append([(turn, pool[k]) for turn, order in enumerate(orders) for k in order])
    for step in range(steps):
        chosen = [
            replace(key, seed=seed_of(key.seed, turn))
            for source, count in enumerate(counts)
            for turn, key in drawn[source][step * count : (step + 1) * count]
        ]
        yield [replace(key, slot=slot) for slot, key in enumerate(chosen)]


def shares(config: TrainConfig) -> list[int]:
    """How many of a batch come from each source: the largest remainders get what rounding leaves."""
    wanted = np.array([source.share or 0 for source in config.train])
    exact = wanted / wanted.sum() * config.batch
    counts = np.floor(exact).astype(int)
    for source in np.argsort(counts - exact, kind="stable")[: config.batch - counts.sum()]:
        counts[source] += 1
    if not counts.all():
        least = int(counts.argmin())
        raise ConfigError(
            f"train.{least}: a share of {config.train[least].share} is no sample in a batch of {config.batch}; give "
            "more of it, or a larger batch"
        )
    return [int(count) for count in counts]


def _clips(config: TrainConfig, extents: Sequence[Extent], epoch: int) -> Iterator[list[Key]]:
    """Videos side by side, one a slot, clip after clip; a slot whose video ends takes the next one in its row."""
    length = config.clip_frames or 1
    videos = [(source, item) for source, extent in enumerate(extents) for item in range(len(extent.frames))]
    order = [videos[k] for k in _order(len(videos), config.seed, epoch)]
    rows = [
        [key for video in order[slot :: config.batch] for key in _video(config, extents, video, epoch, slot, length)]
        for slot in range(config.batch)
    ]
    for at in range(max(map(len, rows))):
        yield [row[at] for row in rows if at < len(row)]


def _video(
    config: TrainConfig, extents: Sequence[Extent], video: tuple[int, int], epoch: int, slot: int, length: int
) -> Iterator[Key]:
    source, item = video
    seed = seed_of(config.seed, epoch, source, item)
    whole = Key(source, item, stride=config.train[source].stride, seed=seed, slot=slot)
    yield from clips_of(whole, extents[source].frames[item], length)


def clips_of(video: Key, frames: int, length: int) -> Iterator[Key]:
    """A video of so many frames as clips of `length`, at the key's stride; the last one may be shorter."""
    kept = -(-frames // video.stride)
    for at in range(0, kept, length):
        yield replace(video, first=at * video.stride, count=min(length, kept - at), fresh=at == 0)
