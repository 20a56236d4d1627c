"""The two-stream network: attention on the whole frame, experts on cube faces, and their product.

Dahou, Tliba, McGuinness, O'Connor, "ATSal: An Attention Based Architecture for Saliency Prediction in 360° Videos",
ICPR Workshops 2020 (arXiv 2011.10600). `docs/reproduction.md` lists the differences from the released code.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn

from atsal.errors import ConfigError, ShapeError
from atsal.models import Direction
from atsal.models.architecture import Architecture, find_architecture
from atsal.models.config import ModelConfig
from atsal.models.directions import Density, check_direction, check_front
from atsal.projection import CubemapToErp, ErpToCubemap, resize_erp
from atsal.projection.geometry import EQUATOR_FACES, POLE_FACES
from atsal.projection.sampling import ConstantTensor
from atsal.projection.sphere import check_erp

Procedure = Literal["corrected", "published"]
EXPERTS = {"equator": EQUATOR_FACES, "poles": POLE_FACES}  # the faces of each expert; states are stored in this order


class Prediction(NamedTuple):
    """The network's output for one frame: maps (B, 1, h, 2h) >= 0 without the prior, mask, state for the next frame."""

    fused: Tensor  # with the exponent and smoothing of the direction
    attention: Tensor  # without them, in [0, 1]
    experts: Tensor  # in [0, 1]
    mask: Tensor  # (B, 1, h', w') in [0, 1], in the attention stream's own resolution
    state: Tensor  # (B, 6, C, h'', w''), one per face; for consecutive frames, the states after each


