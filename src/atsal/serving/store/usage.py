"""How much of the disk and of the queue an owner takes, and may take."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from atsal.errors import AtsalError
from atsal.serving.store.database import lock_until_end
from atsal.serving.store.tables import JOBS, UPLOADS


class QuotaError(AtsalError):
    """An owner has too much; `is_of_queue`: too many jobs that wait, which will be fewer."""

    def __init__(self, message: str, *, is_of_queue: bool = False) -> None:
        super().__init__(message)
        self.is_of_queue = is_of_queue


class Usage(NamedTuple):
    """What belongs to one owner."""

    uploads: int
    waiting_jobs: int
    bytes: int  # of uploads, as long as they will be, and of the folders of jobs


def usage_of(connection: Connection, owner: str) -> Usage:
    """Return what an owner takes; a file that jobs have taken from an upload counts for each of them.

    In a transaction that writes, nobody adds anything for this owner until the transaction ends: so what is found here
    still holds when the transaction adds something.
    """
    lock_until_end(connection, owner)
    total = func.coalesce(func.sum(UPLOADS.c.bytes), 0)
    uploads, uploaded = connection.execute(select(func.count(), total).where(UPLOADS.c.owner == owner)).one()
    stored = select(func.coalesce(func.sum(JOBS.c.bytes), 0)).where(JOBS.c.owner == owner, JOBS.c.bytes > 0)
    waiting = select(func.count()).where(JOBS.c.owner == owner, JOBS.c.state == "waiting")
    jobs = connection.execute(stored).scalar_one()
    return Usage(uploads, connection.execute(waiting).scalar_one(), int(uploaded) + int(jobs))
