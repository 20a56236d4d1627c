"""What a worker process does with a job."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from atsal.errors import AtsalError
from atsal.jobs.engine import Report
from atsal.serving.folders import DataFolder
from atsal.serving.kinds import End, Kinds, Means, Part, Parts, Work
from atsal.serving.sources.settings import SourceSettings
from atsal.serving.sources.url_download import fetch_source

LOG = logging.getLogger("atsal.serving")
JOB_LOCK = ".atsal-job-lock"
_WAIT_S = 60.0  # for the process of a server that was killed, which ends at once


@dataclass(frozen=True)
class RunWork:
    """Runs the command of a job in the job's folder, so that no message has the path of that folder."""

    data: Path
    kinds: Kinds
    means: Means
    sources: SourceSettings

    def __call__(self, task: Work | Part, report: Report) -> End | Parts | None:
        """Return how the command ended, or its parts; None for a part.

        No other process works on the same job or part at the same time, and none on parts while the command runs.
        """
        work = task.work if isinstance(task, Part) else task
        folder = DataFolder(self.data).job(work.id)
        try:
            with _locked(folder, task):
                os.chdir(folder)
                return self._run(task, report)
        except Timeout:
            return End(is_done=False, reason="another process works on this job and does not end")
        except AtsalError as error:
            return End(is_done=False, reason=str(error))
        except OSError as error:
            return End(is_done=False, reason=error.strerror or type(error).__name__)  # without the path
        except Exception as error:  # whoever runs the service reads more in its log
            LOG.exception("job %s (%s) met an unexpected error", work.id, work.kind)
            return End(is_done=False, reason=f"met an unexpected error ({type(error).__name__})")
        finally:
            os.chdir(self.data)  # the folder may be removed

    def _run(self, task: Work | Part, report: Report) -> End | Parts | None:
        def show(done: int, total: int | None) -> None:
            report((done, total))

        if isinstance(task, Part):
            self.kinds[task.work.kind].run_part(task.task, self.means, show)
            return None
        fetch_source(task, self.sources, lambda: report((0, None)))
        return self.kinds[task.kind].run(task, self.means, show)


@contextmanager
def _locked(folder: Path, task: Work | Part) -> Iterator[None]:
    """Lock a part; or the job, after all of its parts that processes of a killed server may still work on."""
    if isinstance(task, Part):
        with FileLock(folder / f"{JOB_LOCK}-{task.number}", timeout=_WAIT_S):
            yield
        return
    for path in folder.glob(f"{JOB_LOCK}-*"):
        with FileLock(path, timeout=_WAIT_S):
            pass
        path.unlink(missing_ok=True)
    with FileLock(folder / JOB_LOCK, timeout=_WAIT_S):
        yield
