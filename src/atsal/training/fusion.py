"""The fusion, chosen on measured gaze: `smooth((attention ** share * experts ** (1 - share)) ** exponent) * prior`.

The share is the one under which the streams were trained together. Chosen are the sharpness (exponent, smoothing) and
the strengths of the prior, by KLD - CC, as the layers were trained: what is chosen is calibrated, not only well
correlated.
"""

import itertools
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from atsal.errors import ConfigError, DataError, OutputError
from atsal.models.architecture import find_architecture
from atsal.models.config import ModelConfig
from atsal.models.directions import DirectionConfig, Directions, check_direction, make_smoother, sharpen_and_smooth
from atsal.models.front_prior import FrontPrior, FrontPriorConfig
from atsal.models.front_prior_file import FRONT_PRIOR, FrontPriors, read_front_priors
from atsal.models.loading import build_network, find_weights
from atsal.models.seen_items import ALL_ITEMS, SeenItems, add_seen_items, read_seen_items
from atsal.models.two_stream import ATSal, weighted_product
from atsal.models.weight_folder import PARTS, WeightFolder, check_target, write_weight_folder
from atsal.projection import solid_angle_weights
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.losses import EPSILON
from atsal.training.sources import SphereSource, validation_keys

# Few settings: on the sixteen frames of AVTrack360, what is best of a finer grid on twelve is worse on the other four.
EXPONENTS = (0.5, 0.7, 1.0)
SMOOTHINGS_DEG = (5.0, 10.0)
LATITUDE_STRENGTHS = (0.4, 0.6, 0.8, 1.0)
FRONT_STRENGTHS = (0.25, 0.5, 0.65, 0.8, 1.1, 1.5)
HEAD_EYE = (1.0, 5.0)  # exponent and smoothing in degrees of the map of gaze, where only heads were measured
FRAMES_PER_VIDEO = 10
_AT_ONCE = 16  # frames under all strengths: some 150 MB
_LEAST = 1e-6  # of a stream's map ...
_TINY = 1e-30  # ... and of what is made of it: their logarithms are finite


class Measured(NamedTuple):
    """Raw maps (N, 1, h, 2h) of both streams on N frames, the measured ones, the fixations, and the time of each."""

    attention: Tensor
    experts: Tensor
    target: Tensor  # measured maps
    counts: Tensor
    seconds: Tensor  # (N,) since the start, `front_prior.PHOTO` for photos

    def of(self, frames: Tensor) -> "Measured":
        """Only some of the frames."""
        return Measured(*(part[frames] for part in self))


def share_of(config: ModelConfig) -> float:
    """The share of the attention stream in a model's product."""
    return config.attention_exponent / (config.attention_exponent + config.experts_exponent)


def with_strengths(prior: FrontPriorConfig, latitude: float, front: float) -> FrontPriorConfig:
    """The prior with these strengths, that of the front for videos and photos alike."""
    return replace(prior, latitude_strength=latitude, video_strength=front, photo_strength=front)


@dataclass(frozen=True)
class Choice:
    """One setting of the fusion, and what it is worth."""

    share: float
    exponent: float
    smoothing_deg: float
    latitude_strength: float
    front_strength: float
    loss: float  # KLD - CC

    def applied_to(self, prior: FrontPriorConfig) -> FrontPriorConfig:
        """The prior with the chosen strengths."""
        return with_strengths(prior, self.latitude_strength, self.front_strength)

    def on_edge(self) -> tuple[str, ...]:
        """The settings that are the first or last of those tried, so that one beyond may be better.

        No smoothing has nothing beyond.
        """
        ends = {
            "exponent": (EXPONENTS[0], EXPONENTS[-1]),
            "smoothing_deg": SMOOTHINGS_DEG[-1:],
            "latitude_strength": (LATITUDE_STRENGTHS[0], LATITUDE_STRENGTHS[-1]),
            "front_strength": (FRONT_STRENGTHS[0], FRONT_STRENGTHS[-1]),
        }
        return tuple(name for name, values in ends.items() if getattr(self, name) in values)


@torch.no_grad()
def measure(network: ATSal, source: SphereSource) -> Measured:
    """Run both streams on the images of a source, or on frames of its videos; those that nobody saw are left out.

    Raises `DataError` where nobody looked at anything.
    """
    frames = []
    for key in itertools.chain(*validation_keys(source, 0, FRAMES_PER_VIDEO, None)):
        sample = source.plain(key)
        if sample.counts.sum() > 0:
            found = network(sample.frames[:, 0].float())
            frames.append((found.attention, found.experts, sample.maps[:, 0], sample.counts[:, 0], source.seconds(key)))
    if not frames:
        raise DataError(f"{source.config.folder}: no fixation on any frame; expected measured gaze to choose by")
    return Measured(*(torch.cat(kind) for kind in zip(*frames, strict=True)))


