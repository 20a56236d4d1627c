"""The weights that made given maps, as the manifests of `atsal predict` beside the maps say."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from atsal.errors import AtsalError, DataError
from atsal.models.seen_items import How, Seen, items_seen, seen_by_fusion, seen_by_layers
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import shorten_list

if TYPE_CHECKING:
    from atsal.models.weight_folder import WeightFolder


class MapWeights(NamedTuple):
    """Which items the weights of their maps had seen, by how; and notes about weights that were not found."""

    seen: dict[How, tuple[str, ...]]
    notes: tuple[str, ...]


def weights_of_maps(folder: Path, dataset: str, stems: dict[str, tuple[str, ...]]) -> MapWeights:
    """Read the manifests in a folder of maps; `stems` has the possible names of each item's maps.

    Maps without a manifest, as of other programs, are taken to be made by weights that saw nothing.
    """
    found: dict[How, tuple[str, ...]] = {}
    unknown: dict[str, list[str]] = {}  # weights -> items
    for item, names in stems.items():
        manifest = _first_manifest(folder, names)
        if manifest is None:
            continue
        bundle = _find_weights(manifest)
        if bundle is None:
            unknown.setdefault(_name(manifest), []).append(item)
            continue
        for how, items in items_seen(_seen_by(bundle, manifest), dataset, [item]).items():
            found[how] = (*found.get(how, ()), *items)
    notes = tuple(
        f"whether the weights {name} saw {shorten_list(items)} is unknown: they are not where the manifests say"
        for name, items in unknown.items()
    )
    return MapWeights(found, notes)


def _first_manifest(folder: Path, names: Iterable[str]) -> dict[str, Any] | None:
    """Return the first of these files that is a manifest of `atsal predict`."""
    for name in names:
        path = folder / f"{name}.json"
        if path.is_file():
            try:
                document = read_object(path, ErrorFactory(DataError, path, "it is no manifest"))
            except DataError:
                continue
            model = document.get("settings", {}).get("model") if isinstance(document.get("settings"), dict) else None
            if isinstance(model, dict) and isinstance(model.get("sha256"), str):
                return document
    return None


def _name(manifest: dict[str, Any]) -> str:
    model = manifest["settings"]["model"]
    return f"{model.get('folder')} (SHA-256 {model['sha256'][:12]}…)"


def _find_weights(manifest: dict[str, Any]) -> "WeightFolder | None":
    """Open the weights of a manifest: where they were, or else those of the name in this package."""
    model = manifest["settings"]["model"]
    for place in (manifest.get("weights"), model.get("folder")):
        bundle = _open(place) if isinstance(place, str) else None
        if bundle is not None and bundle.checksum == model["sha256"]:
            return bundle
    return None


@lru_cache(maxsize=8)
def _open(place: str) -> "WeightFolder | None":
    from atsal.models.loading import find_weights  # noqa: PLC0415 - models load slowly

    try:
        return find_weights(place)
    except AtsalError:
        return None


def _seen_by(bundle: "WeightFolder", manifest: dict[str, Any]) -> list[Seen]:
    """Return what the map of the item knows: the fused map, or that of the only stream that was predicted."""
    options = manifest["settings"].get("options")
    streams = options.get("streams") if isinstance(options, dict) else None
    only = streams[0] if isinstance(streams, list) and len(streams) == 1 else "fused"
    stream = only if only in ("attention", "experts") else "fused"
    return [*seen_by_layers(bundle.provenance, stream), *seen_by_fusion(bundle.provenance)]
