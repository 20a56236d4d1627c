"""Load the published ATSal checkpoints, from whichever container they come in, without running code from them.

A checkpoint is one of: a bare state dict; `{"state_dict": ...}` beside training extras (`epoch`, `optimizer`,
`optimizer1_state_dict`, ...), which are dropped; either with `module.` before each key (saved from `DataParallel`); the
zip format of torch >= 1.6 or the older one; or safetensors. Key names: `AttentionStream` and `SalEMA` use the
published ones, so apart from `module.` nothing is renamed.
"""

import mmap
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, overload

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from atsal.errors import WeightsError
from atsal.models.attention import AttentionStream
from atsal.models.salema import SalEMA
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import ErrorFactory
from atsal.untrusted.pickles import PickleScan, scan_pickle
from atsal.untrusted.text import error_reason, escape_controls, short_repr

Kind = Literal["attention", "expert"]
PREFIX = "module."
NAMED = 4  # keys listed in an error before the rest is only counted

NETWORKS: dict[str, type[AttentionStream] | type[SalEMA]] = {"attention": AttentionStream, "expert": SalEMA}
SIGNATURES = {"attention": "encoder.", "expert": "salgan."}  # how the keys of each network begin
TITLES = {"attention": "the attention stream", "expert": "an expert (SalEMA)"}


class Discarded:
    """Stands for a training extra nobody needs: takes any arguments and any state, and keeps none."""

    def __init__(self, *arguments: Any) -> None:
        """Ignore everything."""

    def __setstate__(self, state: Any) -> None:
        """Ignore everything."""


# Globals seen in the extras of old training loops (a loss as a numpy scalar, the command line). They are not called:
# each name is answered with `Discarded`, so a crafted dtype or scalar reaches nothing of numpy's.
HARMLESS_GLOBALS = (
    *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
    *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"),
    *("numpy.dtype", "numpy.ndarray", "argparse.Namespace"),
)
# What else a state dict and the state of optimisers need. Torch itself would give more, some of it memory without end.
NEEDED_GLOBALS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|(builtins|__builtin__)\.(set|complex)"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter|parameter_with_state)|torch\.nn\.parameter\.Parameter"
    r"|torch\.(Size|device|serialization\._get_layout|\w+Storage)"
    r"|torch\.(b?float|u?int|complex|half|double|bool|long|short)\d*"
)
NO_CHECKPOINT = "not a checkpoint that torch can read, or a damaged one"
_ZIP = b"PK\3\4"
_LEGACY_PICKLES = 5  # of the older format: its number, its version, the machine, the content, the storages' names


@overload
def load_published(kind: Literal["attention"], path: Path | str) -> AttentionStream: ...
@overload
def load_published(kind: Literal["expert"], path: Path | str) -> SalEMA: ...
def load_published(kind: Kind, path: Path | str) -> AttentionStream | SalEMA:
    """Build the network of a published checkpoint: on the CPU, float32, in eval mode.

    Nothing in the file is executed. Raises `WeightsError` when the file is missing, empty, damaged or no checkpoint,
    needs code to load, belongs to the other network, or when a tensor is missing, unexpected, of another shape, not
    floating point, or holds NaN or infinity.
    """
    if kind not in NETWORKS:
        raise WeightsError(f"network {kind!r}: expected 'attention' or 'expert'")
    file = Path(path)
    state = unwrap(read_checkpoint(file), file)
    with torch.device("meta"):  # shapes without memory: the tensors of the file become the parameters
        network = NETWORKS[kind]()
    _check_keys(kind, state, network.state_dict(), file)
    network.load_state_dict({key: _checked_tensor(value, key, file) for key, value in state.items()}, assign=True)
    return network.requires_grad_(True).eval()


def read_checkpoint(file: Path) -> Any:
    """Return a checkpoint's content, tensors on the CPU, running nothing in it; `WeightsError` if unreadable."""
    check_readable(file)
    if file.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(file)
        except Exception as error:  # also of a name that UTF-8 cannot write
            raise WeightsError(f"{file}: damaged safetensors file ({error_reason(error)}); fetch it again") from error
    try:
        with file.open("rb") as stream:
            is_zip = stream.read(len(_ZIP)) == _ZIP
        _check_names(file, (_scan_zip if is_zip else _scan_legacy)(file))
        # Mapped files read no byte of the optimiser's state, two thirds of a published file.
        with torch.serialization.safe_globals([(Discarded, name) for name in HARMLESS_GLOBALS]):
            return torch.load(file, weights_only=True, map_location="cpu", mmap=is_zip)
    except WeightsError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise WeightsError(_explain(file, error)) from error


