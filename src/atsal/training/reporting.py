"""How a run shows itself: a bar on a terminal, lines elsewhere, curves and pictures for TensorBoard."""

from collections.abc import Callable
from types import TracebackType
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


class Silent:
    """How a run tells of itself; this one shows nothing, for the ranks that do not write."""

    def step(self, progress: Progress, steps: int, facts: dict[str, float]) -> None:
        """After a step; `steps` is the number of steps of the epoch."""

    def epoch(self, progress: Progress, facts: dict[str, float], validation: Validation | None) -> None:
        """After an epoch."""


class Shown(Silent):
    """Writes log and TensorBoard, and says how it goes.

    `status` shows a line that the next one replaces, `say` one that stays.
    """

    def __init__(self, folder: RunFolder, say: Callable[[str], None], status: Callable[[str], None]) -> None:
        self.folder, self.say, self.status = folder, say, status
        self._board: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._board is not None:
            self._board.close()

    def step(self, progress: Progress, steps: int, facts: dict[str, float]) -> None:
        """Show the step; now and then, log it."""
        at = f"epoch {progress.epoch + 1}, step {progress.step_in_epoch} of {steps}"
        self.status(f"{at}  loss {facts['loss']:.4f}{_pace(facts)}")
        if progress.step % LOG_STEPS == 0:
            self.folder.log({"step": progress.step, "epoch": progress.epoch + 1} | facts)
            for name, value in facts.items():
                self.board(progress).add_scalar(f"train/{name}", value, progress.step)

    def epoch(self, progress: Progress, facts: dict[str, float], validation: Validation | None) -> None:
        """Say how the epoch went."""
        scores = validation.scores if validation is not None else {}
        said = "".join(f"  {name} {value:.4f}" for name, value in scores.items())
        best = f"  (best {progress.best:.4f}, epoch {progress.best_epoch})" if progress.best is not None else ""
        self.say(f"epoch {progress.epoch}  loss {facts['loss']:.4f}{said}{best}{_pace(facts)}")
        board = self.board(progress)
        board.add_scalar("epoch/loss", facts["loss"], progress.step)
        for name, value in scores.items():
            board.add_scalar(f"validation/{name}", value, progress.step)
        for number, panel in enumerate(validation.panels if validation is not None else []):
            board.add_image(f"validation/{number}", drawn(panel), progress.step)
        board.flush()

    def board(self, progress: Progress) -> Any:
        """TensorBoard's writer; what it holds after the checkpoint that the run went on from is struck out."""
        if self._board is None:
            self._board = _summary_writer()(str(self.folder.tensorboard), purge_step=progress.step)
        return self._board


def _pace(facts: dict[str, float]) -> str:
    if "frames_per_s" not in facts:  # an epoch whose steps were all done before the run went on
        return ""
    return f"  {facts['frames_per_s']:.1f} frames/s  waited {facts['waited_share']:.0%}"


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingDependencyError(f"training shows its curves by TensorBoard: {install_hint('train')}") from error
    return SummaryWriter


def check_reporting() -> None:
    """Raise `MissingDependencyError` before long work."""
    _summary_writer()


def drawn(panel: Panel) -> Tensor:
    """Frame, measured and predicted map, one below another, (3, 3 x 160, W) uint8."""
    frame = panel.frame.float()
    width = round(_PANEL_HEIGHT * frame.shape[-1] / frame.shape[-2])

    def resized(image: Tensor) -> Tensor:
        return F.interpolate(image[None], (_PANEL_HEIGHT, width), mode="bilinear", align_corners=False)[0]

    maps = [resized(m[None] * 255).expand(3, -1, -1) for m in (panel.target, panel.saliency)]
    return torch.cat([resized(frame), *maps], 1).clamp(0, 255).to(torch.uint8)
