"""The network in PyTorch on the CPU."""

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.runtimes.pytorch import PYTORCH
from atsal.prediction.runtimes.session import CpuSession
from atsal.prediction.runtimes.winograd import use_winograd


class TorchCpuSession(CpuSession):
    """PyTorch on the CPU. The wide convolutions of `paper` are Winograd's, except in the published procedure."""

    runtime = PYTORCH

    def __init__(self, network: ATSal) -> None:
        if network.config.architecture == "paper" and network.procedure == "corrected":
            use_winograd(network)
        super().__init__(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]

    @torch.inference_mode()
    def run_attention(self, frames: NDArray[np.uint8]) -> Floats:
        """Run the attention stream on all frames at once."""
        saliency, _ = self.network.run_attention(_to_erp(frames))
        return np.asarray(saliency[:, 0].clamp(min=0).numpy())

    @torch.inference_mode()
    def run_experts(self, frames: NDArray[np.uint8], state: Floats | None) -> tuple[Floats, Floats]:
        """Run the experts on all frames at once."""
        before = None if state is None else torch.from_numpy(state)[None]
        saliency, states = self.network.run_experts(_to_erp(frames), before, consecutive=True)
        return saliency[:, 0].clamp(min=0).numpy(), states.numpy()


def _to_erp(frames: NDArray[np.uint8]) -> torch.Tensor:
    """(T, H, 2H, 3) uint8 -> (T, 3, H, 2H) float32."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float()
