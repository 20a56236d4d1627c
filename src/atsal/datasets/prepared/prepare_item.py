"""Prepare one item: its raw gaze files become a folder of fixations, a record, and what else was asked for.

The folder is made aside and renamed, so that it is whole or not there.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from atsal.datasets.dataset import Dataset, ItemGaze, RawItem, Stimulus
from atsal.datasets.implausible_gaze import covers_little, sound
from atsal.datasets.prepared.augmentation import Transform, published_variants
from atsal.datasets.prepared.item_record import (
    FIXATIONS,
    PREPARED_ITEM,
    RECORD,
    STATISTICS,
    Json,
    raw_file,
    written_file,
)
from atsal.datasets.prepared.preparation import Preparation, fixations_of, windows_of
from atsal.datasets.prepared.statistics import item_statistics
from atsal.datasets.stimulus import describe, read_all_frames, read_picture
from atsal.errors import DataError
from atsal.gaze.flat_maps import planar_saliency_map
from atsal.gaze.maps import saliency_map, saliency_maps
from atsal.gaze.reading import Drop
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.gaze.tables import write_fixations
from atsal.jobs.atomic_write import atomic_folder, output_errors
from atsal.jobs.output_folder import OutputFolder
from atsal.untrusted.text import shorten_list
from atsal.video.image_writer import write_map_png
from atsal.video.pixels import scaled

_JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class _Made:
    """What is about to be written of one item or of one variant of it."""

    id: str
    raw: RawItem
    stimulus: Stimulus
    fixations: Fixations | PlanarFixations  # of the item itself
    variant: Transform | None = None

    def moved_fixations(self) -> Fixations | PlanarFixations:
        """Those of the variant."""
        if self.variant is None or isinstance(self.fixations, PlanarFixations):
            return self.fixations
        return self.variant.fixations(self.fixations)

    def moved(self, picture: NDArray[Any]) -> NDArray[np.float32]:
        """A picture (H, 2H, C) or a map (H, 2H) of the item as the variant shows it, the same shape."""
        tensor = torch.from_numpy(np.asarray(picture, np.float32))
        channels = (tensor if tensor.ndim == 3 else tensor[..., None]).permute(2, 0, 1)[None]
        turned = self.variant.erp(channels) if self.variant is not None else channels
        return turned[0].permute(1, 2, 0).reshape(tensor.shape).numpy()


def prepare_item(dataset: Dataset, raw: RawItem, source: Path, output: Path, preparation: Preparation) -> None:
    """Write the folder of one item, or those of its 20 variants (`item_names`).

    Raises `InputError` for raw files that cannot be used; then nothing of the item is written.
    """
    stimulus = describe(raw, dataset.stimuli)
    gaze = sound(dataset.read(raw, preparation.direction, stimulus), stimulus)
    counted = fixations_of(gaze, stimulus, dataset, preparation)
    fixations, drops = counted.records, counted.drops
    odd = covers_little(fixations, stimulus) if isinstance(fixations, Fixations) else ()
    gaze = replace(gaze, drops=drops, notes=(*gaze.notes, *counted.notes), warnings=(*gaze.warnings, *odd))
    _check_kind(raw, stimulus, fixations, dataset, preparation)
    if not len(fixations):
        samples = sum(map(len, gaze.samples))
        nothing = f"{preparation.events} found none in {samples} samples" if samples else "the logs hold no rows"
        reasons = "; ".join(map(str, drops)) or nothing
        raise DataError(f"{raw.id}: no fixation is left ({reasons})")
    account = _account(raw, stimulus, gaze, drops, source)
    for made in _variants(raw, stimulus, fixations, preparation):
        _write_folder(output, made, account, dataset, preparation, gaze)


def _check_kind(
    raw: RawItem,
    stimulus: Stimulus,
    fixations: Fixations | PlanarFixations,
    dataset: Dataset,
    preparation: Preparation,
) -> None:
    """`DataError` where gaze and stimulus do not go together."""
    if isinstance(fixations, PlanarFixations) != (dataset.stimuli == "photos"):
        found, expected = ("u, v", "lon_deg, lat_deg") if dataset.stimuli != "photos" else ("lon_deg, lat_deg", "u, v")
        raise DataError(f"{raw.id}: positions are {found}; expected {expected}, for the set holds {dataset.holds}")
    timeless = isinstance(fixations, Fixations) and len(fixations) and fixations.first_frame is None
    if timeless and stimulus.kind in ("video", "frames") and preparation.window != "clip":
        raise DataError(
            f"{raw.id}: its gaze has neither times nor frames, so no frame's map can be told; add onset_s to the "
            "table, or choose the window clip"
        )
    if preparation.augment != "none" and stimulus.kind not in ("image", None):
        raise DataError(f"{raw.id}: is a video; only images are written out in variants")


def item_names(raw: RawItem, preparation: Preparation) -> list[str]:
    """The folders that `prepare_item` writes."""
    if preparation.augment == "none":
        return [raw.id]
    return [_variant_id(raw, transform) for transform in published_variants()]


def _variant_id(raw: RawItem, transform: Transform) -> str:
    return raw.id if transform.name == "original" else f"{raw.id}+{transform.name}"


def _variants(
    raw: RawItem, stimulus: Stimulus, fixations: Fixations | PlanarFixations, preparation: Preparation
) -> Iterator[_Made]:
    if preparation.augment == "none" or isinstance(fixations, PlanarFixations):
        yield _Made(raw.id, raw, stimulus, fixations)
        return
    if raw.stimulus is None or stimulus.kind != "image":
        raise DataError(f"{raw.id}: no image to write variants of; put the set's stimuli beside its gaze")
    for transform in published_variants():
        yield _Made(_variant_id(raw, transform), raw, stimulus, fixations, transform)


def _write_folder(
    output: Path, made: _Made, account: Json, dataset: Dataset, preparation: Preparation, gaze: ItemGaze
) -> None:
    folder = OutputFolder(output / made.id, PREPARED_ITEM)
    others = folder.other_files()
    if others:
        raise DataError(
            f"{folder.path}: holds {shorten_list(others)}, which `atsal prepare` did not write; move it elsewhere"
        )
    with output_errors(folder.path), atomic_folder(folder.path) as part:
        write_fixations(part / FIXATIONS, made.moved_fixations())
        if made.variant is None or made.id == made.raw.id:  # variants tell nothing new
            statistics = item_statistics(made.id, gaze, preparation.direction, _on_the_sphere(made.fixations))
            (part / STATISTICS).write_text(json.dumps(statistics.to_json()) + "\n", encoding="utf-8")
        record = account | _made_record(made)
        record["maps"] = _write_maps(part, made, dataset, preparation)
        _write_pictures(part, made, preparation)
        record["files"] = {file: written_file(part / file) for file in _files(part)}
        (part / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _made_record(made: _Made) -> Json:
    record: Json = {"id": made.id, "fixations": len(made.fixations), "observers": len(made.fixations.observers)}
    if made.variant is not None:
        record |= {"variant": made.variant.name, "variant_of": made.raw.id}
    return record


def _on_the_sphere(fixations: Fixations | PlanarFixations) -> Fixations | None:
    return fixations if isinstance(fixations, Fixations) else None


def _account(raw: RawItem, stimulus: Stimulus, gaze: ItemGaze, drops: tuple[Drop, ...], source: Path) -> Json:
    """What the item was made of, the same for all of its variants."""
    rates = [track.sampling_rate_hz() for track in gaze.samples]
    rates = [rate for rate in rates if np.isfinite(rate)]
    shown: Json | None = None
    if raw.stimulus is not None:
        facts = {n: v for n, v in vars(stimulus).items() if v is not None and n != "frame_times_s"}
        shown = raw_file(raw.stimulus, source) | ({"member": raw.member} if raw.member else {}) | facts
    record: Json = {
        "id": raw.id,
        "stimulus": shown,
        "logs": [raw_file(log, source) for log in raw.logs],
        "samples": sum(map(len, gaze.samples)),
        "sampling_rate_hz": round(float(np.median(rates)), 3) if rates else None,
        "drops": [{"reason": d.reason, "count": d.count, "first": _relative_text(d.first, source)} for d in drops],
        "notes": [_relative_text(note, source) for note in gaze.notes],
    }
    if gaze.warnings:
        record["warnings"] = [_relative_text(warning, source) for warning in gaze.warnings]
    return record


def _relative_text(text: str, source: Path) -> str:
    return text.replace(f"{source}/", "")


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _write_maps(part: Path, made: _Made, dataset: Dataset, preparation: Preparation) -> Json | None:
    """Write the saliency maps, one at a time; returns what they are."""
    if preparation.maps == "none":
        return None
    maps, shape = item_maps(made.fixations, made.stimulus, preparation, dataset)
    if preparation.maps == "npy":
        _write_stack(part / "saliency.npy", map(made.moved, maps), shape)
    else:
        (part / "saliency").mkdir()
        for number, saliency in enumerate(maps):
            write_map_png(part / "saliency" / f"{number:06d}.png", made.moved(saliency))
    return {"count": shape[0], "height": shape[1], "width": shape[2], "format": preparation.maps}


def _write_stack(path: Path, maps: Iterable[NDArray[np.float32]], shape: tuple[int, int, int]) -> None:
    """Write a float32 `.npy` map by map: written to, not mapped into memory, a full disk is an error like any other."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for saliency in maps:
            file.write(np.ascontiguousarray(saliency, "<f4").tobytes())


