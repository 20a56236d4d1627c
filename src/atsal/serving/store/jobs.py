"""The jobs in the store: adding, finding, claiming and ending them, each in one transaction."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ColumnElement, Select

from atsal.serving.job import ENDED, JobRecord, ResultFile, State
from atsal.serving.store.database import Database
from atsal.serving.store.tables import JOBS
from atsal.serving.store.usage import QuotaError, Usage, usage_of

_GIVEN = {field.name for field in fields(JobRecord)} - {"number"}  # the database numbers jobs
_IN_LISTS = [column for column in JOBS.c if column.name != "results"]  # which may be thousands of names


class DuplicateJobError(Exception):
    """A job of this owner with this Idempotency-Key exists."""


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list; None: of any."""

    owner: str | None = None
    state: State | None = None
    kind: str | None = None
    before: int | None = None  # those submitted before the job of this number


class JobStore:
    """The jobs of all server processes. All methods raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: JobRecord, *, most_waiting: float = math.inf, most_bytes: float = math.inf) -> JobRecord:
        """Add a job and return it with its number.

        Raises `DuplicateJobError`, and `QuotaError` where its owner has so many waiting jobs or bytes already.
        """
        values = {name: value for name, value in asdict(job).items() if name in _GIVEN}
        try:
            with self._database.writing() as connection:
                _check_quota(usage_of(connection, job.owner), most_waiting, most_bytes)
                number = connection.execute(insert(JOBS).values(**values).returning(JOBS.c.number)).scalar_one()
        except IntegrityError as error:
            raise DuplicateJobError from error
        return replace(job, number=number)

    def get(self, job_id: str) -> JobRecord | None:
        """Return a job."""
        return self._find(JOBS.c.id == job_id)

    def with_key(self, owner: str, idempotency_key: str) -> JobRecord | None:
        """Return the job that an owner submitted with an Idempotency-Key."""
        return self._find(and_(JOBS.c.owner == owner, JOBS.c.idempotency_key == idempotency_key))

    def children(self, job_id: str) -> list[JobRecord]:
        """Return the jobs about the results of a job, the newest first."""
        query = select(*_IN_LISTS).where(JOBS.c.parent == job_id).order_by(JOBS.c.number.desc())
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query)]

    def page(self, chosen: JobFilter, limit: int) -> list[JobRecord]:
        """Return jobs, the newest first, without their results."""
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(list_query(chosen, limit))]

    def claim(self, server: str, now_s: float) -> JobRecord | None:
        """Let a server have the next job: of the owner with the fewest running jobs, the oldest. None: none waits."""
        with self._database.writing() as connection:
            candidate = connection.execute(_next_waiting()).scalar()
            if candidate is None:
                return None
            values = {"state": "running", "server": server, "tries": JOBS.c.tries + 1, "started_s": now_s}
            won = connection.execute(
                update(JOBS).where(JOBS.c.number == candidate, JOBS.c.state == "waiting").values(**values)
            )
            found = connection.execute(select(JOBS).where(JOBS.c.number == candidate)).first()
        return _record(found) if won.rowcount and found is not None else None

    def set_progress(self, job_id: str, server: str, done: int, total: int | None) -> None:
        """Note how far a running job is."""
        self._change(_running(job_id, server), done=done, total=total)

    def finish(self, job_id: str, server: str, state: State, **values: Any) -> bool:
        """End a job that a server has; False where it no longer has it, as after a cancel."""
        results = [asdict(result) for result in values.pop("results", ())]
        is_whole = state == "done" and not values.get("reason")  # else the source breaks before its last frame
        if is_whole:  # the last frames are not reported one by one
            values["done"] = func.coalesce(JOBS.c.total, JOBS.c.done)
        return self._change(_running(job_id, server), state=state, server="", results=results, **values)

    def give_back(self, job_id: str, server: str, *, counts: bool) -> bool:
        """Let a job that a server has wait again; the try does not count where it was not the job's fault."""
        tries = JOBS.c.tries if counts else JOBS.c.tries - 1
        return self._change(_running(job_id, server), state="waiting", server="", tries=tries, done=0, total=None)

    def cancel(self, job_id: str, now_s: float, expires_s: float) -> bool:
        """Cancel a job that waits or runs; the server that has it ends its process."""
        is_open = and_(JOBS.c.id == job_id, JOBS.c.state.in_(("waiting", "running")))
        return self._change(is_open, state="cancelled", server="", bytes=0, ended_s=now_s, expires_s=expires_s)

    def remove(self, job_id: str) -> bool:
        """Remove a job that has ended."""
        with self._database.writing() as connection:
            found = connection.execute(delete(JOBS).where(JOBS.c.id == job_id, JOBS.c.state.in_(ENDED)))
        return bool(found.rowcount)

    def running_of(self, server: str) -> list[JobRecord]:
        """Return the jobs that a server has."""
        is_of = and_(JOBS.c.state == "running", JOBS.c.server == server)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(select(*_IN_LISTS).where(is_of))]

    def servers(self) -> set[str]:
        """Return the ids of the servers that have jobs."""
        with self._database.reading() as connection:
            found = connection.execute(select(JOBS.c.server).where(JOBS.c.state == "running").distinct())
            return set(found.scalars())

    def expired(self, now_s: float) -> list[str]:
        """Return ids of jobs whose time is over."""
        with self._database.reading() as connection:
            query = select(JOBS.c.id).where(JOBS.c.expires_s < now_s, JOBS.c.state.in_(ENDED))
            return list(connection.execute(query).scalars())

    def known(self, ids: list[str]) -> set[str]:
        """Return which of these ids are those of jobs."""
        with self._database.reading() as connection:
            return set(connection.execute(select(JOBS.c.id).where(JOBS.c.id.in_(ids))).scalars())

    def check_writable(self) -> None:
        """Raise `StoreError` if nothing can be written."""
        self._change(JOBS.c.number < 0, state="failed")

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return the number of jobs by state and kind."""
        with self._database.reading() as connection:
            query = select(JOBS.c.state, JOBS.c.kind, func.count()).group_by(JOBS.c.state, JOBS.c.kind)
            return {(state, kind): count for state, kind, count in connection.execute(query)}

    def _find(self, condition: ColumnElement[bool]) -> JobRecord | None:
        with self._database.reading() as connection:
            row = connection.execute(select(JOBS).where(condition)).first()
        return None if row is None else _record(row)

    def _change(self, condition: ColumnElement[bool], **values: Any) -> bool:
        with self._database.writing() as connection:
            return bool(connection.execute(update(JOBS).where(condition).values(**values)).rowcount)


def list_query(chosen: JobFilter, limit: int) -> Select[Any]:
    """Return the query of `JobStore.page`; each of its forms has an index."""
    wanted = {"owner": chosen.owner, "state": chosen.state, "kind": chosen.kind}
    query = select(*_IN_LISTS).order_by(JOBS.c.number.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(JOBS.c[name] == value)
    return query if chosen.before is None else query.where(JOBS.c.number < chosen.before)


def _check_quota(used: Usage, most_waiting: float, most_bytes: float) -> None:
    if used.waiting_jobs >= most_waiting:
        reason = f"{used.waiting_jobs} jobs of this token wait; submit more when some have ended"
        raise QuotaError(reason, is_of_queue=True)
    if used.bytes >= most_bytes:
        reason = f"uploads and jobs of this token have {used.bytes} bytes; the limit is {most_bytes}"
        raise QuotaError(f"{reason}: remove some first")


def _next_waiting() -> Select[tuple[int]]:
    """Return the query for the number of the next job."""
    running = (
        select(JOBS.c.owner, func.count().label("count"))
        .where(JOBS.c.state == "running")
        .group_by(JOBS.c.owner)
        .subquery()
    )
    oldest = (
        select(JOBS.c.owner, func.min(JOBS.c.number).label("number"))
        .where(JOBS.c.state == "waiting")
        .group_by(JOBS.c.owner)
        .subquery()
    )
    return (
        select(oldest.c.number)
        .outerjoin(running, running.c.owner == oldest.c.owner)
        .order_by(func.coalesce(running.c.count, 0), oldest.c.number)
        .limit(1)
    )


def _running(job_id: str, server: str) -> ColumnElement[bool]:
    return and_(JOBS.c.id == job_id, JOBS.c.server == server, JOBS.c.state == "running")


def _record(row: Row[Any]) -> JobRecord:
    values = dict(row._mapping)
    results = tuple(ResultFile(**result) for result in values.pop("results", ()))
    return JobRecord(**values | {"notes": tuple(values["notes"]), "results": results})
