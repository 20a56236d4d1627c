"""`atsal encode` and `atsal roi`: encoding that spends bits where people look."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from atsal.cli.console import output_options, print_error, print_line
from atsal.cli.model_run import (
    check_targets,
    find_video,
    load_chosen_model,
    model_options,
    print_notes,
)
from atsal.cli.parameters import (
    PATH,
    POSITIVE,
    SOURCE,
    STEREO,
    STREAMS,
    NameOf,
    Number,
    isolate_option,
    options,
    overwrite_option,
)
from atsal.cli.progress import progress_bar
from atsal.cli.quality import print_scores
from atsal.errors import ConfigError

if TYPE_CHECKING:
    from atsal.encoding import Codec, Encoded, Guide
    from atsal.prediction.map_track import MapTrack
    from atsal.prediction.sources import Source

guide_options = options(
    click.option("--maps", type=PATH, help="Use maps: the manifest (.json) of `atsal predict --format npy`."),
    click.option("--stream", type=NameOf(*STREAMS), default="fused", help="Which of --maps."),
    click.option(
        "--strength", type=Number(min=0, max=2), default=1.0, help="Scale the offsets: 0 is a plain encoding."
    ),
    click.option("--stereo", type=STEREO, default="auto", help="Layout of a stereo picture; both views are encoded."),
    isolate_option,
    overwrite_option,
    model_options,
    output_options,
)


_CODECS = ("x264", "x265", "vp9")  # those of `atsal.encoding`, which imports torch


class _CodecName(click.Choice[str]):
    """A codec."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its name; say of others which one may be meant, or why they are not taken."""
        from atsal.encoding import codec_named  # noqa: PLC0415

        try:
            return codec_named(value).name
        except ConfigError as error:
            self.fail(str(error), param, ctx)


@click.command(epilog="Example: atsal encode VIDEO.mp4 -o guided.mp4 --codec x265 --bitrate 4000 --compare.")
@click.argument("video", type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="The .mp4 file to write.")
@click.option("--codec", type=_CodecName(_CODECS), default="x264", help="Codec of the file to write.")
@click.option("--bitrate", type=POSITIVE, metavar="KBIT/S", help="Mean rate of the pictures, in kbit/s.")
@click.option("--crf", type=Number(min=0), help="Constant quality of the codec, in place of --bitrate.")
@click.option(
    "--compare", is_flag=True, help="Encode without the map, too, to a second file (.plain.mp4), and compare."
)
@guide_options
@click.pass_context
def encode(context: click.Context, /, video: Path, output: Path, codec: str, compare: bool, **values: Any) -> None:
    """Encode VIDEO with more quality where people look, and less elsewhere.

    Sound, times, colours and 360° tags are kept. Unlike in other commands, --direction is `head` if you do not give it
    and the model has it, because what matters is what is in view.
    """
    from atsal.encoding import Rate, codec_named  # noqa: PLC0415
    from atsal.jobs.atomic_write import create_folder  # noqa: PLC0415

    chosen, rate = codec_named(codec), Rate(values["bitrate"], values["crf"])
    rate.check(chosen)
    if chosen.note:
        print_error(chosen.note)
    source = find_video(video)
    plain = output.with_name(f"{output.stem}.plain{output.suffix}")
    check_targets(source, {output: ".mp4"} | ({plain: ".mp4"} if compare else {}), values["overwrite"])
    with create_folder(output.parent):
        guide = _make_guide(context, source, values, None, chosen.step_qp)
        found = {"guided": _encode(source, output, chosen, rate, guide, values)}
        if compare:
            same = Rate(found["guided"].bitrate_kbps) if rate.crf is None else rate
            found = {"plain": _encode(source, plain, chosen, same, None, values)} | found
            _print_comparison(source, found, guide.track, values)


