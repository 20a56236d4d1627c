"""How the released code predicts a video, for comparison: decode twice, cut with SciPy, one face at a time."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import MissingDependencyError, install_hint
from atsal.models.two_stream import ATSal
from atsal.prediction.streams import finished
from atsal.projection.cubemap import cube_geometry
from atsal.projection.geometry import FACE_NAMES, POLE_FACES
from atsal.projection.sampling import wrap_pad
from atsal.video.reader import read_frames

Floats = NDArray[np.float32]


class PublishedProcedure:
    """The procedure of the release on a network of ours: its order of work, not its mistakes.

    The video is decoded once for each stream; a face is cut and its map laid back by `scipy.ndimage.map_coordinates`;
    the expert runs on one face after the other; layers keep the layout that PyTorch gives them.
    """

    needs: ClassVar[str] = f"the published procedure needs SciPy: {install_hint('bench')}"

    @classmethod
    def is_installed(cls) -> bool:
        """Whether what it needs is there."""
        return importlib.util.find_spec("scipy") is not None

    def __init__(self, network: ATSal) -> None:
        if not self.is_installed():
            raise MissingDependencyError(self.needs)
        from scipy import ndimage  # noqa: PLC0415 - an extra

        self._sample = ndimage.map_coordinates
        self.network = network
        network.memory_format = torch.contiguous_format
        config = network.config
        self._geometry = cube_geometry(config.face_size, config.layout, config.face_fov_deg)
        self._rows, self._columns = (x.numpy() + 1 for x in self._geometry.erp_positions(config.erp_height))

    def frames(self, video: Path) -> Iterator[Floats]:
        """The fused maps (h, 2h) of a video's frames."""
        size = (2 * self.network.config.erp_height, self.network.config.erp_height)
        attention = (self.attend(frame.image) for frame in read_frames(video, size=size))
        states: list[torch.Tensor | None] = [None] * len(FACE_NAMES)
        for attended, frame in zip(attention, read_frames(video, size=size), strict=True):
            yield self.fuse(attended, self.watch(frame.image, states), frame.timestamp_s)

    @torch.inference_mode()
    def attend(self, image: NDArray[np.uint8]) -> torch.Tensor:
        """The attention stream."""
        erp = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        return self.network.run_attention(erp)[0]

    @torch.inference_mode()
    def watch(self, image: NDArray[np.uint8], states: list[torch.Tensor | None]) -> torch.Tensor:
        """The experts, each face with a state of its own, which is replaced in `states`."""
        network, maps = self.network, []
        for number in range(len(FACE_NAMES)):
            face = self._arranged(self._cut(image, number), number)
            name = "poles" if number >= POLE_FACES.start else "equator"
            found, states[number] = network.run_expert(name, face[None, None], states[number])
            maps.append(found[0, 0])
        return self._stitch(torch.stack(maps)[None])

    def fuse(self, attention: torch.Tensor, experts: torch.Tensor, seconds: float) -> Floats:
        """The fused map, as the network has it, so long after the start of the video."""
        maps = finished(self.network, {"attention": attention, "experts": experts}, ("fused",), torch.tensor([seconds]))
        return np.asarray(maps["fused"][0, 0].numpy())

    def _cut(self, image: NDArray[np.uint8], number: int) -> torch.Tensor:
        """Face `number` (3, S, S) of an image (H, 2H, 3)."""
        padded = wrap_pad(torch.from_numpy(image).permute(2, 0, 1)[None].float())[0].numpy()
        place = (self._rows[number], self._columns[number])
        return torch.from_numpy(np.stack([self._sample(channel, place, order=1) for channel in padded]))

    def _arranged(self, face: torch.Tensor, number: int) -> torch.Tensor:
        """The face as the layout stores it."""
        six = face.new_zeros(1, 6, *face.shape)
        six[0, number] = face
        return self._geometry.arrange(six)[0, number]

    def _stitch(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (1, 6, 1, s, s) on the ERP, (1, 1, h, 2h)."""
        stitcher = self.network.stitcher(maps.shape[-1])
        atlas = stitcher.atlas(maps)[0, 0].numpy()
        shares = stitcher.shares.like(maps).numpy()
        erp = np.zeros(shares.shape[1:], np.float32)
        for share, grid in zip(shares, stitcher.grids, strict=True):
            row, column = (x.numpy() for x in grid.positions())
            erp += share * self._sample(atlas, (row, column), order=1, mode="nearest")
        return torch.from_numpy(erp)[None, None]
