"""The page that predicts: people drop a video or photo on it, and the network runs in their browser."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from atsal.jobs.atomic_write import output_errors
from atsal.models import Direction
from atsal.models.front_prior import PHOTO
from atsal.models.loading import find_weights
from atsal.prediction.export import export_onnx
from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.prediction.streams import STREAMS
from atsal.video.colormaps import COLORMAPS
from atsal.viewing.scene import Colormap, Item, Live, Maps, Media, Previews, Scene, Stream
from atsal.viewing.site import NETWORK, STATIC, Site, files_in, make_page

_NO_MEDIA = Media("video", "", "", 0, 0, (0.0, 0.0, 1.0, 1.0), "", 0.0, 0.0)  # the page fills it in


def build_live_site(model: str | Path, folder: Path, *, direction: Direction = "head_eye", **settings: Any) -> Site:
    """Export a model into `folder`, and return the files of the page.

    `settings` are those of `prediction.export.export_onnx`, which names the errors: it needs the extra `onnx`.
    """
    item = Item("atsal live", "", "items/1/")
    export_onnx(model, folder / NETWORK, direction=direction, **settings)
    with output_errors(folder):
        text = json.dumps(dataclasses.asdict(_live_scene(model, direction)), separators=(",", ":"))
        (folder / "scene.json").write_text(text, encoding="utf-8")
    own = {name: folder / name for name in (NETWORK, "scene.json")}
    return make_page([item], folder) | _live_files() | files_in(item, own)


def _live_scene(model: str | Path, direction: Direction) -> Scene:
    bundle = find_weights(model)
    rows, height = bundle.config.map_height, bundle.config.erp_height
    streams = tuple(Stream(name, name, direction, stream.shows, (), (), ()) for name, stream in STREAMS.items())
    return Scene(
        media=_NO_MEDIA,
        maps=Maps(2 * rows, rows, 0, (), (), streams),
        previews=Previews("", 0, 0, 0, ()),
        regions=(),
        region_step_s=0.0,
        cuts_s=(),
        film=None,
        colormaps=tuple(map(Colormap.named, COLORMAPS)),
        colormap=DEFAULT_OVERLAY.colormap,
        opacity=DEFAULT_OVERLAY.opacity,
        made_by=bundle.folder.name,
        notes=(),
        live=Live(NETWORK, 2 * height, height, PHOTO),
    )


def _live_files() -> Site:
    """Return the files that only this page needs."""
    return {path.relative_to(STATIC).as_posix(): path for path in sorted((STATIC / "live").iterdir())}
