"""The names of results.

An image `x.jpg` gives `OUT/x.npy`. A video `x.mp4` gives a folder `OUT/x/` with one file for each frame, or
`OUT/x.mp4`. Where several streams are written, streams other than the fused one add their name: `OUT/x.attention.npy`,
`OUT/x.attention/`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from atsal.jobs.atomic_write import name_start
from atsal.prediction.formats import FORMATS, Format
from atsal.prediction.sources import SourceKind
from atsal.prediction.streams import file_stem

FRAME_DIGITS = 6


@dataclass(frozen=True)
class ResultPath:
    """Where the maps of one stream go in one format: a file, or a folder with one file for each frame."""

    path: Path
    frame_suffix: str = ""  # of the files in the folder; "" where `path` is the one file

    def of_frame(self, frame_index: int) -> Path:
        """Return the file of a frame."""
        return self.path / f"{frame_index:0{FRAME_DIGITS}d}{self.frame_suffix}" if self.frame_suffix else self.path

    def existing(self) -> list[Path]:
        """Return the files that exist, judged by their names alone."""
        if not self.frame_suffix:
            return [self.path] if self.path.is_file() else []
        name = re.compile(rf"\d{{{FRAME_DIGITS},}}{re.escape(self.frame_suffix)}")
        return [file for file in self.path.iterdir() if name.fullmatch(file.name)] if self.path.is_dir() else []

    def leftovers(self) -> list[Path]:
        """Return the unfinished files of a run that was killed."""
        folder = self.path if self.frame_suffix else self.path.parent
        name = r"\d+.*" if self.frame_suffix else re.escape(name_start(self.path.name))
        part = re.compile(rf"\.{name}\.[0-9a-f]{{8}}\.atsal-part")
        return [file for file in folder.iterdir() if part.fullmatch(file.name)] if folder.is_dir() else []


def result_paths(
    folder: Path, stem: str, kind: SourceKind, streams: Sequence[str], formats: Iterable[str]
) -> dict[str, dict[str, ResultPath]]:
    """Return where the results go, by format and stream."""
    chosen = [FORMATS[name] for name in formats]
    if kind == "image":  # a format for videos writes a still as well, unless another format writes the same file
        plain = {form.suffix for form in chosen if form.video is None}
        chosen = [form for form in chosen if form.video is None or form.suffix not in plain]
    stems = {stream: file_stem(stem, stream, len(streams)) for stream in streams}
    return {
        form.name: {stream: _result_path(folder / name, kind, form) for stream, name in stems.items()}
        for form in chosen
    }


def _result_path(base: Path, kind: SourceKind, form: Format) -> ResultPath:
    if kind == "image":
        return ResultPath(base.with_name(base.name + form.suffix))
    return ResultPath(base.with_name(base.name + form.video.suffix)) if form.video else ResultPath(base, form.suffix)
