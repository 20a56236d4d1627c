"""Parts shared by the networks of both sizes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atsal.errors import ShapeError


def exponential_average(x: Tensor, state: Tensor | None, alpha: Tensor) -> Tensor:
    """The recurrence of SalEMA (Linardos et al., BMVC 2019): `h_t = s x_t + (1 - s) h_(t-1)`, `s = sigmoid(alpha)`.

    `x` are the features of this frame, `state` what the last frame left (None: first frame, nothing is averaged).
    Raises `ShapeError` for a state of another shape: broadcasting would mix the faces of a batch without a word.
    """
    if state is None:
        return x
    if state.shape != x.shape:
        found, expected = tuple(state.shape), tuple(x.shape)
        raise ShapeError(f"state of shape {found}: expected {expected}; start a new video with state=None")
    share = torch.sigmoid(alpha)
    return share * x + (1 - share) * state


class ExponentialAverage(nn.Module):
    """`exponential_average` with its parameter."""

    def __init__(self, alpha: float = 0.25) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([alpha]))

    def forward(self, x: Tensor, state: Tensor | None) -> Tensor:
        """Average the features (B, C, H, W) of this frame into the state of the same shape."""
        return exponential_average(x, state, self.alpha)


def replicate_pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (B, C, H, W) until both sides are multiples of `multiple`."""
    bottom, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
