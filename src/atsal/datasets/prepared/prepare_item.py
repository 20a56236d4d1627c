"""Prepare one item: turn its raw gaze files into a folder of fixations, a record, maps and pictures.

The folder is written aside and renamed, so that it is complete or absent.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from atsal.datasets.dataset import Dataset, ItemGaze, RawItem, Stimulus
from atsal.datasets.prepared.augmentation import Transform, published_variants
from atsal.datasets.prepared.item_fixations import item_fixations
from atsal.datasets.prepared.item_maps import item_map, map_size, map_windows
from atsal.datasets.prepared.item_record import (
    FIXATIONS,
    RECORD,
    STATISTICS,
    Json,
    describe_raw_file,
    describe_written_file,
    prepared_item,
)
from atsal.datasets.prepared.preparation import Preparation
from atsal.datasets.prepared.statistics import item_statistics
from atsal.datasets.stimulus import describe, read_all_frames, read_picture
from atsal.errors import DataError
from atsal.gaze.records import Fixations, PlanarFixations
from atsal.gaze.tables import write_fixations
from atsal.jobs.atomic_write import atomic_folder, output_errors
from atsal.jobs.output_folder import OutputFolder
from atsal.untrusted.text import shorten_list
from atsal.video.image_writer import write_map_png
from atsal.video.pixels import scale_image

_JPEG_QUALITY = 95


@dataclass(frozen=True, eq=False)
class _Job:
    """What is needed to write an item or its variants."""

    raw: RawItem
    stimulus: Stimulus
    gaze: ItemGaze
    fixations: Fixations | PlanarFixations
    dataset: Dataset
    preparation: Preparation


def prepare_item(dataset: Dataset, raw: RawItem, source: Path, output: Path, preparation: Preparation) -> None:
    """Write the folder of one item, or those of its 20 variants (`item_names`).

    Raises `InputError` if the raw files cannot be used; then it writes nothing.
    """
    stimulus = describe(raw, dataset.stimuli)
    gaze = item_fixations(dataset.read(raw, preparation.direction, stimulus), stimulus, dataset, preparation)
    if gaze.fixations is None or not len(gaze.fixations):
        samples = sum(map(len, gaze.samples))
        nothing = f"{preparation.events} found none in {samples} samples" if samples else "the logs hold no rows"
        raise DataError(f"{raw.id}: no fixation is left ({'; '.join(map(str, gaze.drops)) or nothing})")
    job = _Job(raw, stimulus, gaze, gaze.fixations, dataset, preparation)
    _check_match(job)
    record = _make_record(job, source)
    for name, transform in _variants(raw, preparation).items():
        _write_folder(output, name, transform, job, record)


def item_names(raw: RawItem, preparation: Preparation) -> list[str]:
    """Return the names of the folders that `prepare_item` writes."""
    return list(_variants(raw, preparation))


def _variants(raw: RawItem, preparation: Preparation) -> dict[str, Transform | None]:
    if preparation.augment == "none":
        return {raw.id: None}
    transforms = published_variants()
    return {raw.id if t.name == "original" else f"{raw.id}+{t.name}": t for t in transforms}


def _check_match(job: _Job) -> None:
    """Raise `DataError` if gaze, stimulus and settings do not go together."""
    raw, stimulus, fixations, preparation = job.raw, job.stimulus, job.fixations, job.preparation
    if isinstance(fixations, PlanarFixations) != (job.dataset.stimuli == "photos"):
        kinds = ("u, v", "lon_deg, lat_deg")
        found, expected = kinds if job.dataset.stimuli != "photos" else kinds[::-1]
        raise DataError(
            f"{raw.id}: positions are {found}; expected {expected}, for the set holds {job.dataset.stimuli_in_words}"
        )
    without_frames = isinstance(fixations, Fixations) and fixations.first_frame is None
    if without_frames and stimulus.kind in ("video", "frames") and preparation.window != "clip":
        raise DataError(
            f"{raw.id}: its gaze has neither times nor frames, so it belongs to no frame; add onset_s to the table, or "
            "choose the window clip"
        )
    if preparation.augment != "none" and stimulus.kind != "image":
        found = "has no image" if stimulus.kind is None else "is a video"
        raise DataError(f"{raw.id}: {found}; variants are written of images: put the set's images beside its gaze")


def _make_record(job: _Job, source: Path) -> Json:
    """Return the part of the record that is the same for all variants: where the item comes from."""
    raw, gaze = job.raw, job.gaze
    rates = [rate for rate in (track.sampling_rate_hz() for track in gaze.samples) if np.isfinite(rate)]
    stimulus: Json | None = None
    if raw.stimulus is not None:
        facts = {name: v for name, v in vars(job.stimulus).items() if v is not None and name != "frame_times_s"}
        stimulus = describe_raw_file(raw.stimulus, source) | ({"member": raw.member} if raw.member else {}) | facts
    record: Json = {
        "id": raw.id,
        "stimulus": stimulus,
        "logs": [describe_raw_file(log, source) for log in raw.logs],
        "samples": sum(map(len, gaze.samples)),
        "sampling_rate_hz": round(float(np.median(rates)), 3) if rates else None,
        "drops": [{"reason": d.reason, "count": d.count, "first": _relative(d.first, source)} for d in gaze.drops],
        "notes": [_relative(note, source) for note in gaze.notes],
    }
    if gaze.warnings:
        record["warnings"] = [_relative(warning, source) for warning in gaze.warnings]
    return record


def _relative(text: str, source: Path) -> str:
    return text.replace(f"{source}/", "")


def _write_folder(output: Path, name: str, transform: Transform | None, job: _Job, record: Json) -> None:
    folder, fixations = OutputFolder(output / name, prepared_item(name)), job.fixations
    others = folder.other_files()
    if others:
        raise DataError(
            f"{folder.path}: holds {shorten_list(others)}, which `atsal prepare` did not write; move it elsewhere"
        )
    record = record | {"id": name, "fixations": len(fixations), "observers": len(fixations.observers)}
    if transform is not None:
        record |= {"variant": transform.name, "variant_of": job.raw.id}
    with output_errors(folder.path), atomic_folder(folder.path) as part:
        if transform is not None and isinstance(fixations, Fixations):
            fixations = transform.fixations(fixations)
        write_fixations(part / FIXATIONS, fixations)
        if name == job.raw.id:  # those of the variants would repeat it
            statistics = item_statistics(name, job.gaze, job.preparation.direction)
            (part / STATISTICS).write_text(json.dumps(statistics.to_json()) + "\n", encoding="utf-8")
        record["maps"] = _write_maps(part, name, transform, job)
        _write_pictures(part, transform, job)
        files = sorted(path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file())
        record["files"] = {file: describe_written_file(part / file) for file in files}
        (part / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _write_maps(part: Path, name: str, transform: Transform | None, job: _Job) -> Json | None:
    """Write the saliency maps, one at a time, and return their facts for the record.

    One map of all gaze, as that of a still, has the name of the item.
    """
    preparation = job.preparation
    if preparation.maps == "none":
        return None
    source = job.fixations, job.stimulus
    windows = map_windows(job.stimulus, job.fixations, preparation.window, stills=job.dataset.stimuli == "images")
    height, width = map_size(*source, preparation.erp_height)
    maps = (
        _transform(transform, item_map(*source, job.dataset, preparation, window))
        for window in ((None,) if windows is None else windows)
    )
    count = 1 if windows is None else len(windows)
    if preparation.maps == "npy" and windows is None:
        _write_npy(part / f"{name}.npy", maps, (height, width))
    elif preparation.maps == "npy":
        _write_npy(part / "saliency.npy", maps, (count, height, width))
    elif windows is None:
        write_map_png(part / f"{name}.png", next(maps))
    else:
        (part / "saliency").mkdir()
        for number, saliency in enumerate(maps):
            write_map_png(part / "saliency" / f"{number:06d}.png", saliency)
    return {"count": count, "height": height, "width": width, "format": preparation.maps}


def _write_npy(path: Path, maps: Iterable[NDArray[np.float32]], shape: tuple[int, ...]) -> None:
    """Write a float32 `.npy` map by map, without memory mapping, so that a full disk raises an error like any other."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for saliency in maps:
            file.write(np.ascontiguousarray(saliency, "<f4").tobytes())


