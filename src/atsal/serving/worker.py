"""What a worker process does with a job."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from atsal.errors import AtsalError
from atsal.jobs.engine import Report
from atsal.serving.folders import DataFolder
from atsal.serving.kinds import End, Kinds, Means, Work
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

    def __call__(self, work: Work, report: Report) -> End:
        """Return how the command ended; another process never works on the same job at the same time."""
        folder = DataFolder(self.data).job(work.id)
        try:
            with FileLock(folder / JOB_LOCK, timeout=_WAIT_S):
                os.chdir(folder)
                fetch_source(work, self.sources, lambda: report((0, None)))
                return self.kinds[work.kind].run(work, self.means, lambda done, total: report((done, total)))
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
