"""How much of the disk and of the queue an owner takes."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from atsal.serving.store.tables import JOBS, UPLOADS


class Usage(NamedTuple):
    """What belongs to one owner."""

    uploads: int
    waiting_jobs: int
    bytes: int  # of uploads, as long as they will be, and of the folders of jobs


def usage_of(connection: Connection, owner: str) -> Usage:
    """Return what an owner takes; a file that jobs have taken from an upload counts for each of them."""
    total = func.coalesce(func.sum(UPLOADS.c.bytes), 0)
    uploads, uploaded = connection.execute(select(func.count(), total).where(UPLOADS.c.owner == owner)).one()
    stored = select(func.coalesce(func.sum(JOBS.c.bytes), 0)).where(JOBS.c.owner == owner, JOBS.c.bytes > 0)
    waiting = select(func.count()).where(JOBS.c.owner == owner, JOBS.c.state == "waiting")
    jobs = connection.execute(stored).scalar_one()
    return Usage(uploads, connection.execute(waiting).scalar_one(), int(uploaded) + int(jobs))
