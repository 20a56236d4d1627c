"""The results of one source in the output folder: where they go, what is there already, and what may be replaced."""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from atsal.errors import AtsalError, InputError, OutputError
from atsal.jobs.atomic_write import hidden_name, output_errors
from atsal.prediction.options import Options
from atsal.prediction.results import ResultPath, result_paths
from atsal.prediction.run_record import EarlierRun, Journal, Settings, changed_settings, read_manifest
from atsal.prediction.sources import Source, SourceFiles
from atsal.untrusted.text import shorten_list


def find_clashes(
    sources: Iterable[Source], folder: Path, options: Options, inputs: SourceFiles
) -> dict[Source, AtsalError]:
    """Return why sources cannot be predicted into this folder, before any work.

    Sources that would write the same file all fail: which of them a result is of would depend on their order. So does a
    source whose results would replace one of `inputs`.
    """
    clashes: dict[Source, AtsalError] = {}
    owners: defaultdict[Path, list[Source]] = defaultdict(list)
    for source in sources:
        paths = _paths(source, folder, options)
        for path in dict.fromkeys((_manifest_path(source, folder), *(path.path for path in paths))):
            owners[path].append(source)
        try:
            _refuse_inputs(paths, inputs)
        except OutputError as error:
            clashes[source] = error
    for path, group in owners.items():
        if len(group) > 1:
            clash = _name_clash(path, group)
            clashes |= {source: clash for source in group if source not in clashes}
    return clashes


def _name_clash(path: Path, group: list[Source]) -> InputError:
    names = [str(source.path) for source in group]
    all_of_them = f"{names[0]} and {names[1]} would both" if len(names) == 2 else f"{shorten_list(names)} would all"
    return InputError(f"{all_of_them} write {path}: run them into different output folders, or rename them")


def _manifest_path(source: Source, folder: Path) -> Path:
    return folder / f"{source.stem}.json"


@dataclass(frozen=True)
class OwnFiles:
    """What a run writes for one source."""

    results: list[ResultPath]
    manifest: ResultPath
    journal: ResultPath  # while it is unfinished
    chunks: Path  # a folder, while a run works in chunks


def own_files(source: Source, folder: Path, options: Options) -> OwnFiles:
    """Return what a run writes for one source."""
    return OwnFiles(
        _paths(source, folder, options),
        ResultPath(_manifest_path(source, folder)),
        ResultPath(folder / hidden_name(source.stem, "progress")),
        folder / hidden_name(source.stem, "chunks"),
    )


def _paths(source: Source, folder: Path, options: Options) -> list[ResultPath]:
    by_format = result_paths(folder, source.stem, source.is_still(options.reading), options.streams, options.formats)
    return list(dict.fromkeys(path for by_stream in by_format.values() for path in by_stream.values()))


def _refuse_inputs(paths: Iterable[ResultPath], inputs: SourceFiles) -> None:
    """Neither a new result nor the removal of an old one may hit an input."""
    for file in (file for path in paths for file in (path.path, *path.existing())):
        if file in inputs:
            raise OutputError(f"{file}: is an input, which a result would replace; give another output folder")


def _is_of_damaged_version(earlier: EarlierRun, now: Settings, source: Source) -> bool:
    """Whether results are of the readable part of a file that was damaged, and has changed since."""
    before = earlier.settings["source"]
    is_here = isinstance(before, dict) and before.get("path") == now["source"]["path"]
    return earlier.problem is not None and is_here and changed_settings(earlier.settings, now, source) == ["source"]


