"""The network in PyTorch, on CPU and CUDA."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atsal.models.two_stream import ATSal
from atsal.prediction.frame_result import Floats
from atsal.prediction.runtimes.onnx_graph import RecurrentStep
from atsal.prediction.runtimes.pytorch import PYTORCH
from atsal.prediction.runtimes.runtime import Precision
from atsal.prediction.runtimes.session import CpuSession, Maps, Session
from atsal.prediction.runtimes.winograd import use_winograd
from atsal.projection import resize_erp


class TorchCpuSession(CpuSession):
    """PyTorch on the CPU. The wide convolutions of `paper` are Winograd's, except in the published procedure."""

    runtime = PYTORCH

    def __init__(self, network: ATSal) -> None:
        if not network.architecture.is_small and network.procedure == "corrected":
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


def _to_erp(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, 2H, 3) uint8 -> (T, 3, H, 2H) float32."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float()


class CudaSession(Session):
    """PyTorch on a GPU: many frames at once, captured as one CUDA graph.

    Geometry and fusion stay in float32 in half precision too. Only the moving average runs frame by frame. Where there
    are fewer frames than the graph takes, copies of the last frame fill it.
    """

    runtime = PYTORCH

    def __init__(self, network: ATSal, device: torch.device, precision: Precision = "float32") -> None:
        half = torch.float16 if device.type == "cuda" else torch.bfloat16
        network = network.to(device).compute_in(half if precision == "half" else torch.float32)
        super().__init__(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
        self.precision, self.device = precision, device
        self.frames = network.architecture.frames_on_gpu
        self._captured: dict[tuple[str, ...], CapturedStep] = {}

    @torch.inference_mode()
    def run(
        self, frames: NDArray[np.uint8], state: Floats | None, streams: Sequence[str], height: int, seconds: Floats
    ) -> Maps:
        """Run up to `self.frames` frames at once, and further frames after them."""
        count, most = len(frames), self.frames
        if count > most:
            first = self.run(frames[:most], state, streams, height, seconds[:most])
            state = None if first.states is None else first.states[-1]
            return _join(first, self.run(frames[most:], state, streams, height, seconds[most:]))
        step = RecurrentStep(self.network, streams)
        if self.device.type == "cuda":
            if step.streams not in self._captured:
                self._captured[step.streams] = CapturedStep(step, self.frames, self.device)
            full, times = (np.concatenate([x, x[-1:].repeat(self.frames - count, 0)]) for x in (frames, seconds))
            outputs = self._captured[step.streams](_step_values(step, full, state, times))
        else:  # another kind of device runs the step without capturing it
            inputs = [example.to(self.device) for example in step.examples(count)]
            _fill(inputs, _step_values(step, frames, state, seconds))
            outputs = step(*inputs)
        states = outputs[-1][:count].float().cpu().numpy() if step.has_experts else None
        maps = dict(zip(step.streams, outputs, strict=False))
        return Maps({s: resize_erp(m[:count, None], height)[:, 0].cpu().numpy() for s, m in maps.items()}, states)


class CapturedStep:
    """A step for a fixed number of frames, captured as a CUDA graph: its launches cost the host nothing."""

    def __init__(self, step: RecurrentStep, frames: int, device: torch.device) -> None:
        self._device = device
        # cuDNN tries its algorithms for this one shape. TF32 has a mantissa of 10 bits, too few for the parity.
        flags = torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=False)
        with torch.cuda.device(device), flags:
            self._inputs = [example.to(device) for example in step.examples(frames)]
            capture = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            capture.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(capture):
                for _ in range(3):  # choose the algorithms, and copy constants to the device
                    step(*self._inputs)
            torch.cuda.current_stream(device).wait_stream(capture)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=capture):
                self._outputs: tuple[Tensor, ...] = step(*self._inputs)

    def __call__(self, values: Sequence[Any]) -> tuple[Tensor, ...]:
        """Run the step. The next call overwrites the tensors that are returned."""
        with torch.cuda.device(self._device):
            _fill(self._inputs, values)
            self._graph.replay()
        return self._outputs


def _join(first: Maps, second: Maps) -> Maps:
    """Join the maps of consecutive groups of frames."""
    streams = {stream: np.concatenate([maps, second.streams[stream]]) for stream, maps in first.streams.items()}
    if first.states is None or second.states is None:
        return Maps(streams, None)
    return Maps(streams, np.concatenate([first.states, second.states]))


def _step_values(step: RecurrentStep, frames: NDArray[np.uint8], state: Floats | None, seconds: Floats) -> list[Any]:
    """Return the values of a step's inputs, in order."""
    values = {"frames": frames, "state": state, "carry": 0.0 if state is None else 1.0, "seconds": seconds}
    return [values[name] for name in step.input_names]


def _fill(inputs: Sequence[Tensor], values: Sequence[Any]) -> None:
    """Copy values into tensors of their shapes. A missing state becomes zeros, which `carry` makes irrelevant."""
    for tensor, value in zip(inputs, values, strict=True):
        if value is None:
            tensor.zero_()
        elif isinstance(value, float):
            tensor.fill_(value)
        else:
            tensor.copy_(torch.from_numpy(value).reshape(tensor.shape))
