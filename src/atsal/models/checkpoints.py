"""Load the published ATSal checkpoints from any container they come in, without running code from them.

A checkpoint is a bare state dict, or `{"state_dict": ...}` beside training extras (`epoch`, `optimizer`,
`optimizer1_state_dict`, ...), which are dropped. Each key may start with `module.` (saved from `DataParallel`). The
file has the zip format of torch >= 1.6, the older one, or safetensors. `AttentionStream` and `SalEMA` use the published
key names, so nothing but `module.` is renamed.
"""

import mmap
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, overload

import safetensors.torch
import torch
from torch import Tensor, nn

from atsal.errors import WeightsError
from atsal.models.paper import AttentionStream, SalEMA
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.pickles import PickleScan, scan_pickle
from atsal.untrusted.text import error_reason, escape_controls, short_repr

CheckpointKind = Literal["attention", "expert"]
NETWORKS: dict[str, type[AttentionStream] | type[SalEMA]] = {"attention": AttentionStream, "expert": SalEMA}
_KEY_PREFIXES = {"attention": "encoder.", "expert": "salgan."}  # how the keys of each network begin
_TITLES = {"attention": "the attention stream", "expert": "an expert (SalEMA)"}
_LISTED_KEYS = 4  # keys named in an error; the rest is counted


class Discarded:
    """Replaces a training extra that is not needed: it accepts any arguments and any state, and keeps none."""

    def __init__(self, *arguments: Any) -> None:
        """Ignore everything."""

    def __setstate__(self, state: Any) -> None:
        """Ignore everything."""


# Globals that occur in the extras of old training loops (a loss as a numpy scalar, the command line). They are never
# called: each name is resolved to `Discarded`, so a crafted dtype or scalar does not reach numpy.
HARMLESS_GLOBALS = (
    *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
    *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"),
    *("numpy.dtype", "numpy.ndarray", "argparse.Namespace"),
)
# What a state dict and the state of optimisers need. torch itself allows more, and some of that can exhaust memory.
NEEDED_GLOBALS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|(builtins|__builtin__)\.(set|complex)"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter|parameter_with_state)|torch\.nn\.parameter\.Parameter"
    r"|torch\.(Size|device|serialization\._get_layout|\w+Storage)"
    r"|torch\.(b?float|u?int|complex|half|double|bool|long|short)\d*"
)
NO_CHECKPOINT = "not a checkpoint that torch can read, or a damaged one"
_ZIP_SIGNATURE = b"PK\3\4"
_LEGACY_PICKLES = 5  # of the older format: its number, its version, the machine, the content, the storages' names


@overload
def load_published(kind: Literal["attention"], path: Path | str) -> AttentionStream: ...
@overload
def load_published(kind: Literal["expert"], path: Path | str) -> SalEMA: ...
def load_published(kind: CheckpointKind, path: Path | str) -> AttentionStream | SalEMA:
    """Load the network of a published checkpoint: on the CPU, float32, in eval mode. Runs no code from the file.

    Raises `WeightsError` if the file is missing, empty, damaged or no checkpoint, if it needs code to load or belongs
    to the other network, or if a tensor is missing, unexpected, of another shape, not floating point or not finite.
    """
    if kind not in NETWORKS:
        raise WeightsError(f"network {kind!r}: expected 'attention' or 'expert'")
    file = Path(path)
    state = extract_state_dict(read_checkpoint(file), file)
    with torch.device("meta"):  # shapes without memory: the tensors of the file become the parameters
        network = NETWORKS[kind]()
    _check_keys(kind, state, network.state_dict(), file)
    network.load_state_dict({key: _to_parameter(value, key, file) for key, value in state.items()}, assign=True)
    return network.requires_grad_(True).eval()


def read_checkpoint(file: Path) -> Any:
    """Return a checkpoint's content, tensors on the CPU. Runs no code from it. Raises `WeightsError` if unreadable."""
    check_readable(file)
    if file.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(file)
        except Exception as error:  # also for a name that UTF-8 cannot encode
            raise WeightsError(f"{file}: damaged safetensors file ({error_reason(error)}); fetch it again") from error
    try:
        with file.open("rb") as stream:
            is_zip = stream.read(len(_ZIP_SIGNATURE)) == _ZIP_SIGNATURE
        _check_globals(file, _scan_zip(file) if is_zip else _scan_legacy(file))
        # With mmap, the optimiser's state is not read; it is two thirds of a published file.
        with torch.serialization.safe_globals([(Discarded, name) for name in HARMLESS_GLOBALS]):
            return torch.load(file, weights_only=True, map_location="cpu", mmap=is_zip)
    except WeightsError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        if refused:
            raise _unsafe(file, refused[1]) from error
        raise WeightsError(f"{file}: {NO_CHECKPOINT} ({error_reason(error).split('. ')[0]}); fetch it again") from error