@torch.no_grad()
def choose(measured: Measured, prior: FrontPriorConfig, share: float) -> Choice:
    """The setting with the least KLD - CC, tried over the whole grid, at a share of the attention stream.

    Raises `DataError` where photos and frames of videos are mixed: the front has another strength for each.
    """
    photos = int((measured.seconds < 0).sum())
    if 0 < photos < len(measured.seconds):
        raise DataError(
            f"{photos} photos and {len(measured.seconds) - photos} frames of videos: the prior's front has another "
            "strength for each; choose on one kind, and exclude the other"
        )
    chunks = torch.split(torch.arange(len(measured.seconds)), _AT_ONCE)
    losses = torch.stack([_losses(measured.of(frames), prior, share) for frames in chunks]).sum(0)
    best = int(losses.argmin())
    grid = itertools.product([share], EXPONENTS, SMOOTHINGS_DEG, LATITUDE_STRENGTHS, FRONT_STRENGTHS)
    return Choice(*next(itertools.islice(grid, best, None)), float(losses[best]) / len(measured.seconds))


def _losses(measured: Measured, prior: FrontPriorConfig, share: float) -> Tensor:
    """The sum of KLD - CC over the frames, for each setting of the grid, in its order."""
    rows = measured.target.shape[-2]
    strengths = itertools.product(LATITUDE_STRENGTHS, FRONT_STRENGTHS)
    priors = [FrontPrior(with_strengths(prior, *pair), rows)(measured.seconds).flatten(1) for pair in strengths]
    loss_of = _UnderPriors(measured.target, torch.stack(priors, 2))
    attention, experts = (stream.clamp(min=_LEAST) for stream in (measured.attention, measured.experts))
    smooths = [make_smoother(rows, sigma) for sigma in SMOOTHINGS_DEG]
    content = weighted_product(attention, experts, share, 1 - share)
    return torch.cat(
        [loss_of(sharpen_and_smooth(content, e, smooth)) for e, smooth in itertools.product(EXPONENTS, smooths)]
    )


class _UnderPriors:
    """`losses.kld_cc` of a map times each of P priors (N, h 2h, P): all sums over pixels are products of matrices."""

    def __init__(self, target: Tensor, priors: Tensor) -> None:
        weights = solid_angle_weights(target.shape[-2]).to(target).expand(target.shape[-2:]).flatten()
        weights = weights / weights.sum()
        target = target.flatten(1)
        target = target / (target * weights).sum(1, keepdim=True)
        self._weighted_target = (target * weights)[:, None]
        self._mean = weights[:, None] * priors
        self._square = self._mean * priors
        self._common = target[:, :, None] * self._mean
        self._target_square = (self._weighted_target * target[:, None]).sum(2)
        entropy = (weights * torch.xlogy(target, target)).sum(1, keepdim=True)
        self._kld = entropy - (self._weighted_target @ priors.clamp(min=_TINY).log())[:, 0]

    def __call__(self, content: Tensor) -> Tensor:
        """The sums (P,) over the frames of maps (N, 1, h, 2h)."""
        content = content.flatten(1)[:, None].clamp(min=_TINY)
        mean = (content @ self._mean)[:, 0]
        kld = self._kld - (self._weighted_target * content.log()).sum(2) + mean.log()
        spread = ((content**2 @ self._square)[:, 0] / mean**2 - 1) * (self._target_square - 1)
        cc = ((content @ self._common)[:, 0] / mean - 1) / torch.sqrt(spread.clamp(min=0) + EPSILON)
        return (kld - cc).sum(0)


def bits_per_fixation(density: Tensor, counts: Tensor) -> Tensor:
    """The mean of log2 of the density over the uniform one at the fixations of each map: (N,).

    Density and counts are (N, 1, h, 2h); the density is normalised by solid angle.
    """
    weights = solid_angle_weights(density.shape[-2]).to(density)
    mean = (density * weights).sum((1, 2, 3)) / (weights.sum() * density.shape[-1])
    logs = torch.log2(density.clamp(min=1e-12) / mean[:, None, None, None])
    return (counts * logs).sum((1, 2, 3)) / counts.sum((1, 2, 3))


