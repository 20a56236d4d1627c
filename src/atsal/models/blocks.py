"""Parts shared by the networks of both sizes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atsal.errors import ShapeError


def exponential_average(
    x: Tensor, state: Tensor | None, alpha: Tensor, frames: int = 1, carry: Tensor | None = None
) -> Tensor:
    """The recurrence of SalEMA (Linardos et al., BMVC 2019): `h_t = s x_t + (1 - s) h_(t-1)`, `s = sigmoid(alpha)`.

    `x` (frames * views, C, H, W) are the features of consecutive frames, the views of the first before those of the
    second; the result are the states after each. `state` (views, C, H, W) is the one before them all (None: start of a
    video, nothing is averaged into the first frame). `carry`, 0 or 1, says the same where None cannot, in graphs and
    for some of a batch (views, 1, 1, 1): with 0, any state is passed over.
    Raises `ShapeError` for one of another shape: broadcasting would mix the faces of a batch without a word.
    """
    views = len(x) // frames
    each = [x[first : first + views] for first in range(0, len(x), views)]  # in a graph, chunks would be a sequence
    if carry is not None and carry.ndim and carry.shape != (len(each[0]), 1, 1, 1):
        raise ShapeError(f"carry of shape {tuple(carry.shape)}: expected {(len(each[0]), 1, 1, 1)}, or a scalar")
    if state is not None and state.shape != each[0].shape:
        found, expected = tuple(state.shape), tuple(each[0].shape)
        raise ShapeError(f"state of shape {found}: expected {expected}; start a new video with state=None")
    states = []
    for number, features in enumerate(each):
        share = torch.sigmoid(alpha)
        if carry is not None and number == 0:
            share = 1 - (1 - share) * carry
        state = features if state is None else share * features + (1 - share) * state
        states.append(state)
    return states[0] if len(states) == 1 else torch.cat(states)


class ExponentialAverage(nn.Module):
    """`exponential_average` with its parameter."""

    def __init__(self, alpha: float = 0.25) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([alpha]))

    def forward(self, x: Tensor, state: Tensor | None, frames: int = 1, carry: Tensor | None = None) -> Tensor:
        """Average the features (B, C, H, W) of this frame, or of several, into the state."""
        return exponential_average(x, state, self.alpha, frames, carry)


def replicate_pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of (B, C, H, W) until both sides are multiples of `multiple`."""
    bottom, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
