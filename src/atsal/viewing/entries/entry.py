"""What all kinds of entries have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from atsal.errors import AtsalError
from atsal.prediction.options import ReadOptions, Seconds
from atsal.prediction.sources import Source
from atsal.viewing.site import Site

if TYPE_CHECKING:
    from atsal.prediction.predictor import Predictor

ShowProgress = Callable[[int, int | None], None]
"""Is told how many frames are done, and of how many; None: unknown. It may raise an error to stop the work."""


@dataclass(frozen=True)
class Choices:
    """What was chosen for all entries."""

    reading: ReadOptions
    still_at_s: Seconds
    as_frames: bool  # a folder of images is one clip
    copy: bool  # show copies of videos that every browser plays
    media: Path | None  # the source of the result, or a folder of sources
    item: str | None  # of a prepared set; None: all items
    plan: Path | None  # of a film of the only entry
    load_model: "Callable[[], Predictor]"  # always the same one


class Built(NamedTuple):
    """The files of an item, relative to its folder; notes on how it was read; what is wrong with its end."""

    site: Site
    notes: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Entry(ABC):
    """Something that the page can show, and that is built when it is asked for."""

    path: Path  # as the user named it
    name: str  # for people
    about: str  # a few words on what it is
    doing: ClassVar[str] = ""  # what takes time, as "Predicting"

    @property
    def predicts(self) -> Literal["nothing", "still", "clip"]:
        """What the model has to predict."""
        return "nothing"

    def find_source(self) -> tuple[Source, ReadOptions] | None:
        """Return what a small picture of the entry shows, and how it is read; raise `AtsalError` if it is missing."""
        return None

    @abstractmethod
    def build(self, folder: Path, progress: ShowProgress) -> Built:
        """Write files into `folder`, which is empty; raise `AtsalError` where the entry cannot be shown."""


@dataclass(frozen=True)
class BrokenEntry(Entry):
    """What cannot be shown: the page says why."""

    error: AtsalError

    def build(self, folder: Path, progress: ShowProgress) -> Built:  # noqa: ARG002
        """Raise the error."""
        raise self.error


class Found(NamedTuple):
    """What there is to show at a path, and remarks on what is skipped."""

    entries: list[Entry]
    remarks: list[str]


def length_text(kind: str, duration_s: float | None) -> str:
    """Return a kind and its length, as "video, 1:05"; without a length where it is unknown."""
    seconds = round(duration_s or 0.0)
    return f"{kind}, {seconds // 60}:{seconds % 60:02d}" if duration_s else kind
