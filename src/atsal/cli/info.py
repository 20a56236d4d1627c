"""`atsal info`: what a video, an image or a folder is."""

import json
from pathlib import Path
from typing import Any

import click

from atsal.cli.console import print_error, print_line
from atsal.cli.exit_code import exit_if_failed
from atsal.cli.parameters import SOURCE, STEREO, isolate_option
from atsal.errors import AtsalError


@click.command(
    epilog="Example: atsal info --json *.mp4 | jq .frame_rate. docs/command-line.md describes the keys of the objects."
)
@click.argument("inputs", nargs=-1, required=True, type=SOURCE)
@click.option("--stereo", type=STEREO, default="auto", help="How the two views of a stereo picture are arranged.")
@isolate_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per input, each on one line.")
def info(inputs: tuple[Path, ...], stereo: Any, as_json: bool) -> None:
    """Show what INPUTS are: type, size, layout, frame rate, and anything unusual.

    INPUTS are videos, images or folders.
    """
    failed = 0
    for path in inputs:
        try:
            facts = _folder_facts(path) if path.is_dir() else _file_facts(path, stereo)
        except (AtsalError, OSError) as error:
            print_error(error)
            failed += 1
            continue
        if as_json:
            click.echo(json.dumps(facts))
        else:
            print_line(*_lines(facts))
    exit_if_failed(done=len(inputs) - failed, failed=failed)


def _folder_facts(path: Path) -> dict[str, Any]:
    from atsal.video.media_files import IMAGE_SUFFIXES, folder_remarks, list_media, numbering_remarks  # noqa: PLC0415

    files = list_media(path)
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    return {
        "path": str(path),
        "type": "folder",
        "images": len(images),
        "videos": len(files) - len(images),
        "notes": folder_remarks(path),
        "clip_notes": numbering_remarks(images) if images == files else [],
    }


def _file_facts(path: Path, stereo: Any) -> dict[str, Any]:
    from atsal.video.image_reader import probe_image  # noqa: PLC0415
    from atsal.video.media_files import classify  # noqa: PLC0415
    from atsal.video.probe import probe_video  # noqa: PLC0415

    if classify(path) == "image":
        image = probe_image(path, stereo=stereo)
        return {
            "path": str(path),
            "type": "image",
            "format": image.format,
            "mode": image.mode,
            "width": image.width,
            "height": image.height,
            "stereo": image.stereo,
            "view_width": image.eye_size[0],
            "view_height": image.eye_size[1],
            "notes": list(image.remarks),
        }
    video = probe_video(path, stereo, count=True)
    return {
        "path": str(path),
        "type": "video",
        "codec": video.codec,
        "pixel_format": video.pixel_format,
        "width": video.width,
        "height": video.height,
        "stereo": video.stereo,
        "stereo_source": video.view.source,
        "view_width": video.eye_size[0],
        "view_height": video.eye_size[1],
        "frame_count": video.frame_count,
        "frame_rate": video.frame_rate,
        "variable_frame_rate": video.variable_frame_rate,
        "duration_s": video.duration_s,
        "has_audio": video.has_audio,
        "spherical_tagged": video.spherical_tagged,
        "notes": list(video.remarks),
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts as lines of text."""
    notes = [f"  note     {note}" for note in facts["notes"]]
    if facts["type"] == "folder":
        counts = [f"  images   {facts['images']}", f"  videos   {facts['videos']}"]
        clip_notes = [f"  as clip  {note}" for note in facts["clip_notes"]]
        return [f"{facts['path']}: folder, judging by the endings of names", *counts, *notes, *clip_notes]
    size, view = "{width}x{height}, {stereo}".format(**facts), "{view_width}x{view_height}".format(**facts)
    if facts["type"] == "image":
        stored = f"  stored   as {facts['format']}, {facts['mode']}"
        return [f"{facts['path']}: image, {size}", stored, f"  view     {view}", *notes]
    length = "unknown length" if facts["duration_s"] is None else f"{facts['duration_s']:.2f} s"
    frames = "unknown number" if facts["frame_count"] is None else facts["frame_count"]
    average = " on average" if facts["variable_frame_rate"] else ""
    return [
        f"{facts['path']}: video, {facts['codec']} {facts['pixel_format']}, {size}",
        f"  view     {view}, {facts['stereo']} (from: {facts['stereo_source']})",
        f"  frames   {frames}, {facts['frame_rate']:.3f} per second{average}, {length}",
        f"  sound    {'yes' if facts['has_audio'] else 'no'}",
        f"  360° tag {'yes' if facts['spherical_tagged'] else 'no'}",
        *notes,
    ]
