"""The declaration of a runtime. Importing this needs no torch."""

import importlib.util
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from atsal.errors import MissingDependencyError, PredictionError, install_hint

if TYPE_CHECKING:
    import torch

    from atsal.models.two_stream import ATSal
    from atsal.prediction.runtimes.session import Session

Precision = Literal["float32", "half"]


@dataclass(frozen=True)
class Runtime:
    """A program that runs the network."""

    name: str
    shows: str  # for --help
    start: "Callable[[ATSal, torch.device, Precision], Session]"  # of a network in eval mode; may replace its layers
    imports: tuple[str, ...] = ()  # the packages that it imports
    extra: str = ""  # the extra of atsal that installs them
    versions_of: tuple[str, ...] = ("torch",)  # the packages whose versions the maps depend on
    half_on_cpu: bool = False  # whether it computes in half precision on a CPU
    runs_on_gpu: bool = False
    runs_published: bool = False  # also with procedure "published"

    def is_installed(self) -> bool:
        """Return whether every package that it imports is there."""
        return all(importlib.util.find_spec(package) is not None for package in self.imports)

    def check_installed(self) -> None:
        """Raise `MissingDependencyError` where a package is missing."""
        if not self.is_installed():
            raise MissingDependencyError(
                f"runtime {self.name!r} needs the packages {' and '.join(self.imports)}: {install_hint(self.extra)}, "
                "or "
                "take runtime 'torch'"
            )

    @contextmanager
    def convert_errors(self) -> Iterator[None]:
        """Raise any error of the runtime, which may be of any type, as a `PredictionError`."""
        try:
            yield
        except Exception as error:
            reason = textwrap.shorten(str(error), 200, placeholder=" …") or type(error).__name__
            raise PredictionError(f"runtime {self.name!r} failed ({reason}); try --runtime torch") from error
