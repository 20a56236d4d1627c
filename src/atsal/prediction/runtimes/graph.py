"""A network as an ONNX graph: pixels in, maps out, the recurrent state explicit. What other runtimes run."""

import io
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from atsal.errors import ConfigError
from atsal.jobs.warning_filter import ignore_warnings
from atsal.models.front_prior import PHOTO
from atsal.models.two_stream import ATSal
from atsal.prediction.streams import Stream, finished

OPSET = 17  # the first with every operator used here
STATE, NEXT_STATE = "state", "next_state"  # ONNX keeps one name for one tensor
SECONDS = "seconds"


class Step(nn.Module):
    """The maps of consecutive frames of one video, in the order of `output_names`, and the state after each frame.

    Inputs, in the order of `input_names`: `frames` (T, H, 2H, 3) uint8 RGB; where the experts run, `state`
    (1, 6, C, S / 16, S / 16) float32, what the last frame left, and `carry`, a float32 that is 0 at the start of a
    video, where any finite state is passed over, and 1 afterwards; where the maps depend on the time, `seconds` (T,)
    float32, the time since the start of the video, `front_prior.PHOTO` for a still. Outputs: maps (T, h, 2h)
    float32 >= 0, and `next_state` (T, 6, C, S / 16, S / 16).

    With `raw`, the maps of "attention" and "experts" as the layers give them, for `streams.finished`; without seconds.
    """

    def __init__(self, network: ATSal, streams: Sequence[Stream], *, raw: bool = False) -> None:
        super().__init__()
        self.network = network
        self.streams = tuple(streams)
        self.raw = raw

    @property
    def has_experts(self) -> bool:
        """Whether the experts are run, so that there is a state."""
        return self.streams != ("attention",)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        names = ["frames", STATE, "carry"] if self.has_experts else ["frames"]
        return [*names, SECONDS] if self.has_seconds else names

    @property
    def has_seconds(self) -> bool:
        """Whether the maps depend on the time."""
        return self.network.depends_on_time and not self.raw

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return [*self.streams, NEXT_STATE] if self.has_experts else [*self.streams]

    def examples(self, frames: int) -> tuple[Tensor, ...]:
        """Inputs of the right shapes: grey frames at the start of a video."""
        height = self.network.config.erp_height
        grey = torch.full((frames, height, 2 * height, 3), 128, dtype=torch.uint8)
        past = (torch.zeros(self.network.state_shape), torch.zeros(())) if self.has_experts else ()
        return (grey, *past, torch.full((frames,), PHOTO)) if self.has_seconds else (grey, *past)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the streams."""
        given = dict(zip(self.input_names, inputs, strict=True))
        erp = given["frames"].permute(0, 3, 1, 2).float()
        maps: dict[Stream, Tensor] = {}
        state = None
        if self.streams != ("experts",):
            maps["attention"], _ = self.network.run_attention(erp)
        if self.has_experts:
            maps["experts"], state = self.network.run_experts(erp, given[STATE], consecutive=True, carry=given["carry"])
        if not self.raw:
            maps = finished(self.network, maps, self.streams, given.get(SECONDS, erp.new_zeros(len(erp))))
        found = tuple(maps[stream][:, 0].clamp(min=0) for stream in self.streams)
        return (*found, state) if state is not None and self.has_experts else found


def onnx_bytes(network: ATSal, streams: Sequence[Stream], frames: int = 1, *, raw: bool = False) -> bytes:
    """The graph of `Step` for this many frames at once, as an ONNX file; float32. Raises `ConfigError`."""
    if network.procedure == "published":
        raise ConfigError("procedure 'published' runs in torch alone: leave the runtime at 'torch'")
    step = Step(network, streams, raw=raw).eval()  # the exporter puts the mode back to what this says
    with torch.inference_mode():
        step(*step.examples(1))  # what is made at the first frame is worked out here, not in the graph
    file = io.BytesIO()
    tracer: type[Warning] = torch.jit.TracerWarning  # type: ignore[attr-defined]
    with (
        torch.no_grad(),
        ignore_warnings(tracer),  # shapes are checked while tracing, once and for all
        ignore_warnings(DeprecationWarning, module=r"torch\.onnx"),
        ignore_warnings(DeprecationWarning, message=".*TorchScript"),
    ):
        # the exporter of TorchScript: the newer one needs two more packages and ten times as long
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
