"""Choose the fusion on measured gaze: `smooth((attention ** share * experts ** (1 - share)) ** exponent) * prior`.

The share is the one that the streams were trained with. The sharpness (exponent, smoothing) and the strengths of the
prior are chosen by KLD - CC, the loss of the training, so that the densities are calibrated as well as correlated.
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
from atsal.models.front_prior_file import FRONT_PRIOR, read_front_priors
from atsal.models.loading import build_network, find_weights
from atsal.models.two_stream import ATSal, weighted_product
from atsal.models.weight_folder import PARTS, WeightFolder, check_target, write_weight_folder
from atsal.projection import solid_angle_weights
from atsal.training.config import SourceConfig
from atsal.training.losses import EPSILON
from atsal.training.sources import SphereSource, validation_keys

# A coarse grid: a finer one, chosen on twelve of the sixteen frames of AVTrack360, was worse on the other four.
EXPONENTS = (0.5, 0.7, 1.0)
SMOOTHINGS_DEG = (5.0, 10.0)
LATITUDE_STRENGTHS = (0.4, 0.6, 0.8, 1.0)
FRONT_STRENGTHS = (0.25, 0.5, 0.65, 0.8, 1.1, 1.5)
HEAD_EYE = (1.0, 5.0)  # exponent and smoothing in degrees of the map of gaze, if only heads were measured
FRAMES_PER_VIDEO = 10
_BATCH = 16  # frames; under all strengths they take about 150 MB
_LEAST = 1e-6  # of a stream's map, so that its logarithm is finite
_TINY = 1e-30  # of priors and fused maps, for the same reason


class FusionFrames(NamedTuple):
    """The raw maps of both streams on N frames, and their ground truth, (N, 1, h, 2h) each."""

    attention: Tensor
    experts: Tensor
    target: Tensor
    counts: Tensor
    seconds: Tensor  # (N,) since the start of the video; `front_prior.PHOTO` for photos

    def select(self, frames: Tensor) -> "FusionFrames":
        """Return only these frames."""
        return FusionFrames(*(part[frames] for part in self))


def share_of(config: ModelConfig) -> float:
    """Return the share of the attention stream in a model's product."""
    return config.attention_exponent / (config.attention_exponent + config.experts_exponent)


def with_strengths(prior: FrontPriorConfig, latitude: float, front: float) -> FrontPriorConfig:
    """Return the prior with these strengths; `front` is for videos and photos."""
    return replace(prior, latitude_strength=latitude, video_strength=front, photo_strength=front)


@dataclass(frozen=True)
class Choice:
    """One setting of the fusion and its loss."""

    share: float
    exponent: float
    smoothing_deg: float
    latitude_strength: float
    front_strength: float
    loss: float  # KLD - CC

    def on_edge(self) -> tuple[str, ...]:
        """Return the settings at the first or last value of the grid, beyond which a better one may lie."""
        ends = {
            "exponent": (EXPONENTS[0], EXPONENTS[-1]),
            "smoothing_deg": SMOOTHINGS_DEG[-1:],  # there is nothing below no smoothing
            "latitude_strength": (LATITUDE_STRENGTHS[0], LATITUDE_STRENGTHS[-1]),
            "front_strength": (FRONT_STRENGTHS[0], FRONT_STRENGTHS[-1]),
        }
        return tuple(name for name, values in ends.items() if getattr(self, name) in values)


@torch.no_grad()
def run_streams(network: ATSal, source: SphereSource) -> FusionFrames:
    """Run both streams on the images of a source, or on frames of its videos. Frames without fixations are left out.

    Raise `DataError` if no frame has fixations.
    """
    frames = []
    for key in itertools.chain(*validation_keys(source, 0, FRAMES_PER_VIDEO, None)):
        sample = source.read(key, augment=False)
        counts = sample.fixation_maps[:, 0]
        if counts.sum() > 0:
            found = network(sample.frames[:, 0].float())
            frames.append((found.attention, found.experts, sample.saliency_maps[:, 0], counts, source.seconds(key)))
    if not frames:
        raise DataError(f"{source.config.folder}: no fixation on any frame; expected measured gaze to choose by")
    return FusionFrames(*(torch.cat(parts) for parts in zip(*frames, strict=True)))