def item_maps(
    fixations: Fixations | PlanarFixations, stimulus: Stimulus, preparation: Preparation, dataset: Dataset
) -> tuple[Iterator[NDArray[np.float32]], tuple[int, int, int]]:
    """The saliency maps of an item, made one at a time, and the shape of all of them."""
    height = preparation.erp_height
    if isinstance(fixations, PlanarFixations):
        if stimulus.width is None or stimulus.height is None:
            raise DataError("the size of a photo's map is the photo's: put the photos beside the fixations")
        size = (stimulus.height, stimulus.width)
        return iter([planar_saliency_map(fixations, *size, dataset.sigma_width)]), (1, *size)
    over = windows_of(stimulus, fixations, preparation.window, stills=dataset.stimuli == "images")
    if over is None:
        return iter([saliency_map(fixations, height, preparation.sphere_sigma_deg)]), (1, height, 2 * height)
    return saliency_maps(fixations, over, height, preparation.sphere_sigma_deg), (len(over), height, 2 * height)


def _write_pictures(part: Path, made: _Made, preparation: Preparation) -> None:
    """Write the frames that were asked for, and the picture of a variant, which lies nowhere else."""
    path, size = made.raw.stimulus, (2 * preparation.erp_height, preparation.erp_height)
    if made.variant is not None and path is not None:
        # at the size of the maps, so that picture and maps turn by the same whole pixels
        picture = scaled(read_picture(path, made.stimulus), size)
        pixels = made.moved(picture).round().clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(part / "image.png")
    elif preparation.frames == "extract" and path is not None and made.stimulus.kind in ("video", "frames"):
        (part / "frames").mkdir()
        for frame in read_all_frames(path, made.stimulus, size):
            Image.fromarray(frame.image).save(part / "frames" / f"{frame.index:06d}.jpg", quality=_JPEG_QUALITY)