def density(measured: Measured, choice: Choice, prior: FrontPriorConfig) -> Tensor:
    """The map (N, 1, h, 2h) that a choice makes of each frame."""
    rows = measured.target.shape[-2]
    content = weighted_product(measured.attention, measured.experts, choice.share, 1 - choice.share)
    content = sharpen_and_smooth(content, choice.exponent, make_smoother(rows, choice.smoothing_deg))
    return content * FrontPrior(choice.applied_to(prior), rows)(measured.seconds)


def fuse(
    model: Path | str,
    source: SourceConfig,
    output: Path,
    *,
    direction: str | None = None,
    head_eye: tuple[float, float] | None = None,
    prior: Path = FRONT_PRIOR,
    half: bool,
    overwrite: bool,
) -> Choice:
    """Write a weight folder like `model` with the fusion that suits the source best; returns the choice.

    `direction` is what the source's gaze is of, by default as it was prepared. Where that is `head`, the map of gaze
    gets `head_eye`, exponent and smoothing in degrees, by default `HEAD_EYE`; else the map of heads stays as the model
    has it. `prior` is a file that `atsal weights front` wrote, by default the packaged one.
    """
    bundle = _bundle(model, output, overwrite=overwrite)
    opened = SphereSource(source, bundle.config, Augmentation())
    taken = check_direction(direction or opened.prepared.preparation.direction)
    if head_eye is not None and taken != "head":
        raise ConfigError(
            f"--head-eye: is for a set of head directions; that of {opened.name} is {taken}: leave it out"
        )
    priors = read_front_priors(prior)
    gaze = DirectionConfig(*(head_eye or HEAD_EYE), priors.head_eye)
    of_set = priors.head if taken == "head" else priors.head_eye
    measured = measure(build_network(bundle), opened)
    chosen = choose(measured, of_set, share_of(bundle.config))
    fitted = DirectionConfig(chosen.exponent, chosen.smoothing_deg, _fitted(of_set, measured, chosen))
    if taken == "head":  # the content tells as much of the latitudes of gaze
        latitude = replace(gaze.prior, latitude_strength=chosen.latitude_strength)
        directions = Directions(replace(gaze, prior=latitude), fitted)
    else:
        directions = Directions(fitted, _directions(bundle).head)
    bits = bits_per_fixation(density(measured, chosen, of_set), measured.counts).mean()
    noted = {
        "dataset": opened.name,
        "items": list(opened.items),
        "direction": taken,
        "bits_per_fixation": round(float(bits), 4),
        "chosen": {name: round(value, 4) for name, value in asdict(chosen).items()},
    }
    provenance = {**bundle.provenance, "fusion_chosen_on": noted, "trained_on": _seen(bundle, opened, priors)}
    parts = {part: bundle.load(part) for part in PARTS}
    shares = replace(bundle.config, attention_exponent=chosen.share, experts_exponent=1 - chosen.share)
    config = replace(shares, directions=directions)
    write_weight_folder(output, config, parts, provenance, overwrite=overwrite, half=half)
    return chosen


def _bundle(model: Path | str, output: Path, *, overwrite: bool) -> WeightFolder:
    """The model, where its fusion can be chosen and the result be written."""
    bundle = find_weights(model)
    if not find_architecture(bundle.config.architecture).has_front_prior:
        raise ConfigError(f"{bundle.folder}: the paper's fusion has nothing to choose; give weights of lite")
    if output.exists() and output.samefile(bundle.folder):
        raise OutputError(f"{output}: is the model that is read; give another folder")
    check_target(output, overwrite=overwrite)
    return bundle


def _fitted(prior: FrontPriorConfig, measured: Measured, choice: Choice) -> FrontPriorConfig:
    """The prior with the strengths of what was measured; photos and videos have one each of the front."""
    found = choice.applied_to(prior)
    if (measured.seconds < 0).all():
        return replace(found, video_strength=prior.video_strength)
    return replace(found, photo_strength=prior.photo_strength)


def _directions(bundle: WeightFolder) -> Directions:
    """Those of the model; of one that was trained from scratch, those of the packaged one."""
    found = bundle.config.directions or find_weights(bundle.config.architecture).config.directions
    if found is None:
        raise ConfigError(f"{bundle.folder}: no directions in its settings; expected those of lite")
    return found


def _seen(bundle: WeightFolder, source: SphereSource, priors: FrontPriors) -> SeenItems:
    """What the model has seen, the items that the fusion is chosen on, and all of each set of the prior."""
    seen = read_seen_items(bundle.provenance)
    of_prior = [(fitted.name, (ALL_ITEMS,)) for fitted in priors.sources]
    add_seen_items(seen, ("attention", "experts"), [(source.name, source.items), *of_prior])
    return seen
