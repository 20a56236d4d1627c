"""What a training run depends on, as one YAML file: `configs/` has one for each stage."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from atsal.config import apply_overrides, check_range, from_mapping, load_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.models.config import ModelConfig
from atsal.models.registry import NAMES
from atsal.training.losses import LOSSES, LossName
from atsal.training.photos import CropRange

Part = Literal["attention", "equator", "poles", "experts", "fused"]
TOGETHER: tuple[Part, ...] = ("experts", "fused")  # several parts at once, by the map that they make together
Parameters = Literal["all", "mask", "average", "decoder"]
ValidationMetric = Literal["cc", "nss", "sim", "kld"]
SCRATCH = "scratch"
MIN_VIEW = 32  # pixels: one value at the bottom of the networks
MAX_VIEW = 1024
_MANY = 1_000_000  # epochs, frames, copies: more is a slip, and would take for ever or all memory
_MOST_TOGETHER = 4096  # in a batch
_MOST_OPTIMISERS = 16
TAUGHT = ("panoramas", "videos", "scenes")  # kinds of sources without gaze
KINDS = ("prepared", "photos", *TAUGHT)


@dataclass(frozen=True)
class SourceConfig:
    """One source of samples: `prepared`, `photos`, `panoramas`, `videos` or `scenes` says of which kind."""

    prepared: str | None = None  # a folder that `atsal prepare` wrote: 360° images, videos, or flat photos
    photos: str | None = None  # flat photos of which only density maps exist: images.zip and maps.npz
    panoramas: str | None = None  # a folder of 360° images without gaze, whose maps the `teachers` make
    videos: tuple[str, ...] = ()  # 360° videos without gaze, or folders of them, taught likewise
    scenes: int | None = None  # so many made-up scenes, taught likewise
    raw: str | None = None  # prepared: where the raw files are now, if they were moved
    teachers: tuple[str, ...] = ()  # models, or weight folders; the mean of their expert maps
    teacher_face_size: int | None = None  # pixels of the faces that the teachers see, in place of their own
    taught_frames: int = 8  # videos, scenes: frames taken of each, evenly spread
    blur: float = 0.0  # flat photos: of one more Gaussian on their maps, as a share of the side
    aspect: float | None = None  # photos: width / height of the scene, where the files were squeezed to another
    tilted: int = 0  # taught: so many more copies of each frame, pitched and rolled at random ...
    tilt_deg: float = 20.0  # ... by up to this much
    split: str | None = None  # prepared: "name.part" as in the manifest, "published.train"
    exclude: tuple[str, ...] = ()  # items left out
    folds: int | None = None  # cut the items into so many folds, and ...
    only_fold: int | None = None  # ... take only this one, or
    without_fold: int | None = None  # ... all but this one
    sigma_deg: float | None = None  # of the maps on the sphere; by default the prepared set's own
    frames_per_item: int = 1  # single frames: how many an epoch draws of each video, or how often it shows an image
    stride: int = 1  # clips: every so many frames of a video
    share: float | None = None  # of each batch; by default sources are joined, each item once an epoch

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        kinds = [kind for kind in KINDS if getattr(self, kind)]
        if len(kinds) != 1:
            raise ConfigError(f"found {' and '.join(kinds) or 'none'} of {', '.join(KINDS)}; expected one")
        if bool(self.teachers) != self.is_taught:
            raise ConfigError(f"{', '.join(TAUGHT)} need teachers, and nothing else takes any")
        chosen = [fold for fold in (self.only_fold, self.without_fold) if fold is not None]
        if (self.folds is None) != (not chosen) or len(chosen) > 1:
            raise ConfigError("folds needs one of only_fold and without_fold, and they need folds")
        if self.folds is not None and not (self.folds >= 2 and 0 <= chosen[0] < self.folds):
            raise ConfigError(f"fold {chosen[0]} of {self.folds}: expected 0 to folds - 1, and at least 2 folds")
        check_range(self, folds=(2, _MANY), frames_per_item=(1, _MANY), stride=(1, _MANY), tilted=(0, 1000))
        check_range(self, tilt_deg=(0, 180), scenes=(1, _MANY), taught_frames=(1, _MANY))
        self._check_useful()
        if self.sigma_deg is not None and not 0 < self.sigma_deg < 180:
            raise ConfigError(f"{self.folder}: sigma_deg {self.sigma_deg}; expected more than 0, less than 180 degrees")
        if self.aspect is not None and not 0 < self.aspect < math.inf:
            raise ConfigError(f"{self.folder}: aspect {self.aspect}; expected width / height, a number above 0")
        if not 0 <= self.blur < 1:
            raise ConfigError(f"blur {self.blur}: expected 0 to below 1, a share of the map's side")
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f"share {self.share}: expected more than 0, at most 1")

    def _check_useful(self) -> None:
        """Refuse settings of what is taught that would change nothing."""
        useful = {
            "teacher_face_size": (self.is_taught, "a source with teachers"),
            "tilted": (self.is_taught, "a source with teachers"),
            "tilt_deg": (self.tilted > 0, "tilted copies"),
            "taught_frames": (bool(self.videos or self.scenes), "videos and scenes"),
        }
        for name, (is_used, of) in useful.items():
            if not is_used and getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ConfigError(f"{self.folder}: {name} is of {of}; leave it out")

    @property
    def folder(self) -> Path:
        """Where the data lie, of several places the first; scenes lie nowhere."""
        return Path(self.prepared or self.photos or self.panoramas or next(iter(self.videos), "scenes"))

    @property
    def is_taught(self) -> bool:
        """Whether its maps are those of teachers."""
        return any(getattr(self, kind) for kind in TAUGHT)


@dataclass(frozen=True)
class Augmentation:
    """How 360° frames are moved, always with their maps and fixations; a clip is moved as a whole."""

    yaw: bool = False  # turn by any whole number of map pixels
    flip: bool = False  # mirror half of them
    stretch: float = 0.0  # chance of the published stretch of the top or the bottom band
    published: bool = False  # one of the published twenty variants instead
    colour: float = 0.0  # strength of changes of exposure, contrast, saturation and white balance, 0 to 1

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not (0 <= self.stretch <= 1 and 0 <= self.colour < 1):
            raise ConfigError("stretch is 0 to 1, colour 0 to below 1")
        if self.published and (self.yaw or self.flip or self.stretch):
            raise ConfigError("the published variants hold turns, mirroring and stretches already: choose one kind")


@dataclass(frozen=True)
class Growth:
    """Smaller views at first: quicker, and no worse in the end."""

    until: float  # share of the epochs
    size: int

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not 0 < self.until <= 1 or not MIN_VIEW <= self.size <= MAX_VIEW:
            raise ConfigError(f"growth: until is above 0 to 1, size {MIN_VIEW} to {MAX_VIEW} pixels")


@dataclass(frozen=True)
class PhotoViews:
    """How flat photos become views for an expert: crops by random homographies, those of a photo judged together."""

    count: int = 2
    size: int = 128  # pixels
    growth: tuple[Growth, ...] = ()
    crops: CropRange = field(default_factory=CropRange)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not (1 <= self.count <= _MOST_TOGETHER and MIN_VIEW <= self.size <= MAX_VIEW):
            raise ConfigError(f"photo_views: count is 1 to {_MOST_TOGETHER}, size {MIN_VIEW} to {MAX_VIEW} pixels")

    def size_at(self, done: float) -> int:
        """The size of the views after a share `done` of the epochs."""
        return next((step.size for step in self.growth if done < step.until), self.size)


@dataclass(frozen=True)
class OptimiserConfig:
    """An optimiser of all parameters or some, in all epochs or some.

    An epoch is trained by the last optimiser that claims it: every `every`-th one from 0, below `until`. `adamw` spares
    biases and normalisation its weight decay; `adam` decays all, as the published training did.
    """

    learning_rate: float
    kind: Literal["adam", "adamw"] = "adamw"
    weight_decay: float = 0.0
    parameters: Parameters = "all"
    average_learning_rate: float | None = None  # of the moving average's `alpha`, where it is another one
    encoder_learning_rate: float | None = None  # of pretrained layers, where it is another one
    every: int = 1
    until: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        rates = (self.learning_rate, self.average_learning_rate, self.encoder_learning_rate)
        if not all(0 < rate < math.inf for rate in rates if rate is not None) or not 0 <= self.weight_decay < math.inf:
            raise ConfigError("expected learning rates that are numbers above 0, and a weight_decay of at least 0")
        check_range(self, every=(1, _MANY), until=(0, _MANY))

    def claims(self, epoch: int) -> bool:
        """Whether it trains this epoch."""
        return epoch % self.every == 0 and (self.until is None or epoch < self.until)


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rates change: times `factor` every so many epochs, a cosine down to 0, or up and down once."""

    kind: Literal["constant", "step", "cosine", "one-cycle"] = "constant"
    every: int = 10  # step: epochs
    factor: float = 0.1  # step
    rise: float = 0.15  # one-cycle: share of the training in which the rate rises (Smith & Topin 2019)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check_range(self, every=(1, _MANY))
        if not 0 < self.factor < math.inf or not 0 < self.rise < 1:
            raise ConfigError("schedule: factor is above 0, rise above 0 and below 1")


