"""The network in PyTorch, on CPU or CUDA."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.models.atsal import ATSal
from atsal.prediction.runtimes.base import Floats, Maps, Precision, Runtime, SideBySide
from atsal.prediction.runtimes.graph import Step
from atsal.prediction.streams import Stream
from atsal.projection import resize_erp

FRAMES = {"lite": 32, "paper": 8}  # at once on a GPU


class TorchRuntime(SideBySide):
    """On the CPU, the reference that the other runtimes are held to."""

    name = "torch"

    def __init__(self, network: ATSal) -> None:
        super().__init__(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]

    @torch.inference_mode()
    def attend(self, frames: NDArray[np.uint8]) -> Floats:
        """Run the attention stream."""
        saliency, _ = self.network.run_attention(_erp(frames))
        return np.asarray(saliency[:, 0].clamp(min=0).numpy())

    @torch.inference_mode()
    def watch(self, frames: NDArray[np.uint8], state: Floats | None) -> tuple[Floats, Floats]:
        """Run the experts."""
        before = None if state is None else torch.from_numpy(state)[None]
        saliency, states = self.network.run_experts(_erp(frames), before, consecutive=True)
        return saliency[:, 0].clamp(min=0).numpy(), states.numpy()


def _erp(frames: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float()


class CudaRuntime(Runtime):
    """On a GPU: many frames at once, captured as one CUDA graph, in half precision where asked for.

    Geometry and fusion stay in float32. Only the moving average runs frame by frame.
    """

    name = "torch"

    def __init__(self, network: ATSal, device: torch.device, precision: Precision = "float32") -> None:
        torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa would cost the parity with the CPU
        half = torch.float16 if device.type == "cuda" else torch.bfloat16
        torch.backends.cudnn.benchmark = True  # shapes are few and fixed
        network = network.to(device).compute_in(half if precision == "half" else torch.float32)
        super().__init__(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
        self.precision = precision
        self._device = device
        self.frames = FRAMES[network.config.architecture]
        self._captured: dict[tuple[Stream, ...], Captured] = {}

    @property
    def device(self) -> torch.device:
        """The GPU."""
        return self._device

    @torch.inference_mode()
    def run(self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[Stream], height: int) -> Maps:
        """Run a full batch as a graph, fewer frames one operation at a time."""
        step = Step(self.network, streams)
        given = (frames, state, 0.0 if state is None else 1.0) if step.has_experts else (frames,)
        if self._device.type == "cuda" and len(frames) == self.frames:
            captured = self._captured.get(step.streams)
            if captured is None:
                captured = self._captured[step.streams] = Captured(step, self.frames, self._device)
            found = captured(given)
        else:
            inputs = [example.to(self._device) for example in step.examples(len(frames))]
            _fill(inputs, given)
            found = step(*inputs)
        states = found[-1].float().cpu().numpy() if step.has_experts else None
        maps = {
            s: resize_erp(m[:, None], height)[:, 0].cpu().numpy() for s, m in zip(step.streams, found, strict=False)
        }
        return Maps(maps, states)


class Captured:
    """A step for a fixed number of frames as a CUDA graph: its launches cost the host nothing."""

    def __init__(self, step: Step, frames: int, device: torch.device) -> None:
        self._inputs = [example.to(device) for example in step.examples(frames)]
        aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(aside):
            for _ in range(3):  # libraries choose their algorithms, and constants come to the device
                step(*self._inputs)
        torch.cuda.current_stream(device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs: tuple[Tensor, ...] = step(*self._inputs)

    def __call__(self, given: Sequence[Any]) -> tuple[Tensor, ...]:
        """Run it; the tensors returned are overwritten by the next call."""
        _fill(self._inputs, given)
        self._graph.replay()
        return self._outputs


def _fill(inputs: Sequence[Tensor], given: Sequence[Any]) -> None:
    """Copy frames, state and carry into tensors of their shapes; no state is zeros, which `carry` passes over."""
    for tensor, value in zip(inputs, given, strict=True):
        if value is None:
            tensor.zero_()
        elif isinstance(value, float):
            tensor.fill_(value)
        else:
            tensor.copy_(torch.from_numpy(value).reshape(tensor.shape))
