"""The loss of a batch of clips, with the recurrent state that each slot of the batch carries from clip to clip."""

from collections.abc import Sequence

import torch
from torch import Tensor

from atsal.training.losses import Loss
from atsal.training.sources import Sample
from atsal.training.trained_part import TrainedPart


class ClipLoss:
    """Sums a loss over all frames of a batch. Back-propagation through time ends at the start of the clip."""

    def __init__(self, part: TrainedPart, loss: Loss, device: torch.device, *, carries_state: bool) -> None:
        self.part, self.loss, self.device, self.carries_state = part, loss, device, carries_state
        self.states: dict[int, Tensor] = {}  # by slot

    def __call__(self, samples: Sequence[Sample]) -> Tensor:
        """Return the sum of the loss over the frames, and keep the states for the next clips."""
        total = torch.zeros((), device=self.device)
        for sample in samples:
            if sample.key.starts_video:
                self.states.pop(sample.key.slot, None)
        for at in range(max(len(sample.frames) for sample in samples)):
            for group in _groups([sample for sample in samples if at < len(sample.frames)]):
                total = total + self._frame_loss(group, at)
        self.states = {slot: state.detach() for slot, state in self.states.items()} if self.carries_state else {}
        return total

    def _frame_loss(self, samples: Sequence[Sample], at: int) -> Tensor:
        """Return the sum of the loss over the samples' `at`-th frames. A frame without gaze has no loss."""
        slots = [sample.key.slot for sample in samples]
        compared, state = self.part.compare(samples, at, self.device, *self._state_and_carry(slots))
        if state is not None:
            self.states |= dict(zip(slots, state, strict=True))
        maps = torch.stack([sample.saliency_maps[at] for sample in samples])
        has_gaze = (maps.flatten(1).amax(1) > 0).to(self.device)
        if not has_gaze.any():
            return compared.saliency.sum() * 0
        return self.loss.function(compared.select(has_gaze)) * has_gaze.sum()

    def _state_and_carry(self, slots: Sequence[int]) -> tuple[Tensor | None, Tensor | None]:
        """Return `state` and `carry` of the slots, some of which may start a video while others continue one."""
        has_state = [slot in self.states for slot in slots]
        if not any(has_state):
            return None, None
        zeros = torch.zeros_like(next(self.states[slot] for slot in slots if slot in self.states))
        state = torch.stack([self.states.get(slot, zeros) for slot in slots])
        return state, None if all(has_state) else torch.tensor(has_state, dtype=torch.float32, device=state.device)


def _groups(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Group the samples that can run in one batch: those of the same shapes, with a prior or without."""
    groups: dict[tuple[torch.Size, torch.Size, bool], list[Sample]] = {}
    for sample in samples:
        key = (sample.frames.shape[1:], sample.saliency_maps.shape[1:], sample.prior is None)
        groups.setdefault(key, []).append(sample)
    return list(groups.values())
