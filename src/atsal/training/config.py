"""The settings of a training run, read from one YAML file; `configs/` has a file for each stage."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from atsal.config import apply_overrides, check_range, from_mapping, load_yaml, suggest_name
from atsal.errors import ConfigError
from atsal.models.architecture import architecture_names
from atsal.models.config import ModelConfig
from atsal.training.losses import LOSSES, LossName
from atsal.training.photo_crops import PhotoViews

Part = Literal["attention", "equator", "poles", "experts", "fused"]
JOINT_PARTS: tuple[Part, ...] = ("experts", "fused")  # several parts, trained by the map that they make together
ParameterGroup = Literal["all", "mask", "average", "decoder"]
ValidationMetric = Literal["cc", "nss", "sim", "kld"]
SCRATCH = "scratch"
_MAX_COUNT = 1_000_000  # of epochs, frames or copies; a larger number is a typing error
_MAX_BATCH = 4096
_MAX_OPTIMISERS = 16
DISTILLED = ("panoramas", "videos", "scenes")  # sources without gaze, whose maps the teachers make
KINDS = ("prepared", "photos", *DISTILLED)
_PATHS = {"prepared", "photos", "panoramas", "videos", "raw", "teachers", "start", "pretrained", "split"}


@dataclass(frozen=True)
class SourceConfig:
    """One source of samples. Exactly one of the first five fields is set; it gives the kind of the source."""

    prepared: str | None = None  # a folder that `atsal prepare` wrote: 360° images, videos, or flat photos
    photos: str | None = None  # flat photos that only have density maps: images.zip and maps.npz
    panoramas: str | None = None  # a folder of 360° images without gaze; the `teachers` make their maps
    videos: tuple[str, ...] = ()  # 360° videos without gaze, or folders of them; the `teachers` make their maps
    scenes: int | None = None  # number of synthetic scenes; the `teachers` make their maps
    raw: str | None = None  # prepared: the present folder of the raw files, if they were moved
    teachers: tuple[str, ...] = ()  # models or weight folders; the target is the mean of their expert maps
    teacher_face_size: int | None = None  # face size of the teachers, pixels; by default their own
    taught_frames: int = 8  # videos, scenes: number of frames taken from each, evenly spread
    blur: float = 0.0  # flat photos: σ of an additional Gaussian on their maps, a share of the side
    aspect: float | None = None  # photos: width / height of the scene, if the files were squeezed
    tilted: int = 0  # with teachers: number of additional copies of each frame, pitched and rolled at random ...
    tilt_deg: float = 20.0  # ... by at most this angle
    split: str | None = None  # prepared: a part of a split, as "published.train" or "train", or a file of item names
    exclude: tuple[str, ...] = ()  # items to leave out
    folds: int | None = None  # divide the items into this number of folds, and ...
    only_fold: int | None = None  # ... take only this fold, or
    without_fold: int | None = None  # ... all folds but this one
    sigma_deg: float | None = None  # of the maps on the sphere; by default the prepared set's own
    frames_per_item: int = 1  # single frames: frames drawn from each video, or repeats of each image, in an epoch
    stride: int = 1  # clips: take every n-th frame of a video
    share: float | None = None  # of each batch; by default the sources are joined and each item comes once an epoch

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range and for settings that contradict each other."""
        kinds = [kind for kind in KINDS if getattr(self, kind)]
        if len(kinds) != 1:
            raise ConfigError(f"found {' and '.join(kinds) or 'none'} of {', '.join(KINDS)}; expected one")
        if bool(self.teachers) != self.is_distilled:
            raise ConfigError(f"{', '.join(DISTILLED)} need teachers, and other sources take none")
        folds = [fold for fold in (self.only_fold, self.without_fold) if fold is not None]
        if (self.folds is None) != (not folds) or len(folds) > 1:
            raise ConfigError("folds needs one of only_fold and without_fold, and they need folds")
        if self.folds is not None and not (self.folds >= 2 and 0 <= folds[0] < self.folds):
            raise ConfigError(f"fold {folds[0]} of {self.folds}: expected 0 to folds - 1, and at least 2 folds")
        check_range(self, frames_per_item=(1, _MAX_COUNT), stride=(1, _MAX_COUNT), tilted=(0, 1000))
        check_range(self, folds=(2, _MAX_COUNT), scenes=(1, _MAX_COUNT), taught_frames=(1, _MAX_COUNT))
        check_range(self, tilt_deg=(0, 180))
        self._refuse_unused_settings()
        if self.sigma_deg is not None and not 0 < self.sigma_deg < 180:
            raise ConfigError(f"{self.folder}: sigma_deg {self.sigma_deg}; expected more than 0, less than 180 degrees")
        if self.aspect is not None and not 0 < self.aspect < math.inf:
            raise ConfigError(f"{self.folder}: aspect {self.aspect}; expected width / height, a number above 0")
        if not 0 <= self.blur < 1:
            raise ConfigError(f"blur {self.blur}: expected 0 to below 1, a share of the map's side")
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f"share {self.share}: expected more than 0, at most 1")

    def _refuse_unused_settings(self) -> None:
        """Raise `ConfigError` for a setting of distillation that would have no effect."""
        needs = {
            "teacher_face_size": (self.is_distilled, "a source with teachers"),
            "tilted": (self.is_distilled, "a source with teachers"),
            "tilt_deg": (self.tilted > 0, "tilted copies"),
            "taught_frames": (bool(self.videos or self.scenes), "videos and scenes"),
        }
        for name, (is_used, owner) in needs.items():
            if not is_used and getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ConfigError(f"{self.folder}: {name} is for {owner}; leave it out")

    @property
    def folder(self) -> Path:
        """The place of the data, the first of several; "scenes" for synthetic scenes."""
        return Path(self.prepared or self.photos or self.panoramas or next(iter(self.videos), "scenes"))

    @property
    def is_distilled(self) -> bool:
        """Whether teachers make its maps."""
        return any(getattr(self, kind) for kind in DISTILLED)


