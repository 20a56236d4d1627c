"""The procedure of the released code, for comparison: decode twice, cut with SciPy, one face at a time."""

import importlib.util
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import MissingDependencyError, install_hint
from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.streams import FUSED, finish_maps
from atsal.projection.cubemap import cube_geometry
from atsal.projection.geometry import FACE_NAMES, POLE_FACES
from atsal.projection.sampling import wrap_pad


class PublishedProcedure:
    """The procedure of the release with a network of this package: its order of work, without its mistakes.

    `scipy.ndimage.map_coordinates` cuts the faces and stitches their maps.
    The expert runs on one face after the other. Layers keep the memory layout that PyTorch gives them.
    """

    needs: ClassVar[str] = f"the published procedure needs SciPy: {install_hint('bench')}"

    @classmethod
    def is_installed(cls) -> bool:
        """Return whether SciPy is there."""
        return importlib.util.find_spec("scipy") is not None

    def __init__(self, network: ATSal) -> None:
        if not self.is_installed():
            raise MissingDependencyError(self.needs)
        from scipy import ndimage  # noqa: PLC0415 - an extra

        self._sample = ndimage.map_coordinates
        self.network: ATSal = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        network.memory_format = torch.contiguous_format
        config = network.config
        self._geometry = cube_geometry(config.face_size, config.layout, config.face_fov_deg)
        self._rows, self._columns = (x.numpy() + 1 for x in self._geometry.erp_positions(config.erp_height))

    @staticmethod
    def new_states() -> list[torch.Tensor | None]:
        """Return the states of the faces at the start of a video."""
        return [None] * len(FACE_NAMES)

    @torch.inference_mode()
    def run_attention(self, image: NDArray[np.uint8]) -> torch.Tensor:
        """Return the raw map (1, 1, h, 2h) of the attention stream, of an image (H, 2H, 3)."""
        erp = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        return self.network.run_attention(erp)[0]

    @torch.inference_mode()
    def run_experts(self, image: NDArray[np.uint8], states: list[torch.Tensor | None]) -> torch.Tensor:
        """Return the raw map (1, 1, h, 2h) of the experts. Replace the state of each face in `states`."""
        network, maps = self.network, []
        for number in range(len(FACE_NAMES)):
            face = self._arrange(self._cut(image, number), number)
            name = "poles" if number >= POLE_FACES.start else "equator"
            saliency, states[number] = network.run_expert(name, face[None, None], states[number])
            maps.append(saliency[0, 0])
        return self._stitch(torch.stack(maps)[None])

    def fuse(self, attention: torch.Tensor, experts: torch.Tensor, seconds: float) -> Floats:
        """Return the fused map (h, 2h) of a frame, `seconds` after the start of the video."""
        raw = {"attention": attention, "experts": experts}
        maps = finish_maps(self.network, raw, (FUSED.name,), torch.tensor([seconds]))
        return np.asarray(maps[FUSED.name][0, 0].numpy())

    def _cut(self, image: NDArray[np.uint8], number: int) -> torch.Tensor:
        """Return face `number` (3, S, S) of an image (H, 2H, 3)."""
        padded = wrap_pad(torch.from_numpy(image).permute(2, 0, 1)[None].float())[0].numpy()
        place = (self._rows[number], self._columns[number])
        return torch.from_numpy(np.stack([self._sample(channel, place, order=1) for channel in padded]))

    def _arrange(self, face: torch.Tensor, number: int) -> torch.Tensor:
        """Return the face as the layout stores it."""
        six = face.new_zeros(1, 6, *face.shape)
        six[0, number] = face
        return self._geometry.flip_faces(six)[0, number]

    def _stitch(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (1, 6, 1, s, s) of the faces -> map (1, 1, h, 2h)."""
        stitcher = self.network.stitcher(maps.shape[-1])
        atlas = stitcher.atlas(maps)[0, 0].numpy()
        shares = stitcher.face_weights.like(maps).numpy()
        erp = np.zeros(shares.shape[1:], np.float32)
        for share, grid in zip(shares, stitcher.grids, strict=True):
            row, column = (x.numpy() for x in grid.positions())
            erp += share * self._sample(atlas, (row, column), order=1, mode="nearest")
        return torch.from_numpy(erp)[None, None]