@torch.no_grad()
def choose(frames: FusionFrames, prior: FrontPriorConfig, share: float) -> Choice:
    """Return the setting of the grid with the least KLD - CC, for a share of the attention stream.

    Raise `DataError` for photos mixed with frames of videos: the front has a strength of its own for each.
    """
    count = len(frames.seconds)
    photos = int((frames.seconds < 0).sum())
    if 0 < photos < count:
        raise DataError(
            f"{photos} photos and {count - photos} frames of videos: the prior's front has a strength of its own for "
            "each; choose on one kind, and exclude the other"
        )
    batches = torch.split(torch.arange(count), _BATCH)
    losses = torch.stack([_losses(frames.select(batch), prior, share) for batch in batches]).sum(0)
    best = int(losses.argmin())
    grid = list(itertools.product([share], EXPONENTS, SMOOTHINGS_DEG, LATITUDE_STRENGTHS, FRONT_STRENGTHS))
    return Choice(*grid[best], float(losses[best]) / count)


def _losses(frames: FusionFrames, prior: FrontPriorConfig, share: float) -> Tensor:
    """Return the sum of KLD - CC over the frames for each setting of the grid, in its order."""
    rows = frames.target.shape[-2]
    strengths = itertools.product(LATITUDE_STRENGTHS, FRONT_STRENGTHS)
    priors = [FrontPrior(with_strengths(prior, *pair), rows)(frames.seconds).flatten(1) for pair in strengths]
    loss_of = _LossUnderPriors(frames.target, torch.stack(priors, 2))
    content = weighted_product(frames.attention.clamp(min=_LEAST), frames.experts.clamp(min=_LEAST), share, 1 - share)
    smooths = [make_smoother(rows, sigma) for sigma in SMOOTHINGS_DEG]
    return torch.cat(
        [loss_of(sharpen_and_smooth(content, e, smooth)) for e, smooth in itertools.product(EXPONENTS, smooths)]
    )


class _LossUnderPriors:
    """`losses.kld_cc` of a map times each of P priors (N, h 2h, P). All sums over pixels are matrix products."""

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
        """Return the sums (P,) over the frames of maps (N, 1, h, 2h)."""
        content = content.flatten(1)[:, None].clamp(min=_TINY)
        mean = (content @ self._mean)[:, 0]
        kld = self._kld - (self._weighted_target * content.log()).sum(2) + mean.log()
        spread = ((content**2 @ self._square)[:, 0] / mean**2 - 1) * (self._target_square - 1)
        cc = ((content @ self._common)[:, 0] / mean - 1) / torch.sqrt(spread.clamp(min=0) + EPSILON)
        return (kld - cc).sum(0)