@dataclass(frozen=True)
class Augmentation:
    """How 360° frames are moved, always together with their maps and fixations. All frames of a clip move alike."""

    yaw: bool = False  # turn by a random whole number of map pixels
    flip: bool = False  # mirror half of the samples
    stretch: float = 0.0  # probability of the published stretch of the top or the bottom band
    published: bool = False  # one of the published twenty variants instead
    colour: float = 0.0  # strength of changes of exposure, contrast, saturation and white balance, 0 to 1

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        if not (0 <= self.stretch <= 1 and 0 <= self.colour < 1):
            raise ConfigError("stretch is 0 to 1, colour 0 to below 1")
        if self.published and (self.yaw or self.flip or self.stretch):
            raise ConfigError("the published variants already turn, mirror and stretch: choose one kind")


@dataclass(frozen=True)
class OptimiserConfig:
    """An optimiser of all parameters or of a group, in all epochs or in some.

    It claims every `every`-th epoch from 0, below `until`. The last optimiser that claims an epoch trains it. `adamw`
    applies no weight decay to biases and normalisation; `adam` applies it to all, as in the published training.
    """

    learning_rate: float
    kind: Literal["adam", "adamw"] = "adamw"
    weight_decay: float = 0.0
    parameters: ParameterGroup = "all"
    average_learning_rate: float | None = None  # for the moving average's `alpha`; by default `learning_rate`
    encoder_learning_rate: float | None = None  # for the pretrained layers; by default `learning_rate`
    every: int = 1
    until: int | None = None

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        rates = (self.learning_rate, self.average_learning_rate, self.encoder_learning_rate)
        if not all(0 < rate < math.inf for rate in rates if rate is not None) or not 0 <= self.weight_decay < math.inf:
            raise ConfigError("expected learning rates that are numbers above 0, and a weight_decay of at least 0")
        check_range(self, every=(1, _MAX_COUNT), until=(0, _MAX_COUNT))

    def claims(self, epoch: int) -> bool:
        """Return whether it may train this epoch."""
        return epoch % self.every == 0 and (self.until is None or epoch < self.until)


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rates change over the epochs."""

    kind: Literal["constant", "step", "cosine", "one-cycle"] = "constant"
    every: int = 10  # step: epochs between two changes
    factor: float = 0.1  # step: the rate is multiplied by it at each change
    rise: float = 0.15  # one-cycle: share of the training in which the rate rises (Smith & Topin 2019)

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        check_range(self, every=(1, _MAX_COUNT))
        if not 0 < self.factor < math.inf or not 0 < self.rise < 1:
            raise ConfigError("schedule: factor is above 0, rise above 0 and below 1")


@dataclass(frozen=True)
class ValidationConfig:
    """How the averaged weights are validated after an epoch."""

    sources: tuple[SourceConfig, ...]
    metric: ValidationMetric = "cc"  # chooses the best epoch
    every: int = 1  # epochs
    frames_per_item: int = 10  # of a video, evenly spread; clips are validated on whole videos
    patience: int | None = None  # stop after this number of validations without a better score

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range."""
        if not self.sources:
            raise ConfigError("validation needs sources; or leave it out")
        metrics = get_args(ValidationMetric)
        if self.metric not in metrics:
            raise ConfigError(f"validation: unknown metric {self.metric!r}{suggest_name(self.metric, metrics)}")
        check_range(self, every=(1, _MAX_COUNT), frames_per_item=(1, _MAX_COUNT), patience=(1, _MAX_COUNT))