def _write_pictures(part: Path, transform: Transform | None, job: _Job) -> None:
    """Write the frames if they are wanted, and the picture of a variant, which exists nowhere else."""
    path, preparation = job.raw.stimulus, job.preparation
    size = (2 * preparation.erp_height, preparation.erp_height)
    if path is None:
        return
    if transform is not None:
        # at the size of the maps, so that picture and maps turn by the same number of whole pixels
        picture = _transform(transform, scale_image(read_picture(path, job.stimulus), size))
        Image.fromarray(picture.round().clip(0, 255).astype(np.uint8)).save(part / "image.png")
    elif preparation.frames == "extract" and job.stimulus.kind in ("video", "frames"):
        (part / "frames").mkdir()
        for frame in read_all_frames(path, job.stimulus, size):
            Image.fromarray(frame.image).save(part / "frames" / f"{frame.index:06d}.jpg", quality=_JPEG_QUALITY)


def _transform(transform: Transform | None, picture: NDArray[Any]) -> NDArray[np.float32]:
    """Return a picture (H, 2H, C) or a map (H, 2H) as the variant shows it, of the same shape."""
    if transform is None:
        return np.asarray(picture, np.float32)
    tensor = torch.from_numpy(np.asarray(picture, np.float32))
    channels = (tensor if tensor.ndim == 3 else tensor[..., None]).permute(2, 0, 1)[None]
    return transform.erp(channels)[0].permute(1, 2, 0).reshape(tensor.shape).numpy()
