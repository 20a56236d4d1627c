"""What a run reports: a line on the terminal, the log, curves and pictures for TensorBoard."""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import MissingDependencyError, install_hint
from atsal.training.checkpoint import Progress
from atsal.training.run_folder import RunFolder
from atsal.training.validation import Panel, Validation

LOG_STEPS = 20  # between two lines of the log within an epoch
_PANEL_HEIGHT = 160


class Reporter:
    """Reports the steps and epochs of a run. `say` prints a line, `status` one that the next one replaces."""

    def __init__(self, folder: RunFolder, say: Callable[[str], None], status: Callable[[str], None]) -> None:
        self.folder, self.say, self.status = folder, say, status
        self._board: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._board is not None:
            self._board.close()

    def step(self, progress: Progress, steps: int, values: dict[str, float]) -> None:
        """Report a step of an epoch of `steps` steps."""
        at = f"epoch {progress.epoch + 1}, step {progress.step_in_epoch} of {steps}"
        self.status(f"{at}  loss {values['loss']:.4f}{_speed(values)}")
        if progress.step % LOG_STEPS == 0:
            self.folder.log({"step": progress.step, "epoch": progress.epoch + 1} | values)
            for name, value in values.items():
                self._open_board(progress).add_scalar(f"train/{name}", value, progress.step)

    def epoch(self, progress: Progress, values: dict[str, float], validation: Validation | None) -> None:
        """Report an epoch and its validation. Epoch 0, the weights before training, has no loss."""
        scores, panels = validation or ({}, [])
        listed = "".join(f"  {name} {value:.4f}" for name, value in scores.items())
        best = f"  (best {progress.best:.4f}, epoch {progress.best_epoch})" if progress.best is not None else ""
        loss = f"  loss {values['loss']:.4f}" if "loss" in values else "  before training"
        self.say(f"epoch {progress.epoch}{loss}{listed}{best}{_speed(values)}")
        board = self._open_board(progress)
        if "loss" in values:
            board.add_scalar("epoch/loss", values["loss"], progress.step)
        for name, value in scores.items():
            board.add_scalar(f"validation/{name}", value, progress.step)
        for number, panel in enumerate(panels):
            board.add_image(f"validation/{number}", draw_panel(panel), progress.step)
        board.flush()
        line = {"epoch": progress.epoch, "step": progress.step, **values}
        self.folder.log(line | ({"validation": scores} if scores else {}))

    def _open_board(self, progress: Progress) -> Any:
        """Return TensorBoard's writer. It discards what an interrupted run wrote after its last checkpoint."""
        if self._board is None:
            self._board = _summary_writer()(str(self.folder.tensorboard), purge_step=progress.step)
        return self._board


def _speed(values: dict[str, float]) -> str:
    if "frames_per_s" not in values:  # resumed after the last step of an epoch
        return ""
    return f"  {values['frames_per_s']:.1f} frames/s  waited {values['waited_share']:.0%}"


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError(f"training needs TensorBoard for its curves: {install_hint('train')}") from error
    return SummaryWriter


def check_tensorboard() -> None:
    """Raise `MissingDependencyError` if TensorBoard is not installed."""
    _summary_writer()


def draw_panel(panel: Panel) -> Tensor:
    """Return frame, measured map and predicted map, one below another, (3, 3 x 160, W) uint8."""
    width = round(_PANEL_HEIGHT * panel.frame.shape[-1] / panel.frame.shape[-2])

    def resized(image: Tensor) -> Tensor:
        return F.interpolate(image[None], (_PANEL_HEIGHT, width), mode="bilinear", align_corners=False)[0]

    maps = [resized(m[None] * 255).expand(3, -1, -1) for m in (panel.target, panel.saliency)]
    return torch.cat([resized(panel.frame.float()), *maps], 1).clamp(0, 255).to(torch.uint8)
