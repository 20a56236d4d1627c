"""The network in PyTorch, on CPU or CUDA."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes.base import Floats, Maps, Precision, Runtime, SideBySide
from atsal.prediction.runtimes.graph import Step
from atsal.prediction.runtimes.winograd import use_winograd
from atsal.prediction.streams import Stream
from atsal.projection import resize_erp


class TorchRuntime(SideBySide):
    """On the CPU. The large network's wide convolutions are Winograd's, but for the published procedure."""

    name = "torch"

    def __init__(self, network: ATSal) -> None:
        if not network.architecture.is_small and network.procedure == "corrected":
            use_winograd(network)
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

    Geometry and fusion stay in float32. Only the moving average runs frame by frame. Fewer frames than the graph takes
    are filled up with copies of the last one.
    """

    name = "torch"

    def __init__(self, network: ATSal, device: torch.device, precision: Precision = "float32") -> None:
        half = torch.float16 if device.type == "cuda" else torch.bfloat16
        network = network.to(device).compute_in(half if precision == "half" else torch.float32)
        super().__init__(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
        self.precision = precision
        self._device = device
        self.frames = network.architecture.frames_on_gpu
        self._captured: dict[tuple[Stream, ...], Captured] = {}

    @property
    def device(self) -> torch.device:
        """The GPU."""
        return self._device

    @torch.inference_mode()
    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[Stream], height: int, seconds: Floats
    ) -> Maps:
        """Run up to `self.frames` frames at once, more one after the other."""
        count, most = len(frames), self.frames
        if count > most:
            first = self.run(frames[:most], state, streams, height, seconds[:most])
            state = None if first.states is None else first.states[-1]
            return _joined(first, self.run(frames[most:], state, streams, height, seconds[most:]))
        step = Step(self.network, streams)
        if self._device.type == "cuda":
            if step.streams not in self._captured:
                self._captured[step.streams] = Captured(step, self.frames, self._device)
            full, times = (np.concatenate([x, x[-1:].repeat(self.frames - count, 0)]) for x in (frames, seconds))
            found = self._captured[step.streams](_given(step, full, state, times))
        else:  # what can be tried of it without a GPU
            inputs = [example.to(self._device) for example in step.examples(count)]
            _fill(inputs, _given(step, frames, state, seconds))
            found = step(*inputs)
        states = found[-1][:count].float().cpu().numpy() if step.has_experts else None
        maps = dict(zip(step.streams, found, strict=False))
        return Maps({s: resize_erp(m[:count, None], height)[:, 0].cpu().numpy() for s, m in maps.items()}, states)


class Captured:
    """A step for a fixed number of frames as a CUDA graph: its launches cost the host nothing."""

    def __init__(self, step: Step, frames: int, device: torch.device) -> None:
        self._device = device
        # Algorithms are chosen by trying, for one shape; TF32 has ten bits of mantissa, which would cost the parity.
        chosen = torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=False)
        with torch.cuda.device(device), chosen:
            self._inputs = [example.to(device) for example in step.examples(frames)]
            aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(aside):
                for _ in range(3):  # algorithms are chosen, and constants come to the device
                    step(*self._inputs)
            torch.cuda.current_stream(device).wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=aside):
                self._outputs: tuple[Tensor, ...] = step(*self._inputs)

    def __call__(self, given: Sequence[Any]) -> tuple[Tensor, ...]:
        """Run it; the tensors returned are overwritten by the next call."""
        with torch.cuda.device(self._device):
            _fill(self._inputs, given)
            self._graph.replay()
        return self._outputs


def _joined(first: Maps, second: Maps) -> Maps:
    """The maps of frames and of those after them."""
    streams = {stream: np.concatenate([maps, second.streams[stream]]) for stream, maps in first.streams.items()}
    if first.states is None or second.states is None:
        return Maps(streams, None)
    return Maps(streams, np.concatenate([first.states, second.states]))


def _given(step: Step, frames: NDArray[np.uint8], state: Floats | None, seconds: Floats) -> tuple[Any, ...]:
    """The values of a step's inputs."""
    past = (state, 0.0 if state is None else 1.0) if step.has_experts else ()
    return (frames, *past, seconds) if step.has_seconds else (frames, *past)


def _fill(inputs: Sequence[Tensor], given: Sequence[Any]) -> None:
    """Copy frames, state and carry into tensors of their shapes; no state is zeros, which `carry` passes over."""
    for tensor, value in zip(inputs, given, strict=True):
        if value is None:
            tensor.zero_()
        elif isinstance(value, float):
            tensor.fill_(value)
        else:
            tensor.copy_(torch.from_numpy(value).reshape(tensor.shape))