def _scan_zip(file: Path) -> list[PickleScan]:
    """Look through the pickle of a checkpoint in the zip format, as torch's own reader finds it."""
    with open_archive(file, ErrorFactory(WeightsError, f"{file}: {NO_CHECKPOINT}", "fetch it again")) as archive:
        archive.check_stored()
    return [scan_pickle(torch._C.PyTorchFileReader(str(file)).get_record("data.pkl"))]


def _scan_legacy(file: Path) -> list[PickleScan]:
    """Look through the pickles at the start of a checkpoint in the older format."""
    found: list[PickleScan] = []
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for _ in range(_LEGACY_PICKLES):
            found.append(scan_pickle(content, found[-1].end if found else 0))
    return found


def _check_names(file: Path, scans: Iterable[PickleScan]) -> None:
    for name in sorted(frozenset[str]().union(*(one.names for one in scans))):
        if name not in HARMLESS_GLOBALS and not NEEDED_GLOBALS.fullmatch(name):
            raise WeightsError(_needs(file, name))


def check_readable(file: Path) -> None:
    """Raise `WeightsError` for a file that is missing, a folder, empty, or a web page saved as a checkpoint."""
    if not file.exists():
        raise WeightsError(f"{file}: no such file; `atsal weights` lists the published checkpoints")
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
    return (
        head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9]
        .lower()
        .startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--"))
    )


def unwrap(content: Any, file: Path) -> dict[str, Tensor]:
    """Return the state dict inside a container, `module.` removed; `WeightsError` when there is none."""
    state = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not any(isinstance(value, Tensor) for value in state.values()):
        found = f"a mapping of {_listed(state)}" if isinstance(state, Mapping) else f"a {type(state).__name__}"
        raise WeightsError(f"{file}: holds {found}; expected a state dict, or a mapping with one under 'state_dict'")
    odd = [key for key, value in state.items() if not isinstance(key, str) or not isinstance(value, Tensor)]
    if odd:
        raise WeightsError(f"{file}: {_listed(odd)} in the state dict is not a named tensor; expected only those")
    wrapped = all(key.startswith(PREFIX) for key in state)
    return {key.removeprefix(PREFIX) if wrapped else key: value for key, value in state.items()}


def _check_keys(kind: Kind, state: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: Path) -> None:
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    shapes = [
        f"{key} {short_repr(tuple(state[key].shape))} for {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if key in state and state[key].shape != tensor.shape
    ]
    problems = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
    found = "; ".join(f"{name}: {_listed(keys)}" for name, keys in problems if keys)
    if not found:
        return
    for other in NETWORKS:
        if other != kind and any(key.startswith(SIGNATURES[other]) for key in unexpected):
            hint = f"this looks like a checkpoint of {TITLES[other]}, not of {TITLES[kind]}: give it as {other!r}"
            raise WeightsError(f"{file}: {hint} ({found})")
    raise WeightsError(f"{file}: not a checkpoint of {TITLES[kind]}. {found}")


def _checked_tensor(value: Tensor, key: str, file: Path) -> nn.Parameter:
    """Return a float32 copy (not the mapping: the file may change or vanish later)."""
    if value.layout != torch.strided or not value.is_floating_point():
        raise WeightsError(f"{file}: {key} holds {value.dtype} ({value.layout}); expected dense floating point")
    tensor = value.detach().to(torch.float32, copy=True).contiguous()
    low, high = tensor.aminmax()  # carries NaN on, and is four times faster than isfinite on every element
    if not (torch.isfinite(low) and torch.isfinite(high)):
        raise WeightsError(f"{file}: {key} holds NaN or infinity as float32; the file is damaged or training diverged")
    return nn.Parameter(tensor)


def _explain(file: Path, error: Exception) -> str:
    refused = re.search(r"GLOBAL ([\w.]+)", str(error))
    if refused:
        return _needs(file, refused[1])
    said = error_reason(error).split(". ")[0]
    return f"{file}: {NO_CHECKPOINT} ({said}); fetch it again"


def _needs(file: Path, name: str) -> str:
    return (
        f"{file}: needs the Python object {escape_controls(name[:80])}, and building it could run code: refused. If "
        "you "
        "trust who made the file, load it yourself in an isolated environment and save the tensors alone: "
        "torch.save(checkpoint['state_dict'], 'clean.pt')"
    )


def _listed(names: Iterable[object]) -> str:
    first, rest = (every := list(names))[:NAMED], len(every) - NAMED
    told = [escape_controls(name[:80]) if isinstance(name, str) else short_repr(name) for name in first]
    return ", ".join(told or ["nothing"]) + (f" and {rest} more" if rest > 0 else "")