def _scan_zip(file: Path) -> list[PickleScan]:
    """Scan the pickle of a checkpoint in the zip format, as torch's own reader finds it."""
    with open_archive(file, ErrorFactory(WeightsError, f"{file}: {NO_CHECKPOINT}", "fetch it again")) as archive:
        archive.check_stored()
    return [scan_pickle(torch._C.PyTorchFileReader(str(file)).get_record("data.pkl"))]


def _scan_legacy(file: Path) -> list[PickleScan]:
    """Scan the pickles at the start of a checkpoint in the older format."""
    scans: list[PickleScan] = []
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for _ in range(_LEGACY_PICKLES):
            scans.append(scan_pickle(content, scans[-1].end if scans else 0))
    return scans


def _check_globals(file: Path, scans: Iterable[PickleScan]) -> None:
    """Raise `WeightsError` if a pickle names a Python object that is not on the lists."""
    for name in sorted(frozenset[str]().union(*(one.names for one in scans))):
        if name not in HARMLESS_GLOBALS and not NEEDED_GLOBALS.fullmatch(name):
            raise _unsafe(file, name)


def _unsafe(file: Path, name: str) -> WeightsError:
    return WeightsError(
        f"{file}: needs the Python object {escape_controls(name[:80])}, and building it could run code: refused. If "
        "you "
        "trust who made the file, load it yourself in an isolated environment and save the tensors alone: "
        "torch.save(checkpoint['state_dict'], 'clean.pt')"
    )


def check_readable(file: Path) -> None:
    """Raise `WeightsError` for a file that is missing, a folder, empty, or a web page saved as a checkpoint."""
    if not file.exists():
        raise WeightsError(f"{file}: no such file; expected a published checkpoint: `atsal weights download` gets them")
    if not file.is_file():
        raise WeightsError(f"{file}: not a file; expected one checkpoint")
    try:
        with file.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read ({error.strerror})") from error
    if not head:
        raise WeightsError(f"{file}: empty file; fetch it again")
    if looks_like_html(head):
        raise WeightsError(f"{file}: a web page, not a checkpoint (a download page was saved); fetch it with a browser")


def looks_like_html(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a web page."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--"))


def extract_state_dict(content: Any, file: Path) -> dict[str, Tensor]:
    """Return the state dict in a checkpoint's content, without `module.`. Raises `WeightsError` if there is none."""
    state = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not any(isinstance(value, Tensor) for value in state.values()):
        found = f"a mapping of {_list_keys(state)}" if isinstance(state, Mapping) else f"a {type(state).__name__}"
        raise WeightsError(f"{file}: holds {found}; expected a state dict, or a mapping with one under 'state_dict'")
    invalid = [key for key, value in state.items() if not isinstance(key, str) or not isinstance(value, Tensor)]
    if invalid:
        raise WeightsError(
            f"{file}: {_list_keys(invalid)} in the state dict is not a named tensor; expected only those"
        )
    wrapped = all(key.startswith("module.") for key in state)
    return {key.removeprefix("module.") if wrapped else key: value for key, value in state.items()}


def _check_keys(kind: CheckpointKind, state: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: Path) -> None:
    """Raise `WeightsError` unless `state` has exactly the tensors of `expected`, in their shapes."""
    unexpected = [key for key in state if key not in expected]
    shapes = [
        f"{key} {short_repr(tuple(state[key].shape))} for {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if key in state and state[key].shape != tensor.shape
    ]
    problems = {
        "missing": [key for key in expected if key not in state],
        "unexpected": unexpected,
        "of another shape": shapes,
    }
    found = "; ".join(f"{problem}: {_list_keys(keys)}" for problem, keys in problems.items() if keys)
    if not found:
        return
    for other in NETWORKS:
        if other != kind and any(key.startswith(_KEY_PREFIXES[other]) for key in unexpected):
            hint = f"this looks like a checkpoint of {_TITLES[other]}, not of {_TITLES[kind]}: give it as {other!r}"
            raise WeightsError(f"{file}: {hint} ({found})")
    raise WeightsError(f"{file}: not a checkpoint of {_TITLES[kind]}. {found}")


def _to_parameter(value: Tensor, key: str, file: Path) -> nn.Parameter:
    """Return a float32 copy. It must not refer to the memory-mapped file, which may change or be deleted later."""
    if value.layout != torch.strided or not value.is_floating_point():
        raise WeightsError(f"{file}: {key} holds {value.dtype} ({value.layout}); expected dense floating point")
    tensor = value.detach().to(torch.float32, copy=True).contiguous()
    low, high = tensor.aminmax()  # propagates NaN, and is four times faster than isfinite on every element
    if not (torch.isfinite(low) and torch.isfinite(high)):
        raise WeightsError(f"{file}: {key} holds NaN or infinity as float32; the file is damaged or training diverged")
    return nn.Parameter(tensor)


def _list_keys(keys: Iterable[object]) -> str:
    every = list(keys)
    names = [escape_controls(key[:80]) if isinstance(key, str) else short_repr(key) for key in every[:_LISTED_KEYS]]
    more = len(every) - _LISTED_KEYS
    return ", ".join(names or ["nothing"]) + (f" and {more} more" if more > 0 else "")
