"""The two-stream network: attention on the whole frame, experts on cube faces, and their product.

Dahou, Tliba, McGuinness, O'Connor, "ATSal: An Attention Based Architecture for Saliency Prediction in 360° Videos",
ICPR Workshops 2020 (arXiv 2011.10600). `docs/reproduction.md` lists what differs from the released code.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn

from atsal.errors import ConfigError, ShapeError
from atsal.models.config import ModelConfig
from atsal.models.directions import Direction, known_direction, sharpened, smoothing
from atsal.models.front_prior import FrontPrior
from atsal.models.lite import PYRAMID, LiteExpert
from atsal.models.vgg import FEATURES
from atsal.projection import CubemapToErp, ErpToCubemap, resize_erp
from atsal.projection.geometry import EQUATOR_FACES, POLE_FACES
from atsal.projection.sampling import ConstantTensor
from atsal.projection.sphere import check_erp

Procedure = Literal["corrected", "published"]
EXPERTS = {"equator": EQUATOR_FACES, "poles": POLE_FACES}  # the faces of each, which stand in this order


class Prediction(NamedTuple):
    """What the layers make of one frame: maps (B, 1, h, 2h) >= 0 without the prior, mask, state for the next frame."""

    fused: Tensor  # with the exponent and smoothing of the direction applied
    attention: Tensor  # as it comes, in [0, 1]
    experts: Tensor  # in [0, 1]
    mask: Tensor  # (B, 1, h', w') in [0, 1], of the attention stream's own resolution
    state: Tensor  # (B, 6, C, h'', w''), one a face; of consecutive frames, the states after each


class ATSal(nn.Module):
    """Both streams and their fusion; `attention`, `poles` and `equator` are of either size (see `registry`).

    Args:
        config: sizes, preprocessing, fusion.
        attention, poles, equator: the layers.
        procedure: how the published layers are run.
        direction: what the maps are a density of, where the config has directions.
        front_deg: longitude of the front of the picture, + to the right; None: there is none.

    """

    def __init__(
        self,
        config: ModelConfig,
        attention: nn.Module,
        poles: nn.Module,
        equator: nn.Module,
        *,
        procedure: Procedure = "corrected",
        direction: Direction = "head_eye",
        front_deg: float | None = 0.0,
    ) -> None:
        super().__init__()
        _check_procedure(config, procedure)
        self.config = config
        self.procedure = procedure
        self.attention, self.poles, self.equator = attention, poles, equator
        self._mean = ConstantTensor(torch.tensor(config.mean, dtype=torch.float64).reshape(3, 1, 1))
        self._precision = torch.float32
        self.memory_format = torch.channels_last  # of what the layers get; the fastest on CPUs and GPUs alike
        self._cut = ErpToCubemap(config.erp_height, config.face_size, config.layout, fov_deg=config.face_fov_deg)
        self._stitch: CubemapToErp | None = None  # made at the first frame, when the size of the experts' maps is known
        self.direction, self.front_deg = known_direction(direction), front_deg
        _check_front(config, self.direction, front_deg)
        own = self._directed = config.directions.of(self.direction) if config.directions else None
        # Where people look whatever is shown: (T, 1, h, 2h) of mean 1 at (T,) seconds; None without directions.
        self.prior = FrontPrior(own.prior, config.map_height, front_deg) if own else None
        self._smooth = smoothing(config.map_height, own.smoothing_deg) if own else None

    def forward(
        self, erp: Tensor, state: Tensor | None = None, *, consecutive: bool = False, carry: Tensor | None = None
    ) -> Prediction:
        """One frame of each of B videos, and the state after the last one (None at the start of a video).

        With `consecutive`, B frames of one video, and a state (1, 6, …). `carry`, one for each video or a scalar for
        all, is 0 where a video begins, so that its state counts as nothing, else 1.
        `erp` is (B, 3, H, 2H) RGB in [0, 255], H = config.erp_height. Raises `ShapeError` for another shape.
        """
        check_erp(erp, self.config.erp_height)
        if erp.shape[1] != 3:
            raise ShapeError(f"a frame of {erp.shape[1]} channels: expected 3 (RGB)")
        attention, mask = self.run_attention(erp)
        experts, state = self.run_experts(erp, state, consecutive=consecutive, carry=carry)
        return Prediction(self.fuse(attention, experts), attention, experts, mask, state)

    def compute_in(self, precision: torch.dtype) -> Self:
        """Run the layers in this precision, geometry and fusion in float32 as ever; in place."""
        for part in (self.attention, self.poles, self.equator):
            part.to(precision)
        self._precision = precision
        return self

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Of the state of one video: (1, 6, C, S / 16, S / 16)."""
        channels = PYRAMID if self.config.architecture == "lite" else FEATURES
        return (1, 6, channels, self.config.face_size // 16, self.config.face_size // 16)

    def run_attention(self, erp: Tensor) -> tuple[Tensor, Tensor]:
        """The attention stream alone: (B, 3, H, 2H) RGB in [0, 255] -> map (B, 1, h, 2h) and mask."""
        saliency, mask = self.attend(erp)
        return resize_erp(saliency, self.config.map_height), mask

    def attend(self, erp: Tensor) -> tuple[Tensor, Tensor]:
        """As `run_attention`, with the map in the network's own size."""
        saliency, mask = self.attention(self.preprocess(erp))
        return saliency.float(), mask

    def run_experts(
        self, erp: Tensor, state: Tensor | None = None, *, consecutive: bool = False, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The expert stream alone: (B, 3, H, 2H) RGB in [0, 255], state -> map (B, 1, h, 2h), state (B, 6, …).

        `consecutive` and `carry` as in `forward`.
        """
        maps, state = self.run_faces(self.cut(erp), state, consecutive=consecutive, carry=carry)
        if self.procedure == "published":
            maps = torch.floor(maps / maps.amax((-2, -1), keepdim=True) * 255) / 255
        return self.stitcher(maps.shape[-1])(maps), state

    def run_faces(
        self, faces: Tensor, state: Tensor | None = None, *, consecutive: bool = False, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both experts on faces (B, 6, 3, S, S) RGB in [0, 255]; maps (B, 6, 1, s, s) and state (B, 6, C, h, w)."""
        encoded = self._encode("equator", faces) if self._have_one_encoder() else None
        parts = []
        for name, own in EXPERTS.items():
            features = self._encode(name, faces[:, own]) if encoded is None else [x[:, own] for x in encoded]
            before = None if state is None else state[:, own]
            parts.append(self._decode(name, features, before, consecutive, carry))
        maps, states = (torch.cat(both, 1) for both in zip(*parts, strict=True))
        return maps, states

    def run_expert(
        self,
        name: str,
        faces: Tensor,
        state: Tensor | None = None,
        *,
        consecutive: bool = False,
        carry: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The expert `equator` or `poles` on views (B, V, 3, S, S) RGB in [0, 255]: maps (B, V, 1, s, s) and state."""
        return self._decode(name, self._encode(name, faces), state, consecutive, carry)

    def _have_one_encoder(self) -> bool:
        equator, poles = self.equator, self.poles
        return isinstance(equator, LiteExpert) and isinstance(poles, LiteExpert) and equator.encoder is poles.encoder

    def _encode(self, name: str, faces: Tensor) -> list[Tensor]:
        """An expert's features (B, V, C, h, w) of views (B, V, 3, S, S) RGB in [0, 255]."""
        encoded = getattr(self, name).encode(self.preprocess(faces.flatten(0, 1)))
        return [x.reshape(*faces.shape[:2], *x.shape[1:]) for x in encoded]

    def _decode(
        self, name: str, features: Sequence[Tensor], state: Tensor | None, consecutive: bool, carry: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """An expert's maps and state, of its features (B, V, C, h, w)."""
        batch, views = features[0].shape[:2]
        flat = [x.flatten(0, 1) for x in features]
        before = None if state is None else state.flatten(0, 1).to(flat[0].dtype)
        if carry is not None and carry.ndim:
            carry = carry.repeat_interleave(views)[:, None, None, None]
        found = getattr(self, name).decode(flat, before, batch if consecutive else 1, carry)
        maps, after = (x.reshape(batch, -1, *x.shape[1:]) for x in found)
        return maps.float(), after

    def cut(self, erp: Tensor) -> Tensor:
        """The faces (B, 6, 3, S, S) of frames (B, 3, H, 2H).

        The published procedure has them in whole grey levels, halves up, on exact positions, as the release did.
        """
        if self.procedure == "published":
            return torch.floor(self._cut(erp.double()) + (0.5 + 1e-6)).to(erp.dtype)
        return self._cut(erp)

    def stitcher(self, size: int) -> CubemapToErp:
        """What lays the maps of faces, `size` pixels a side, on the ERP."""
        if self._stitch is None or self._stitch.geometry.face_size != size:
            config = self.config
            self._stitch = CubemapToErp(size, config.map_height, config.layout, fov_deg=config.face_fov_deg)
        return self._stitch

    @property
    def depends_on_time(self) -> bool:
        """Whether its maps depend on the time since the start of a video: by the prior, and only around a front."""
        return self.prior is not None and self.front_deg is not None

    def fuse(self, attention: Tensor, experts: Tensor) -> Tensor:
        """The pixelwise product of the streams' raw maps (B, 1, h, 2h), without the prior.

        The exponent and smoothing of the direction are applied.
        """
        config = self.config
        return self._as_directed(product(attention, experts, config.attention_exponent, config.experts_exponent), 1.0)

    def alone(self, stream: Tensor) -> Tensor:
        """What the raw map (B, 1, h, 2h) of one stream says without the other; without the prior.

        It has both exponents. The paper's streams are as they are.
        """
        return self._as_directed(stream, self.config.attention_exponent + self.config.experts_exponent)

    def _as_directed(self, content: Tensor, exponent: float) -> Tensor:
        if self._directed is None:
            return content
        return sharpened(content, exponent * self._directed.exponent, self._smooth)

    def preprocess(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 255] -> what the networks were trained on, in their precision."""
        if self.config.channel_order == "bgr":
            images = images.flip(1)
        images = ((images - self._mean.like(images)) / self.config.scale).to(self._precision)
        return images.contiguous(memory_format=self.memory_format)


def _check_procedure(config: ModelConfig, procedure: Procedure) -> None:
    if procedure == "published" and config.architecture != "paper":
        raise ConfigError(
            "procedure 'published' reproduces the paper's release: it needs the network 'paper', not "
            f"{config.architecture!r}"
        )


def _check_front(config: ModelConfig, direction: Direction, front_deg: float | None) -> None:
    if front_deg is not None and not -180 <= front_deg <= 180:
        raise ConfigError(f"front_deg {front_deg}: expected a longitude of -180 to 180 degrees, or None")
    if config.directions is None and (direction != "head_eye" or front_deg != 0.0):
        found = f"direction {direction!r} (--direction)"
        if direction == "head_eye":
            found = "front_deg None (--no-front)" if front_deg is None else f"front_deg {front_deg:g} (--front)"
        raise ConfigError(
            f"{found}: a model of architecture {config.architecture!r} without directions, which has one map of a "
            "frame and knows no front; leave it out, or use lite"
        )


def product(attention: Tensor, experts: Tensor, attention_exponent: float, experts_exponent: float) -> Tensor:
    """The fusion: two maps >= 0 of one shape, each raised to its exponent, multiplied; the paper's exponents are 1."""
    a, b = attention_exponent, experts_exponent
    return (attention if a == 1 else attention**a) * (experts if b == 1 else experts**b)