class Outputs:
    """Where the results of one source go, and what an earlier run left there."""

    def __init__(self, source: Source, folder: Path, options: Options, settings: Settings, inputs: SourceFiles) -> None:
        self._source = source
        self._overwrite = options.overwrite
        self.folder = folder
        own = own_files(source, folder, options)
        self.manifest, self.paths, self.chunks = own.manifest.path, own.results, own.chunks
        self.journal = Journal(own.journal.path, settings)
        self.finished = read_manifest(self.manifest)
        self._earlier: EarlierRun | None = self.finished or self.journal.read()
        self._is_mended = self.finished is not None and _is_of_damaged_version(self.finished, settings, source)
        if self._is_mended:
            self.finished = None
        self._earlier_paths = self._earlier.result_paths(folder, source.stem) if self._earlier else []
        _refuse_inputs([*self.paths, *self._earlier_paths], inputs)

    @property
    def can_resume(self) -> bool:
        """Whether an interrupted run can go on: each frame has files of its own."""
        return all(path.frame_suffix for path in self.paths)

    @property
    def is_complete(self) -> bool:
        """Whether an earlier run finished and all of its results are still there."""
        return self.finished is not None and self.finished.is_complete(self.folder, self._source.stem)

    @property
    def has_resumable_frames(self) -> bool:
        """Whether an interrupted run of the same settings, not in chunks, wrote frames after which one can go on."""
        earlier = self._earlier
        if self.finished is not None or earlier is None or not earlier.frames:
            return False
        return not changed_settings(earlier.settings, self.journal.settings, self._source)

    def result_files(self) -> tuple[Path, ...]:
        """Return the files of the results, and the folders with one file for each frame."""
        return tuple(dict.fromkeys(path.path for path in self.paths))

    def single_files(self) -> list[str]:
        """Return the names, relative to the folder, of the results that are one file."""
        return [path.path.relative_to(self.folder).as_posix() for path in self.paths if not path.frame_suffix]

    def refuse_conflicts(self) -> None:
        """Raise `OutputError` where anything but this source's own results with the same settings is in the way.

        With `overwrite`, results of other settings may be replaced, and the one file of an image or a video. Frames
        that no run recorded may not: they would be taken for frames of this run. Results of a video that broke half
        way are replaced when its file has changed.
        """
        for path in self.paths:
            if path.frame_suffix and path not in self._earlier_paths and path.existing():
                raise OutputError(
                    f"{path.path}: is there already, with no record of a run, and holds maps; remove them, or give "
                    "another output folder"
                )
        if self._overwrite or self._is_mended:
            return
        if self._earlier is not None:
            self._refuse_other_settings(self._earlier)
            return
        for target in (path.path for path in self.paths):
            if any(target.iterdir()) if target.is_dir() else target.exists():
                raise OutputError(
                    f"{target}: is there already, with no record of a run; give --overwrite to replace it, or another "
                    "output folder"
                )

    def _refuse_other_settings(self, earlier: EarlierRun) -> None:
        changed = changed_settings(earlier.settings, self.journal.settings, self._source)
        if not changed:
            return
        source = earlier.settings["source"]
        by_date = "source" in changed and isinstance(source, dict) and "sha256" not in source
        why = "; its record is of an earlier version, which identifies sources by their date" if by_date else ""
        raise OutputError(
            f"{earlier.path}: results of this name exist, made with another {', '.join(changed)}{why}; give "
            "--overwrite to replace them, or another output folder"
        )

    def prepare(self) -> None:
        """Make the folder ready for the first result: remove unfinished files, and results that are replaced.

        Files that no run recorded are removed only where frames of the same kind are about to be written.
        """
        with output_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in (*self._earlier_paths, ResultPath(self.manifest), ResultPath(self.journal.path)):
                for file in path.leftovers():
                    file.unlink()
            if not self.journal.frames:
                self._remove_results()
        self.journal.save()

    def _remove_results(self) -> None:
        for path in {*self._earlier_paths, *(path for path in self.paths if path.frame_suffix)}:
            for file in path.existing():
                file.unlink()
            if path.frame_suffix and path.path.is_dir() and not any(path.path.iterdir()):
                path.path.rmdir()
        self.manifest.unlink(missing_ok=True)

    def save_progress(self) -> None:
        """Save the journal of a run that stops early; where nothing was written, leave no trace of the run."""
        if any(path.existing() for path in self.paths):
            if self.journal.frames and self.can_resume:
                self.journal.save()
            return
        for path in self.paths:
            if path.frame_suffix and path.path.is_dir():
                path.path.rmdir()
        self.journal.remove()

    def remove_progress(self) -> None:
        """Remove the journal and the chunks of a run that is finished."""
        shutil.rmtree(self.chunks, ignore_errors=True)
        self.journal.remove()