@dataclass(frozen=True)
class TrainConfig:
    """One stage of training: a part of the network, its data, and the weights it starts from."""

    title: str
    part: Part
    train: tuple[SourceConfig, ...]
    epochs: int
    loss: LossName
    optimisers: tuple[OptimiserConfig, ...]
    batch: int  # number of photos, frames, or videos side by side
    start: str = SCRATCH  # a model's name, a weight folder, the model/ of another run, or "scratch"
    start_part: Literal["attention", "equator", "poles"] | None = None  # copy this part's weights at the start
    model: ModelConfig | None = None  # required from scratch
    pretrained: str | None = None  # from scratch, lite: the EfficientNet-Lite0 checkpoint for its encoders
    seed: int = 0
    clip_frames: int | None = None  # frames of a clip; None: single frames
    max_steps_per_epoch: int | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    photo_views: PhotoViews = field(default_factory=PhotoViews)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    accumulate: int = 1  # batches in a step
    clip_norm: float | None = None  # the largest norm of the gradient
    averaging: float = 0.0  # decay of the running average of the weights; 0: no average
    freeze_normalisation: bool = False  # batch normalisation keeps its statistics
    moving_average: float | None = None  # set the experts' weight of the new frame before training, 0 to 1
    validation: ValidationConfig | None = None

    def __post_init__(self) -> None:
        """Raise `ConfigError` for values out of range and for settings that contradict each other."""
        if not self.train or not self.optimisers:
            raise ConfigError("expected at least one source to train on, and one optimiser")
        if len(self.optimisers) > _MAX_OPTIMISERS:
            raise ConfigError(f"found {len(self.optimisers)} optimisers; expected {_MAX_OPTIMISERS} at most")
        self._check_ranges()
        self._check_start()
        if LOSSES[self.loss].needs_mask and self.part != "attention":
            raise ConfigError(f"loss {self.loss!r} needs the mask of the attention stream; part is {self.part!r}")
        if not all(any(o.claims(epoch) for o in self.optimisers) for epoch in range(self.epochs)):
            raise ConfigError("no optimiser claims some of the epochs: give one without every and until")
        shares = [source.share for source in self.train]
        if any(shares) and (None in shares or self.clip_frames):
            raise ConfigError("give a share to every source or to none; sources of clips take none")
        if self.clip_frames and any(s.photos or s.is_distilled for s in self.train):
            raise ConfigError("clips need prepared 360° videos; photos and sources with teachers give single frames")

    def _check_ranges(self) -> None:
        check_range(self, epochs=(1, _MAX_COUNT), batch=(1, _MAX_BATCH), accumulate=(1, _MAX_BATCH))
        check_range(self, clip_frames=(1, _MAX_BATCH), max_steps_per_epoch=(1, 1000 * _MAX_COUNT), seed=(0, 2**53))
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise ConfigError(f"clip_norm {self.clip_norm}: expected a number above 0; leave it out to clip nothing")
        if self.moving_average is not None and (self.part == "attention" or not 0 < self.moving_average < 1):
            raise ConfigError("moving_average is the experts' weight of the new frame, above 0 and below 1")
        if not 0 <= self.averaging < 1:
            raise ConfigError(f"averaging {self.averaging}: expected 0 to below 1")

    def _check_start(self) -> None:
        if self.start == SCRATCH and self.model is None:
            raise ConfigError("a start from scratch needs model settings; or name the weights to start from")
        if self.start != SCRATCH and self.model is not None:
            raise ConfigError(f"the weights {self.start!r} bring their model settings: leave model out")
        if self.start != SCRATCH and self.pretrained is not None:
            raise ConfigError(f"pretrained is for a start from scratch; the start is {self.start!r}: leave it out")
        if self.part == "fused" and self.start_part is not None:
            raise ConfigError("start_part is not for fused: each of its three parts starts from its own weights")

    def optimiser_index(self, epoch: int) -> int:
        """Return the index of the optimiser that trains an epoch."""
        return max(k for k, optimiser in enumerate(self.optimisers) if optimiser.claims(epoch))


def read_train_config(path: Path, overrides: tuple[str, ...] = ()) -> TrainConfig:
    """Read a YAML file, with `key=value` overrides such as `train.0.prepared=data/osie`. Raise `ConfigError`."""
    return from_mapping(TrainConfig, apply_overrides(load_yaml(path), overrides), str(path))


def to_plain(config: TrainConfig) -> dict[str, Any]:
    """Return a configuration as JSON values, without the settings that are None."""

    def simple(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: simple(v) for k, v in value.items() if v is not None}
        return [simple(v) for v in value] if isinstance(value, list | tuple) else value

    return {name: simple(value) for name, value in dataclasses.asdict(config).items() if value is not None}


def with_absolute_paths(config: TrainConfig) -> TrainConfig:
    """Return the same configuration with the paths of existing data and weights made absolute."""

    def absolute(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: absolute(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [absolute(key, inner) for inner in value]
        is_path = (
            key in _PATHS
            and isinstance(value, str)
            and value not in (SCRATCH, *architecture_names())
            and (Path(value).is_file() if key == "split" else Path(value).exists())
        )
        return str(Path(value).resolve()) if is_path else value

    return from_mapping(TrainConfig, absolute("", to_plain(config)), "configuration")