@dataclass(frozen=True)
class ValidationConfig:
    """What is measured at the end of each epoch, on the averaged weights, and what is done about it."""

    sources: tuple[SourceConfig, ...]
    metric: ValidationMetric = "cc"  # chooses the best epoch
    every: int = 1  # epochs
    frames_per_item: int = 10  # of a video, evenly spread; clips are validated on whole videos
    patience: int | None = None  # stop after so many validations without a better one

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not self.sources:
            raise ConfigError("validation needs sources; or leave it out")
        known = get_args(ValidationMetric)
        if self.metric not in known:
            raise ConfigError(f"validation: unknown metric {self.metric!r}{suggest_name(self.metric, known)}")
        check_range(self, every=(1, _MANY), frames_per_item=(1, _MANY), patience=(1, _MANY))


@dataclass(frozen=True)
class TrainConfig:
    """One stage of training: one part of the network, on some data, from some weights."""

    title: str
    part: Part
    train: tuple[SourceConfig, ...]
    epochs: int
    loss: LossName
    optimisers: tuple[OptimiserConfig, ...]
    batch: int  # photos, frames, or videos side by side
    start: str = SCRATCH  # a model's name, a weight folder, the model/ of another run; or scratch
    start_part: Literal["attention", "equator", "poles"] | None = (
        None  # whose weights it starts from, or both experts, if not its own
    )
    model: ModelConfig | None = None  # needed from scratch
    pretrained: str | None = (
        None  # from scratch, lite: the checkpoint of EfficientNet-Lite0 that its encoders begin with
    )
    seed: int = 0
    clip_frames: int | None = None  # frames of a clip; without, single frames
    max_steps_per_epoch: int | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    photo_views: PhotoViews = field(default_factory=PhotoViews)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    accumulate: int = 1  # batches a step
    clip_norm: float | None = None  # of the gradient
    averaging: float = 0.0  # decay of the running average of the weights; 0: none
    freeze_normalisation: bool = False  # batch normalisation keeps its statistics
    moving_average: float | None = None  # set the experts' share of the new frame before training, 0 to 1
    validation: ValidationConfig | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if not self.train or not self.optimisers:
            raise ConfigError("expected at least one source to train on, and one optimiser")
        if len(self.optimisers) > _MOST_OPTIMISERS:
            raise ConfigError(f"found {len(self.optimisers)} optimisers; expected {_MOST_OPTIMISERS} at most")
        self._check_ranges()
        if self.start == SCRATCH and self.model is None:
            raise ConfigError("a start from scratch needs model settings; or name the weights to start from")
        if self.start != SCRATCH and self.model is not None:
            raise ConfigError(f"the model settings come with the weights {self.start!r}: leave model out")
        if self.start != SCRATCH and self.pretrained is not None:
            raise ConfigError(f"pretrained is for a start from scratch; {self.start!r} has its weights: leave it out")
        if LOSSES[self.loss].needs_mask and self.part != "attention":
            raise ConfigError(f"loss {self.loss!r} is of the attention stream's map and mask; part is {self.part!r}")
        if not all(any(o.claims(epoch) for o in self.optimisers) for epoch in range(self.epochs)):
            raise ConfigError("some epochs are claimed by no optimiser: give one without every and until")
        shares = [source.share for source in self.train]
        if any(shares) and (None in shares or self.clip_frames):
            raise ConfigError("give every source a share, or none; clips take none")
        if self.clip_frames and any(s.photos or s.is_taught for s in self.train):
            raise ConfigError("clips are of prepared 360° videos; photos and what is taught are single frames")

    def _check_ranges(self) -> None:
        check_range(self, epochs=(1, _MANY), batch=(1, _MOST_TOGETHER), accumulate=(1, _MOST_TOGETHER))
        check_range(self, clip_frames=(1, _MOST_TOGETHER), max_steps_per_epoch=(1, 1000 * _MANY), seed=(0, 2**53))
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise ConfigError(f"clip_norm {self.clip_norm}: expected a number above 0; without it nothing is clipped")
        if self.part == "fused" and self.start_part is not None:
            raise ConfigError("start_part is not for fused: it trains all three, each from its own weights")
        if self.moving_average is not None and (self.part == "attention" or not 0 < self.moving_average < 1):
            raise ConfigError("moving_average is the experts' share of the new frame, above 0 and below 1")
        if not 0 <= self.averaging < 1:
            raise ConfigError(f"averaging {self.averaging}: expected 0 to below 1")

    def optimiser_of(self, epoch: int) -> int:
        """The number of the optimiser that trains an epoch."""
        return max(k for k, optimiser in enumerate(self.optimisers) if optimiser.claims(epoch))


