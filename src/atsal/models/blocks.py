"""Parts shared by the networks of both sizes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ExponentialAverage(nn.Module):
    """The recurrence of SalEMA (Linardos et al., BMVC 2019): `h_t = s x_t + (1 - s) h_(t-1)`, `s = sigmoid(alpha)`."""

    def __init__(self, alpha: float = 0.25) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([alpha]))

    def forward(self, x: Tensor, state: Tensor | None) -> Tensor:
        """The features of this frame and the state after the last one (None: first frame, nothing is averaged)."""
        if state is None:
            return x
        share = torch.sigmoid(self.alpha)
        return share * x + (1 - share) * state


def replicate_pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (B, C, H, W) until both sides are multiples of `multiple`."""
    bottom, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
