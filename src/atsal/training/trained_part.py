"""What is trained: one part of the two-stream network, fed with samples, its maps laid beside the measured ones."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from atsal.models.config import ModelConfig
from atsal.models.two_stream import EXPERTS, ATSal
from atsal.models.weight_folder import PARTS
from atsal.projection import ErpToCubemap, resize_erp, resize_flat, solid_angle_weights
from atsal.projection.geometry import EQUATOR_FACES, POLE_FACES
from atsal.training.config import TOGETHER, Parameters, Part
from atsal.training.face_counts import FaceCounts
from atsal.training.sources import is_erp

TINY = 1e-12


class Output(NamedTuple):
    """Maps of B frames, (B, V, 1, h, w) >= 0; of attention streams the mask; of recurrent parts the new state."""

    saliency: Tensor
    mask: Tensor | None
    state: Tensor | None


class Subject(nn.Module):
    """A part of `network` in training; the rest is as it was.

    Views are flat photos' crops, the part's own faces of a cube, or the one ERP frame.
    """

    def __init__(self, network: ATSal, part: Part) -> None:
        super().__init__()
        self.network, self.part = network, part
        self.network.requires_grad_(False)
        for name in {"experts": tuple(EXPERTS), "fused": PARTS}.get(part, (part,)):
            getattr(self.network, name).requires_grad_(True)
        self._faces = POLE_FACES if part == "poles" else EQUATOR_FACES
        self._cutters: dict[tuple[int, int], ErpToCubemap] = {}
        self._counters: dict[tuple[int, int], FaceCounts] = {}

    @property
    def config(self) -> ModelConfig:
        """The network's settings."""
        return self.network.config

    @property
    def module(self) -> nn.Module:
        """What is trained and kept in checkpoints; the whole network where several parts are trained together."""
        return self.network if self.part in TOGETHER else getattr(self.network, self.part)

    def averaged_copy(self) -> "Subject":
        """The same with weights of its own, in eval mode."""
        network = copy.copy(self.network)
        network._modules = dict(self.network._modules)  # the other parts are shared: they do not change
        if self.part in TOGETHER:
            network._modules = {name: copy.deepcopy(part) for name, part in self.network._modules.items()}
        else:
            network._modules[self.part] = copy.deepcopy(self.module)
        return Subject(network, self.part).eval()

    def parameters_of(self, group: Parameters) -> dict[str, nn.Parameter]:
        """The trained parameters of a group, by name."""
        prefixes = ("",) if group == "all" else self.network.architecture.parameter_groups.get(group, ())
        named = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        if self.part not in TOGETHER:
            return {name: p for name, p in named.items() if name.startswith(prefixes)}
        return {name: p for name, p in named.items() if name.partition(".")[2].startswith(prefixes)}

    def forward(self, frames: Tensor, state: Tensor | None = None, carry: Tensor | None = None) -> Output:
        """Frames (B, V, 3, H, W) RGB in [0, 255], float, and the state after the frames before them.

        `carry` (B,) is 0 where a video begins, whatever its state, else 1; None: 1 for all.
        """
        network = self.network
        if self.part == "attention":
            saliency, mask = network.attend(frames[:, 0])
            return Output(saliency[:, None], mask, None)
        if self.part == "fused":
            found = network(frames[:, 0], state, carry=carry)
            return Output(found.fused[:, None], found.mask, found.state)
        if self.part == "experts":
            maps, state = network.run_experts(frames[:, 0], state, carry=carry)
            return Output(maps[:, None], None, state)
        faces = network.cut(frames[:, 0])[:, self._faces] if is_erp(frames) else frames
        maps, state = network.run_expert(self.part, faces, state, carry=carry)
        return Output(maps, None, state)

    def targets(self, maps: Tensor, like: Tensor, *, sphere: bool) -> Tensor:
        """Measured maps (B, V, 1, h, w) brought to the views and the size of the maps `like`."""
        found = self.on_views(maps, like, sphere=sphere)
        if sphere and self.part in ("attention", *TOGETHER):  # means over pixels have lower peaks
            found = found / found.amax((1, 2, 3, 4), keepdim=True).clamp(min=TINY)
        return found

    def on_views(self, maps: Tensor, like: Tensor, *, sphere: bool) -> Tensor:
        """Maps (B, V, 1, h, w) on the views and in the size of the maps `like`, their values as they are."""
        height, width = like.shape[-2:]
        if not sphere:
            return resize_flat(maps.flatten(0, 1), height, width).reshape(like.shape)
        if self.part in ("attention", *TOGETHER):
            return resize_erp(maps[:, 0], height)[:, None]
        rows = maps.shape[-2]
        if (rows, height) not in self._cutters:
            config = self.config
            self._cutters[rows, height] = ErpToCubemap(rows, height, config.layout, fov_deg=config.face_fov_deg)
        return self._cutters[rows, height](maps[:, 0])[:, self._faces]

    def counts(self, counts: Tensor, like: Tensor, *, sphere: bool) -> Tensor:
        """Fixation counts (B, V, 1, h, w) brought to the views and the size of the maps `like`, none interpolated."""
        height, width = like.shape[-2:]
        if not sphere:  # densities
            return self.targets(counts, like, sphere=False)
        if self.part in ("attention", *TOGETHER):
            return _pooled_counts(counts[:, 0], height, width)[:, None]
        rows = counts.shape[-2]
        if (rows, height) not in self._counters:
            cutter = ErpToCubemap(2, height, self.config.layout, fov_deg=self.config.face_fov_deg)
            self._counters[rows, height] = FaceCounts(cutter.geometry, rows)
        return self._counters[rows, height](counts[:, 0])[:, self._faces]

    def weights(self, like: Tensor, *, sphere: bool) -> Tensor:
        """What a pixel counts for, its solid angle, to be broadcast to maps (B, V, 1, h, w)."""
        height, width = like.shape[-2:]
        if not sphere:
            return like.new_ones(1, 1, 1, 1, 1)
        if self.part in ("attention", *TOGETHER):
            return solid_angle_weights(height).to(like)[None, None, None]
        half = ErpToCubemap(2, height, "standard", fov_deg=self.config.face_fov_deg).geometry.half_extent
        line = ((torch.arange(width, device=like.device) + 0.5) * 2 / width - 1) * half
        squared = line[None, :] ** 2 + line[:, None] ** 2
        return ((1 + squared) ** -1.5).to(like)[None, None, None]


def _pooled_counts(counts: Tensor, height: int, width: int) -> Tensor:
    """Counts on fewer pixels; on more, each stays on the pixel that holds its old one's centre."""
    old = counts.shape[-2:]
    if old == (height, width):
        return counts
    row = ((torch.arange(old[0], device=counts.device) + 0.5) * height / old[0]).long()
    column = ((torch.arange(old[1], device=counts.device) + 0.5) * width / old[1]).long()
    flat = counts.new_zeros(*counts.shape[:-2], height * width)
    place = (row[:, None] * width + column).flatten()
    return flat.index_add_(-1, place, counts.flatten(-2)).reshape(*counts.shape[:-2], height, width)
