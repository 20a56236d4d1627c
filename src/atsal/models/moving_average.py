"""The experts' recurrence: an exponential moving average of features."""

import torch
from torch import Tensor, nn

from atsal.errors import ShapeError


def exponential_average(
    x: Tensor, state: Tensor | None, alpha: Tensor, frames: int = 1, carry: Tensor | None = None
) -> Tensor:
    """Average features over time as SalEMA (Linardos et al., BMVC 2019): `h_t = s x_t + (1 - s) h_(t-1)`.

    The weight of the new frame is `s = sigmoid(alpha)`. Returns the states after each frame, in the shape of `x`.

    Args:
        x: features (frames * views, C, H, W) of consecutive frames, all views of a frame before those of the next.
        state: (views, C, H, W), the state before them. None at the start of a video: the first frame is not averaged.
        alpha: one value, the logit of `s`.
        frames: how many consecutive frames `x` holds.
        carry: 0 or 1, one value for all views or (views, 1, 1, 1). With 0, `state` is ignored, as with None. This is
            for graphs, where the state cannot be None, and for batches in which only some videos start.

    Raises:
        ShapeError: a state or carry of another shape. Broadcasting would silently mix the faces of a batch.

    """
    views = len(x) // frames
    by_frame = [x[first : first + views] for first in range(0, len(x), views)]  # `chunk` would be a sequence in a graph
    if carry is not None and carry.ndim and carry.shape != (len(by_frame[0]), 1, 1, 1):
        raise ShapeError(f"carry of shape {tuple(carry.shape)}: expected {(len(by_frame[0]), 1, 1, 1)}, or a scalar")
    if state is not None and state.shape != by_frame[0].shape:
        found, expected = tuple(state.shape), tuple(by_frame[0].shape)
        raise ShapeError(f"state of shape {found}: expected {expected}; start a new video with state=None")
    states = []
    for number, features in enumerate(by_frame):
        weight = torch.sigmoid(alpha)
        if carry is not None and number == 0:
            weight = 1 - (1 - weight) * carry
        state = features if state is None else weight * features + (1 - weight) * state
        states.append(state)
    return states[0] if len(states) == 1 else torch.cat(states)


class ExponentialAverage(nn.Module):
    """`exponential_average` with its parameter."""

    def __init__(self, alpha: float = 0.25) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([alpha]))

    def forward(self, x: Tensor, state: Tensor | None, frames: int = 1, carry: Tensor | None = None) -> Tensor:
        """Average features (B, C, H, W) of one or several frames into the state."""
        return exponential_average(x, state, self.alpha, frames, carry)