def read_train_config(path: Path, overrides: tuple[str, ...] = ()) -> TrainConfig:
    """Read a YAML file, with `key=value` overrides (`epochs=3`, `train.0.prepared=data/osie`); `ConfigError`."""
    values: dict[str, Any] = apply_overrides(load_yaml(path), overrides)
    return from_mapping(TrainConfig, values, str(path))


def with_folders_resolved(config: TrainConfig) -> TrainConfig:
    """The same run, told from anywhere: paths of data and weights that exist are made absolute."""

    def absolute(name: str | None) -> str | None:
        is_path = name is not None and name not in (SCRATCH, *NAMES) and Path(name).exists()
        return str(Path(name or "").resolve()) if is_path else name

    def source(s: SourceConfig) -> SourceConfig:
        return replace(
            s,
            prepared=absolute(s.prepared),
            photos=absolute(s.photos),
            panoramas=absolute(s.panoramas),
            raw=absolute(s.raw),
            videos=tuple(absolute(v) or v for v in s.videos),
            teachers=tuple(absolute(t) or t for t in s.teachers),
        )

    validation = config.validation
    if validation is not None:
        validation = replace(validation, sources=tuple(map(source, validation.sources)))
    return replace(
        config,
        train=tuple(map(source, config.train)),
        validation=validation,
        start=absolute(config.start) or config.start,
        pretrained=absolute(config.pretrained),
    )