@click.command(epilog="Example: atsal roi VIDEO.mp4 -o roi.txt --for kvazaar.")
@click.argument("video", type=SOURCE)
@click.option("-o", "--output", required=True, type=PATH, help="The file to write.")
@click.option("--for", "form", required=True, metavar="FORMAT", help="kvazaar, svtav1, csv or npy.")
@guide_options
@click.pass_context
def roi(context: click.Context, /, video: Path, output: Path, form: str, **values: Any) -> None:
    """Write the offsets of `atsal encode` as a file that another encoder or program reads.

    As in `atsal encode`, --direction is `head` if you do not give it and the model has it.
    """
    from atsal.encoding.roi_files import format_named, write_roi  # noqa: PLC0415
    from atsal.jobs.atomic_write import create_folder  # noqa: PLC0415
    from atsal.video.timed_frames import frame_times  # noqa: PLC0415

    chosen, source = format_named(form), find_video(video)
    check_targets(source, {output: chosen.suffix}, values["overwrite"])
    with create_folder(output.parent):
        guide = _make_guide(context, source, values, chosen.block, chosen.step_qp)
        write_roi(output, chosen, guide, frame_times(video).tolist())
    rows, columns = guide.grid.shape
    print_line(f"{output}: {columns} x {rows} blocks of {guide.grid.block} pixels")


def _make_guide(
    context: click.Context, source: "Source", values: dict[str, Any], block: int | None, step_qp: int
) -> "Guide":
    from atsal.encoding import BlockGrid, Guide  # noqa: PLC0415
    from atsal.video.probe import probe_video  # noqa: PLC0415

    grid = BlockGrid.of_video(probe_video(source.path, values["stereo"]), block)
    track = _find_attention(context, source, values)
    return Guide(track, grid, strength=values["strength"], step_qp=step_qp)


def _find_attention(context: click.Context, source: "Source", values: dict[str, Any]) -> "MapTrack":
    from atsal.encoding.attention import predict_attention, saved_attention  # noqa: PLC0415
    from atsal.prediction.map_track import STEP_S  # noqa: PLC0415
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415

    if values["maps"]:
        return saved_attention(values["maps"], source.path, values["stream"], values["stereo"])
    if context.get_parameter_source("direction") is ParameterSource.DEFAULT:
        _prefer_head(values)
    predictor = load_chosen_model(values)
    reading = ReadOptions(stereo=values["stereo"], fps=1 / STEP_S)
    with progress_bar(source, reading) as progress:
        track = predict_attention(predictor, source.path, stereo=values["stereo"], progress=progress)
    print_notes(source, reading)
    return track


def _prefer_head(values: dict[str, Any]) -> None:
    """Predict heads, not gaze, if the model has directions: what is in view matters, not only what is looked at."""
    from atsal.models.loading import find_weights  # noqa: PLC0415

    if find_weights(values["model"]).config.directions is not None:
        values["direction"] = "head"


def _encode(
    source: "Source", output: Path, codec: "Codec", rate: Any, guide: "Guide | None", values: dict[str, Any]
) -> "Encoded":
    from atsal.encoding import SIZE_TOLERANCE, encode_video  # noqa: PLC0415
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415

    with progress_bar(source, ReadOptions(stereo=values["stereo"])) as progress:
        found = encode_video(source.path, output, codec, rate, guide, stereo=values["stereo"], progress=progress)
    print_line(f"{output}: {found.bitrate_kbps:.1f} kbit/s, {found.video_bytes:,} bytes of pictures")
    if rate.bitrate_kbps and found.bitrate_kbps < (1 - SIZE_TOLERANCE) * rate.bitrate_kbps:
        print_error(f"{output}: more than {found.bitrate_kbps:.1f} kbit/s bring no better quality with {codec.name}")
    return found


def _print_comparison(source: "Source", found: "dict[str, Encoded]", track: "MapTrack", values: dict[str, Any]) -> None:
    from atsal.encoding import SIZE_TOLERANCE  # noqa: PLC0415
    from atsal.prediction.options import ReadOptions  # noqa: PLC0415
    from atsal.quality import TrackWeighting, measure_quality  # noqa: PLC0415

    scores, stereo = {}, values["stereo"]
    for name, encoded in found.items():
        with progress_bar(source, ReadOptions(stereo=stereo)) as progress:
            chosen = {"weighting": TrackWeighting(track), "stereo": stereo, "progress": progress}
            scores[name] = measure_quality(source.path, encoded.path, **chosen)
    print_scores(scores)
    share = found["guided"].video_bytes / found["plain"].video_bytes
    print_line(
        f"weighted by the maps that guided the encoding; the guided file has {share:.1%} of the plain one's size"
    )
    if abs(share - 1) > SIZE_TOLERANCE:
        print_error("the sizes differ by more than 2 %, so the scores do not compare; give a lower --bitrate, no --crf")
