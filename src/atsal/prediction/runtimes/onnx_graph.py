"""The network as an ONNX graph: pixels in, maps out, the recurrent state explicit. Other runtimes run it."""

import io
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from atsal.errors import ConfigError
from atsal.jobs.warning_filter import ignore_warnings
from atsal.models.front_prior import PHOTO
from atsal.models.two_stream import ATSal
from atsal.prediction.streams import finish_maps, needed_parts

OPSET = 17  # the first with every operator that the graph needs
STATE, NEXT_STATE = "state", "next_state"  # two names: in ONNX a name stands for one tensor
SECONDS = "seconds"


class RecurrentStep(nn.Module):
    """The maps of consecutive frames of one video, in the order of `output_names`, and the state after each frame.

    Inputs, in the order of `input_names`:

    - `frames`: (T, H, 2H, 3) uint8 RGB.
    - `state`, where the experts run: (1, 6, C, S / 16, S / 16) float32, the state after the frame before.
    - `carry`, where the experts run: float32, 0 at the start of a video, which ignores any finite state, else 1.
    - `seconds`, where the maps depend on the time: (T,) float32 since the start of the video; `front_prior.PHOTO` for
      a photo.

    Outputs: maps (T, h, 2h) float32 >= 0, and where the experts run `next_state` (T, 6, C, S / 16, S / 16).

    With `raw`, the streams are parts, their maps come as the layers give them, for `finish_maps`, and there are no
    seconds.
    """

    def __init__(self, network: ATSal, streams: Sequence[str], *, raw: bool = False) -> None:
        super().__init__()
        self.network = network
        self.streams = tuple(streams)
        self.raw = raw
        parts = needed_parts(streams)
        self.has_attention, self.has_experts = "attention" in parts, "experts" in parts
        self.has_seconds = network.depends_on_time and not raw

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return ["frames", *([STATE, "carry"] if self.has_experts else []), *([SECONDS] if self.has_seconds else [])]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return [*self.streams, *([NEXT_STATE] if self.has_experts else [])]

    def examples(self, frames: int) -> tuple[Tensor, ...]:
        """Return inputs of the right shapes: grey frames at the start of a video."""
        height = self.network.config.erp_height
        values = {
            "frames": torch.full((frames, height, 2 * height, 3), 128, dtype=torch.uint8),
            STATE: torch.zeros(self.network.state_shape),
            "carry": torch.zeros(()),
            SECONDS: torch.full((frames,), PHOTO),
        }
        return tuple(values[name] for name in self.input_names)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the parts that the streams need."""
        values = dict(zip(self.input_names, inputs, strict=True))
        erp = values["frames"].permute(0, 3, 1, 2).float()
        maps: dict[str, Tensor] = {}
        states: list[Tensor] = []
        if self.has_attention:
            maps["attention"], _ = self.network.run_attention(erp)
        if self.has_experts:
            maps["experts"], state = self.network.run_experts(
                erp, values[STATE], consecutive=True, carry=values["carry"]
            )
            states = [state]
        if not self.raw:
            maps = finish_maps(self.network, maps, self.streams, values.get(SECONDS, erp.new_zeros(len(erp))))
        return (*(maps[stream][:, 0].clamp(min=0) for stream in self.streams), *states)


def trace_onnx(network: ATSal, streams: Sequence[str], frames: int = 1, *, raw: bool = False) -> bytes:
    """Return the graph of `RecurrentStep` for this many frames at once, as an ONNX file in float32.

    Raise `ConfigError` for the published procedure.
    """
    if network.procedure == "published":
        raise ConfigError("procedure 'published' runs in torch alone: leave the runtime at 'torch'")
    step = RecurrentStep(network, streams, raw=raw).eval()  # the exporter restores this mode
    with torch.inference_mode():
        step(*step.examples(1))  # the first frame makes constants, which must not become part of the graph
    file = io.BytesIO()
    tracer_warning: type[Warning] = torch.jit.TracerWarning  # type: ignore[attr-defined]
    with (
        torch.no_grad(),
        ignore_warnings(tracer_warning),  # checks of shapes are evaluated while tracing
        ignore_warnings(DeprecationWarning, module=r"torch\.onnx"),
        ignore_warnings(DeprecationWarning, message=".*TorchScript"),
    ):
        # The TorchScript exporter: the newer one needs two more packages and ten times as long.
        torch.onnx.export(
            step,
            step.examples(frames),
            file,  # type: ignore[arg-type]
            input_names=step.input_names,
            output_names=step.output_names,
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()
