"""The fusion, chosen on measured gaze: `smooth((attention ** share * experts ** (1 - share)) ** exponent) * prior`.

Chosen together are the share of each stream, the sharpness (exponent, smoothing) and the strengths of the prior, by
KLD - CC, as the layers were trained: what is chosen is calibrated, not only well correlated.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from atsal.errors import ConfigError, DataError, OutputError
from atsal.models.atsal import ATSal, product
from atsal.models.bundle import PARTS, Bundle, check_target, write_bundle
from atsal.models.directions import DirectionConfig, Directions, known_direction
from atsal.models.front_prior import FrontPrior, FrontPriorConfig
from atsal.models.front_prior_file import read_front_prior_file, read_front_priors
from atsal.models.registry import build_network, find_bundle
from atsal.projection import SphericalGaussian, solid_angle_weights
from atsal.training.config import Augmentation, SourceConfig
from atsal.training.losses import kld_cc
from atsal.training.sources import SphereSource, validation_keys

SHARES = tuple(k / 8 for k in range(9))  # of the attention stream
EXPONENTS = tuple(round(0.5 + 0.1 * k, 1) for k in range(9))
SMOOTHINGS_DEG = (0.0, 4.0, 6.0, 8.0, 10.0, 12.0)
LATITUDE_STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
STRENGTHS = (0.25, 0.35, 0.5, 0.65, 0.8, 1.0)
FRAMES_PER_VIDEO = 10
_LEAST = 1e-6  # of a map: its logarithm is finite


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


@dataclass(frozen=True)
class Choice:
    """One setting of the fusion, and what it is worth."""

    share: float
    exponent: float
    smoothing_deg: float
    latitude_strength: float
    strength: float  # of the front
    loss: float  # KLD - CC

    def prior(self, prior: FrontPriorConfig) -> FrontPriorConfig:
        """The prior with these strengths, that of the front for films and photos alike."""
        return replace(
            prior,
            latitude_strength=self.latitude_strength,
            video_strength=self.strength,
            photo_strength=self.strength,
        )


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
def choose(measured: Measured, prior: FrontPriorConfig, shares: Sequence[float] = SHARES) -> Choice:
    """The setting with the least KLD - CC, tried over the whole grid."""
    rows = measured.target.shape[-2]
    weights = solid_angle_weights(rows).float()
    attention, experts = (stream.clamp(min=_LEAST).log() for stream in (measured.attention, measured.experts))
    strengths = [*itertools.product(LATITUDE_STRENGTHS, STRENGTHS)]
    priors = [FrontPrior(Choice(0, 0, 0, *pair, 0).prior(prior), rows)(measured.seconds) for pair in strengths]
    smoothings: dict[float, Callable[[Tensor], Tensor]] = {
        sigma: SphericalGaussian(rows, sigma) if sigma else lambda content: content for sigma in SMOOTHINGS_DEG
    }
    found = []
    for share, exponent in itertools.product(shares, EXPONENTS):
        content = torch.exp(exponent * (share * attention + (1 - share) * experts))
        for sigma, smooth in smoothings.items():
            smoothed = smooth(content)
            for pair, density in zip(strengths, priors, strict=True):
                loss = float(kld_cc(smoothed * density, measured.target, weights))
                found.append(Choice(share, exponent, sigma, *pair, loss))
    return min(found, key=lambda choice: choice.loss)


def bits_per_fixation(density: Tensor, counts: Tensor) -> Tensor:
    """The mean of log2 of the density over the uniform one at the fixations of each map: (N,).

    Density and counts are (N, 1, h, 2h); the density is normalised by solid angle.
    """
    weights = solid_angle_weights(density.shape[-2]).to(density)
    mean = (density * weights).sum((1, 2, 3)) / (weights.sum() * density.shape[-1])
    logs = torch.log2(density.clamp(min=1e-12) / mean[:, None, None, None])
    return (counts * logs).sum((1, 2, 3)) / counts.sum((1, 2, 3))


def _fitted(prior: FrontPriorConfig, measured: Measured, choice: Choice) -> FrontPriorConfig:
    """The prior with the strengths of what was measured; photos and films have one each of the front."""
    found = choice.prior(prior)
    if (measured.seconds < 0).all():
        return replace(found, video_strength=prior.video_strength)
    return replace(found, photo_strength=prior.photo_strength)


def density(measured: Measured, choice: Choice, prior: FrontPriorConfig) -> Tensor:
    """The map (N, 1, h, 2h) that a choice makes of each frame."""
    rows = measured.target.shape[-2]
    content = product(measured.attention, measured.experts, choice.share, 1 - choice.share) ** choice.exponent
    smoothed = SphericalGaussian(rows, choice.smoothing_deg)(content) if choice.smoothing_deg else content
    return smoothed * FrontPrior(choice.prior(prior), rows)(measured.seconds)


def fuse(
    model: Path | str,
    source: SourceConfig,
    output: Path,
    *,
    direction: str | None = None,
    head_eye: tuple[float, float] = (1.0, 5.0),
    half: bool,
    overwrite: bool,
) -> Choice:
    """Write a weight folder like `model` with the fusion that suits the source best; returns the choice.

    `direction` is what the source's gaze is of, by default as it was prepared. Where that is `head`, the map of gaze
    gets `head_eye`: exponent and smoothing in degrees; else the map of heads stays as the model has it.
    """
    bundle = find_bundle(model)
    if bundle.config.architecture != "lite":
        raise ConfigError(f"{bundle.folder}: the paper's fusion has nothing to choose; give weights of lite")
    if output.exists() and output.samefile(bundle.folder):
        raise OutputError(f"{output}: is the model that is read; give another folder")
    check_target(output, overwrite=overwrite)
    opened = SphereSource(source, bundle.config, Augmentation())
    taken = known_direction(direction or opened.prepared.preparation.direction)
    priors = read_front_priors()
    prior = priors[taken]
    measured = measure(build_network(bundle), opened)
    chosen = choose(measured, prior)
    fitted = DirectionConfig(chosen.exponent, chosen.smoothing_deg, _fitted(prior, measured, chosen))
    if taken == "head":
        gaze = replace(
            priors["head_eye"], latitude_strength=chosen.latitude_strength
        )  # the content tells as much of it
        directions = Directions(DirectionConfig(*head_eye, gaze), fitted)
    else:
        directions = Directions(fitted, _directions(bundle).head)
    config = replace(
        bundle.config,
        attention_exponent=chosen.share,
        experts_exponent=1 - chosen.share,
        directions=directions,
    )
    noted = {
        "dataset": opened.name,
        "items": list(opened.items),
        "direction": taken,
        "bits_per_fixation": round(
            float(bits_per_fixation(density(measured, chosen, prior), measured.counts).mean()), 4
        ),
        "chosen": {name: round(value, 4) for name, value in asdict(chosen).items()},
    }
    provenance = {**bundle.provenance, "fusion_chosen_on": noted, "trained_on": _seen(bundle, opened)}
    parts = {part: bundle.load(part) for part in PARTS}
    write_bundle(output, config, parts, provenance, overwrite=overwrite, half=half)
    return chosen


def _directions(bundle: Bundle) -> Directions:
    """Those of the model; of one that was trained from scratch, those of the packaged one."""
    found = bundle.config.directions or find_bundle("lite").config.directions
    if found is None:
        raise ConfigError(f"{bundle.folder}: no directions in its settings; expected those of lite")
    return found


def _seen(bundle: Bundle, source: SphereSource) -> dict[str, dict[str, list[str]]]:
    """By stream, the items of each set that its map knows something of: all of a set that the prior was fitted on."""
    of_prior = {fitted.name for fitted in read_front_prior_file().sources}
    items = source.prepared.items if source.name in of_prior else source.items
    before = {stream: dict(sets) for stream, sets in dict(bundle.provenance.get("trained_on", {})).items()}
    for stream in ("attention", "experts"):
        sets = before.setdefault(stream, {})
        sets[source.name] = sorted({*sets.get(source.name, []), *items})
    return before