class ATSal(nn.Module):
    """Both streams and their fusion.

    Args:
        config: architecture, sizes, preprocessing, fusion.
        attention, poles, equator: the parts of the architecture.
        procedure: "corrected", or "published": the released test procedure.
        direction: what the maps are a density of, if the config has directions.
        front_deg: longitude of the front of the picture, + to the right. None: there is no front.

    Attributes:
        prior: the front prior, (T, 1, h, 2h) with mean 1 at (T,) seconds; None if the config has no directions.
        memory_format: of the layers' input. channels_last is the fastest on CPUs and GPUs.

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
        self.config, self.architecture = config, find_architecture(config.architecture)
        _check_procedure(self.architecture, procedure)
        check_front(config.directions, config.architecture, check_direction(direction), front_deg)
        self.procedure, self.direction, self.front_deg = procedure, direction, front_deg
        self.attention, self.poles, self.equator = attention, poles, equator
        self.memory_format = torch.channels_last
        self._precision = torch.float32
        self._mean = ConstantTensor(torch.tensor(config.mean, dtype=torch.float64).reshape(3, 1, 1))
        self._cut = ErpToCubemap(config.erp_height, config.face_size, config.layout, fov_deg=config.face_fov_deg)
        self._stitch: CubemapToErp | None = None  # made at the first frame: it depends on the size of the experts' maps
        self._densities: dict[Direction, Density] = {}  # made when first needed
        density = self.density(direction)
        self.prior = density.prior if density else None

    def forward(
        self, erp: Tensor, state: Tensor | None = None, *, consecutive: bool = False, carry: Tensor | None = None
    ) -> Prediction:
        """Predict one frame of each of B videos; with `consecutive`, B frames of one video.

        Args:
            erp: (B, 3, H, 2H) RGB in [0, 255], H = config.erp_height.
            state: (B, 6, …), or (1, 6, …) with `consecutive`: after the previous frame. None at the start of a video.
            consecutive: whether the frames follow each other in one video.
            carry: 0 for a video that starts here, so that its state is ignored, else 1; (B,), or a scalar for all.

        Raises:
            ShapeError: a frame or a state of another shape.

        """
        check_erp(erp, self.config.erp_height)
        if erp.shape[1] != 3:
            raise ShapeError(f"a frame of {erp.shape[1]} channels: expected 3 (RGB)")
        attention, mask = self.run_attention(erp)
        experts, state = self.run_experts(erp, state, consecutive=consecutive, carry=carry)
        return Prediction(self.fuse(attention, experts), attention, experts, mask, state)

    def compute_in(self, precision: torch.dtype) -> Self:
        """Run the layers in this precision, in place. Geometry and fusion stay in float32."""
        for part in (self.attention, self.poles, self.equator):
            part.to(precision)
        self._precision = precision
        return self

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Shape of one video's state, as of `Architecture.state_shape`."""
        return self.architecture.state_shape(self.config.face_size)

    @property
    def state_memory(self) -> float:
        """The share of a state that is left in the state of the next frame, of the expert that forgets more slowly.

        It is `1 - sigmoid(alpha)` of the moving average (`moving_average.py`), 0 to 1.
        """
        names = self.architecture.parameter_groups["average"]
        parts = (getattr(self, name).named_parameters() for name in EXPERTS)
        alphas = [alpha for part in parts for name, alpha in part if name.startswith(names)]
        return max(1 - torch.sigmoid(alpha.detach().double()).max().item() for alpha in alphas)

    @property
    def depends_on_time(self) -> bool:
        """Whether the maps depend on the time since the start of a video: through the prior, if there is a front."""
        return self.prior is not None and self.front_deg is not None

    def run_attention(self, erp: Tensor) -> tuple[Tensor, Tensor]:
        """Run the attention stream: (B, 3, H, 2H) RGB in [0, 255] -> map (B, 1, h, 2h) and mask."""
        saliency, mask = self.attend(erp)
        return resize_erp(saliency, self.config.map_height), mask

    def attend(self, erp: Tensor) -> tuple[Tensor, Tensor]:
        """Run the attention stream like `run_attention`, with the map in the network's own size."""
        saliency, mask = self.attention(self.preprocess(erp))
        return saliency.float(), mask

    def run_experts(
        self, erp: Tensor, state: Tensor | None = None, *, consecutive: bool = False, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run the expert stream: (B, 3, H, 2H) RGB in [0, 255] and state -> map (B, 1, h, 2h) and state (B, 6, …).

        `consecutive` and `carry` are those of `forward`.
        """
        maps, state = self.run_faces(self.cut(erp), state, consecutive=consecutive, carry=carry)
        if self.procedure == "published":
            maps = torch.floor(maps / maps.amax((-2, -1), keepdim=True) * 255) / 255
        return self.stitcher(maps.shape[-1])(maps), state

    def run_faces(
        self, faces: Tensor, state: Tensor | None = None, *, consecutive: bool = False, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run both experts on faces (B, 6, 3, S, S) RGB in [0, 255]: maps (B, 6, 1, s, s), state (B, 6, C, h, w)."""
        encoded = self._encode("equator", faces) if self._have_one_encoder() else None
        parts = []
        for name, own in EXPERTS.items():
            features = self._encode(name, faces[:, own]) if encoded is None else [x[:, own] for x in encoded]
            before = None if state is None else state[:, own]
            parts.append(self._decode(name, features, before, consecutive, carry))
        maps, states = (torch.cat(both, 1) for both in zip(*parts, strict=True))
        return maps, states

    def run_expert(
        self, name: str, faces: Tensor, state: Tensor | None = None, *, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run `equator` or `poles` on views (B, V, 3, S, S) RGB in [0, 255]: maps (B, V, 1, s, s) and state."""
        return self._decode(name, self._encode(name, faces), state, False, carry)

    def _have_one_encoder(self) -> bool:
        encoder = getattr(self.equator, "encoder", None)
        return encoder is not None and encoder is getattr(self.poles, "encoder", None)

    def _encode(self, name: str, faces: Tensor) -> list[Tensor]:
        """Return an expert's features (B, V, C, h, w) of views (B, V, 3, S, S) RGB in [0, 255]."""
        encoded = getattr(self, name).encode(self.preprocess(faces.flatten(0, 1)))
        return [x.reshape(*faces.shape[:2], *x.shape[1:]) for x in encoded]

    def _decode(
        self, name: str, features: Sequence[Tensor], state: Tensor | None, consecutive: bool, carry: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return an expert's maps and state from its features (B, V, C, h, w)."""
        batch, views = features[0].shape[:2]
        flat = [x.flatten(0, 1) for x in features]
        before = None if state is None else state.flatten(0, 1).to(flat[0].dtype)
        if carry is not None and carry.ndim:
            carry = carry.repeat_interleave(views)[:, None, None, None]
        output = getattr(self, name).decode(flat, before, batch if consecutive else 1, carry)
        maps, after = (x.reshape(batch, -1, *x.shape[1:]) for x in output)
        return maps.float(), after

    def cut(self, erp: Tensor) -> Tensor:
        """Cut frames (B, 3, H, 2H) into faces (B, 6, 3, S, S).

        The published procedure rounds them to whole grey levels, halves up, from exact positions, as the release does.
        """
        if self.procedure == "published":
            return torch.floor(self._cut(erp.double()) + (0.5 + 1e-6)).to(erp.dtype)
        return self._cut(erp)

    def stitcher(self, size: int) -> CubemapToErp:
        """Return the converter of face maps with `size` pixels a side to ERP maps."""
        if self._stitch is None or self._stitch.geometry.face_size != size:
            config = self.config
            self._stitch = CubemapToErp(size, config.map_height, config.layout, fov_deg=config.face_fov_deg)
        return self._stitch

    def density(self, direction: Direction | None = None) -> Density | None:
        """Return what makes maps of a direction, by default the network's own; None if the config has no directions.

        Raise `ConfigError` where it has none and another is wanted than the network's own.
        """
        direction = direction or self.direction
        if self.config.directions is None:
            check_front(None, self.config.architecture, direction, 0.0)
            return None
        if direction not in self._densities:
            config = self.config.directions.of(direction)
            self._densities[direction] = Density(config, self.config.map_height, self.front_deg)
        return self._densities[direction]

    def fuse(self, attention: Tensor, experts: Tensor, *, direction: Direction | None = None) -> Tensor:
        """Multiply the streams' raw maps (B, 1, h, 2h), with the exponent and smoothing of the direction, no prior.

        The direction is the network's own by default.
        """
        config = self.config
        fused = weighted_product(attention, experts, config.attention_exponent, config.experts_exponent)
        return self._to_density(fused, 1.0, direction)

    def one_stream(self, stream: Tensor, *, direction: Direction | None = None) -> Tensor:
        """Return what `fuse` would if the raw map (B, 1, h, 2h) of one stream stood for both.

        It gets the sum of both exponents. Without directions, as in the paper, it stays as it is.
        """
        return self._to_density(stream, self.config.attention_exponent + self.config.experts_exponent, direction)

    def _to_density(self, content: Tensor, exponent: float, direction: Direction | None) -> Tensor:
        density = self.density(direction)
        return content if density is None else density(content, exponent)

    def preprocess(self, images: Tensor) -> Tensor:
        """Turn images (B, 3, H, W) RGB in [0, 255] into the layers' input, in their precision."""
        if self.config.channel_order == "bgr":
            images = images.flip(1)
        images = ((images - self._mean.like(images)) / self.config.scale).to(self._precision)
        return images.contiguous(memory_format=self.memory_format)


def weighted_product(attention: Tensor, experts: Tensor, attention_exponent: float, experts_exponent: float) -> Tensor:
    """Raise two maps >= 0 of one shape to their exponents and multiply them; the paper's exponents are 1."""
    a, b = attention_exponent, experts_exponent
    return (attention if a == 1 else attention**a) * (experts if b == 1 else experts**b)


def _check_procedure(architecture: Architecture, procedure: Procedure) -> None:
    if procedure == "published" and not architecture.has_published_procedure:
        raise ConfigError(
            "procedure 'published' reproduces the paper's release: it needs the architecture 'paper', not "
            f"{architecture.name!r}"
        )
