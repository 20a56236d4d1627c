"""A source of a batch, and how to predict it."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from atsal.errors import AtsalError, InputError
from atsal.prediction.tasks import Job
from atsal.prediction.unseen_source import UnseenSource
from atsal.remote.path import RemotePath


@dataclass(frozen=True)
class Item:
    """A source of a batch, with its model and options."""

    source: UnseenSource
    job: Job

    @property
    def id(self) -> str:
        """The name of its results."""
        return self.source.stem

    @property
    def shown_path(self) -> str:
        """Its path or URL, without secrets."""
        return str(self.source.path)

    def fingerprint(self) -> str | None:
        """Return what changes with the settings, or with the size or date of a local file; None without such a file.

        A remote file is not asked for.
        """
        stamp: tuple[int, ...] = ()
        if not isinstance(self.source.path, RemotePath):
            try:
                found = self.source.path.stat()
            except OSError:
                return None
            stamp = found.st_size, found.st_mtime_ns
        text = json.dumps([self.shown_path, self.source.as_frames, stamp, _settings(self.job)])
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


@lru_cache(maxsize=1024)
def _settings(job: Job) -> str:
    options = asdict(job.options)
    del options["overwrite"]
    return json.dumps([asdict(job.model), options], default=str, sort_keys=True)


def find_name_clashes(items: Sequence[Item]) -> dict[Item, AtsalError]:
    """Return an error for each item whose results would have the name of another one's."""
    counts = Counter(item.id for item in items)
    return {
        item: InputError(
            f"{item.shown_path}: {counts[item.id]} sources would write results called {item.id}; rename them, or give "
            "each an id in a catalogue"
        )
        for item in items
        if counts[item.id] > 1
    }
