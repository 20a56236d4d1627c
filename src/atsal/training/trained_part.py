"""The part of the network in training: it predicts maps of samples and brings the ground truth to the same form."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from atsal.models.config import ModelConfig
from atsal.models.two_stream import EXPERTS, ATSal
from atsal.models.weight_folder import PARTS
from atsal.projection import ErpToCubemap, resize_erp, resize_flat, solid_angle_weights
from atsal.projection.geometry import EQUATOR_FACES, POLE_FACES
from atsal.training.config import JOINT_PARTS, ParameterGroup, Part
from atsal.training.face_counts import FaceCounts
from atsal.training.losses import Comparison
from atsal.training.sources import Sample, is_erp

_TINY = 1e-12


class Output(NamedTuple):
    """Predictions for B items in V views."""

    saliency: Tensor  # (B, V, 1, h, w) >= 0
    mask: Tensor | None  # of the attention stream
    state: Tensor | None  # of the experts, after these frames


class TrainedPart(nn.Module):
    """A part of `network` in training. The other parts are frozen.

    The views of an item are crops of a flat photo, the part's own faces of a cube, or the one ERP frame.
    """

    def __init__(self, network: ATSal, part: Part) -> None:
        super().__init__()
        self.network, self.part = network, part
        self.network.requires_grad_(False)
        for name in {"experts": tuple(EXPERTS), "fused": PARTS}.get(part, (part,)):
            getattr(self.network, name).requires_grad_(True)
        self._is_joint = part in JOINT_PARTS
        self._predicts_erp = self._is_joint or part == "attention"
        self._faces = POLE_FACES if part == "poles" else EQUATOR_FACES
        self._cutters: dict[tuple[int, int], ErpToCubemap] = {}
        self._counters: dict[tuple[int, int], FaceCounts] = {}

    @property
    def config(self) -> ModelConfig:
        """The network's settings."""
        return self.network.config

    @property
    def module(self) -> nn.Module:
        """The module that is trained and stored in checkpoints; for several parts the whole network."""
        return self.network if self._is_joint else getattr(self.network, self.part)

    def averaged_copy(self) -> "TrainedPart":
        """Return a copy in eval mode whose trained module has weights of its own. It shares the frozen parts."""
        network = copy.copy(self.network)
        copied = set(self.network._modules) if self._is_joint else {self.part}
        network._modules = {
            name: copy.deepcopy(module) if name in copied else module for name, module in self.network._modules.items()
        }
        return TrainedPart(network, self.part).eval()

    def parameters_of(self, group: ParameterGroup) -> dict[str, nn.Parameter]:
        """Return the trained parameters of a group, by name."""
        named = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        inner = (lambda name: name.partition(".")[2]) if self._is_joint else str
        prefixes = ("",) if group == "all" else self.network.architecture.parameter_groups.get(group, ())
        return {name: p for name, p in named.items() if inner(name).startswith(prefixes)}

    def forward(self, frames: Tensor, state: Tensor | None = None, carry: Tensor | None = None) -> Output:
        """Predict frames (B, V, 3, H, W), float RGB in [0, 255], from the state after the frames before them.

        `carry` (B,) is 0 for an item that starts a video, so that its state does not count, else 1. None: 1 for all.
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

    def compare(
        self,
        samples: Sequence[Sample],
        at: int,
        device: torch.device,
        state: Tensor | None = None,
        carry: Tensor | None = None,
    ) -> tuple[Comparison, Tensor | None]:
        """Predict the `at`-th frame of each sample. Return it beside the ground truth, and the new state.

        The samples have the same shapes, and all have a prior or none. On a GPU the network runs in bfloat16.
        """
        sphere = samples[0].is_sphere

        def stacked(name: str) -> Tensor:
            return torch.stack([getattr(sample, name)[at] for sample in samples]).to(device)

        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            saliency, mask, state = self(stacked("frames").float(), state, carry)
        saliency = saliency.float()
        if samples[0].prior is not None:
            saliency = saliency * self.to_views(stacked("prior"), saliency, sphere=sphere)
        target = self.targets(stacked("saliency_maps"), saliency, sphere=sphere)
        fixations = self.counts(stacked("fixation_maps"), saliency, sphere=sphere)
        weights = self.weights(saliency, sphere=sphere)
        return Comparison(saliency, target, fixations, weights, None if mask is None else mask.float()), state

    def targets(self, maps: Tensor, like: Tensor, *, sphere: bool) -> Tensor:
        """Bring measured maps (B, V, 1, h, w) to the views and the size of the predicted maps `like`."""
        found = self.to_views(maps, like, sphere=sphere)
        if sphere and self._predicts_erp:  # means over pixels have lower peaks
            found = found / found.amax((1, 2, 3, 4), keepdim=True).clamp(min=_TINY)
        return found

    def to_views(self, maps: Tensor, like: Tensor, *, sphere: bool) -> Tensor:
        """Bring maps (B, V, 1, h, w) to the views and the size of the maps `like`, without rescaling their values."""
        height, width = like.shape[-2:]
        if not sphere:
            return resize_flat(maps.flatten(0, 1), height, width).reshape(like.shape)
        if self._predicts_erp:
            return resize_erp(maps[:, 0], height)[:, None]
        rows = maps.shape[-2]
        if (rows, height) not in self._cutters:
            config = self.config
            self._cutters[rows, height] = ErpToCubemap(rows, height, config.layout, fov_deg=config.face_fov_deg)
        return self._cutters[rows, height](maps[:, 0])[:, self._faces]

    def counts(self, counts: Tensor, like: Tensor, *, sphere: bool) -> Tensor:
        """Bring fixation counts (B, V, 1, h, w) to the views and the size of the maps `like`, without interpolation."""
        height, width = like.shape[-2:]
        if not sphere:  # photos have densities in place of counts
            return self.targets(counts, like, sphere=False)
        if self._predicts_erp:
            return _pool_counts(counts[:, 0], height, width)[:, None]
        rows = counts.shape[-2]
        if (rows, height) not in self._counters:
            cutter = ErpToCubemap(2, height, self.config.layout, fov_deg=self.config.face_fov_deg)
            self._counters[rows, height] = FaceCounts(cutter.geometry, rows)
        return self._counters[rows, height](counts[:, 0])[:, self._faces]

    def weights(self, like: Tensor, *, sphere: bool) -> Tensor:
        """Return the solid angles of the pixels, to be broadcast to maps `like` (B, V, 1, h, w)."""
        height, width = like.shape[-2:]
        if not sphere:
            return like.new_ones(1, 1, 1, 1, 1)
        if self._predicts_erp:
            return solid_angle_weights(height).to(like)[None, None, None]
        half = ErpToCubemap(2, height, "standard", fov_deg=self.config.face_fov_deg).geometry.half_extent
        line = ((torch.arange(width, device=like.device) + 0.5) * 2 / width - 1) * half
        squared = line[None, :] ** 2 + line[:, None] ** 2
        return ((1 + squared) ** -1.5).to(like)[None, None, None]


def _pool_counts(counts: Tensor, height: int, width: int) -> Tensor:
    """Move each count to the pixel of a map of another size that holds its old pixel's centre."""
    old = counts.shape[-2:]
    if old == (height, width):
        return counts
    row = ((torch.arange(old[0], device=counts.device) + 0.5) * height / old[0]).long()
    column = ((torch.arange(old[1], device=counts.device) + 0.5) * width / old[1]).long()
    flat = counts.new_zeros(*counts.shape[:-2], height * width)
    place = (row[:, None] * width + column).flatten()
    return flat.index_add_(-1, place, counts.flatten(-2)).reshape(*counts.shape[:-2], height, width)