def bits_per_fixation(density: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of log2(density / uniform density) over the fixations of each map, (N,).

    Density and counts are (N, 1, h, 2h). The density is normalised by solid angle.
    """
    weights = solid_angle_weights(density.shape[-2]).to(density)
    mean = (density * weights).sum((1, 2, 3)) / (weights.sum() * density.shape[-1])
    logs = torch.log2(density.clamp(min=1e-12) / mean[:, None, None, None])
    return (counts * logs).sum((1, 2, 3)) / counts.sum((1, 2, 3))


def fused_density(frames: FusionFrames, choice: Choice, prior: FrontPriorConfig) -> Tensor:
    """Return the map (N, 1, h, 2h) that a choice predicts for each frame."""
    rows = frames.target.shape[-2]
    content = weighted_product(frames.attention, frames.experts, choice.share, 1 - choice.share)
    content = sharpen_and_smooth(content, choice.exponent, make_smoother(rows, choice.smoothing_deg))
    chosen_prior = with_strengths(prior, choice.latitude_strength, choice.front_strength)
    return content * FrontPrior(chosen_prior, rows)(frames.seconds)


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
    """Write a weight folder like `model` with the fusion that fits the source best. Return the choice.

    `direction` is that of the source's gaze, by default as it was prepared. If it is `head`, the map of gaze gets
    `head_eye` (exponent, smoothing in degrees), by default `HEAD_EYE`; else the map of heads stays as it is. `prior` is
    a file that `atsal weights front` wrote, by default the packaged one.
    """
    bundle = open_lite(model)
    if output.exists() and output.samefile(bundle.folder):
        raise OutputError(f"{output}: is the model that is read; give another folder")
    check_target(output, overwrite=overwrite)
    opened = SphereSource(source, bundle.config)
    measured = check_direction(direction or opened.prepared.preparation.direction)
    if head_eye is not None and measured != "head":
        raise ConfigError(f"--head-eye: needs head directions, but those of {opened.name} are {measured}: leave it out")
    priors = read_front_priors(prior)
    gaze = DirectionConfig(*(head_eye or HEAD_EYE), priors.head_eye)
    own_prior = priors.head if measured == "head" else priors.head_eye
    frames = run_streams(build_network(bundle), opened)
    choice = choose(frames, own_prior, share_of(bundle.config))
    is_photos = bool((frames.seconds < 0).all())
    directions = _fitted_directions(choice, own_prior, measured, gaze, bundle, photos=is_photos)
    bits = bits_per_fixation(fused_density(frames, choice, own_prior), frames.counts).mean()
    chosen_on = {
        "dataset": opened.name,
        "items": list(opened.items),
        "direction": measured,
        "bits_per_fixation": round(float(bits), 4),
        "chosen": {name: round(value, 4) for name, value in asdict(choice).items()},
    }
    prior_sets = {log.name: log.used for log in priors.sources}
    provenance = {**bundle.provenance, "fusion_chosen_on": chosen_on, "prior_fitted_on": prior_sets}
    shares = replace(bundle.config, attention_exponent=choice.share, experts_exponent=1 - choice.share)
    config = replace(shares, directions=directions)
    parts = {part: bundle.load(part) for part in PARTS}
    write_weight_folder(output, config, parts, provenance, overwrite=overwrite, half=half)
    return choice


def _fitted_directions(
    choice: Choice,
    prior: FrontPriorConfig,
    measured: str,
    gaze: DirectionConfig,
    bundle: WeightFolder,
    *,
    photos: bool,
) -> Directions:
    """Return the settings of both directions after a choice on gaze of the `measured` one, under its `prior`.

    `gaze` are the settings of `head_eye` if heads were measured; if gaze was, those of `head` stay as in `bundle`.
    """
    fitted = fitted_direction(choice, prior, photos=photos)
    if measured != "head":
        return Directions(fitted, _directions(bundle).head)
    latitude = replace(gaze.prior, latitude_strength=choice.latitude_strength)  # content tells as much of them for gaze
    return Directions(replace(gaze, prior=latitude), fitted)


def fitted_direction(choice: Choice, prior: FrontPriorConfig, *, photos: bool) -> DirectionConfig:
    """Return the settings of a choice under its `prior`, made on photos or on videos."""
    fitted = with_strengths(prior, choice.latitude_strength, choice.front_strength)
    if photos:  # photos say nothing about the front of videos, nor videos about that of photos
        fitted = replace(fitted, video_strength=prior.video_strength)
    else:
        fitted = replace(fitted, photo_strength=prior.photo_strength)
    return DirectionConfig(choice.exponent, choice.smoothing_deg, fitted)


def open_lite(model: Path | str) -> WeightFolder:
    """Open the model. Raise `ConfigError` if it has no fusion to choose."""
    bundle = find_weights(model)
    if not find_architecture(bundle.config.architecture).has_front_prior:
        raise ConfigError(f"{bundle.folder}: the paper's fusion has no settings; expected weights of lite")
    return bundle


def _directions(bundle: WeightFolder) -> Directions:
    """Return the model's directions, or those of the packaged model for one that was trained from scratch."""
    found = bundle.config.directions or find_weights(bundle.config.architecture).config.directions
    if found is None:
        raise ConfigError(f"{bundle.folder}: has no directions in its settings; expected those of lite")
    return found
