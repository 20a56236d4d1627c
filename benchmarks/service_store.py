"""How long the store of `atsal serve` takes with 20,000 jobs in SQLite: `python benchmarks/service_store.py`."""

import random
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import insert

from atsal.serving.job import JobRecord, ResultFile, new_id
from atsal.serving.store.database import open_database, sqlite_url
from atsal.serving.store.jobs import JobFilter, JobStore
from atsal.serving.store.tables import JOBS

JOB_COUNT = 20_000
TIMES = 20
RESULTS = tuple(ResultFile(f"source/{number:06}.npy", 204_928, "application/octet-stream") for number in range(30))


def make_row(choose):
    state, kind = choose.choice(["done", "failed", "waiting"]), choose.choice(["predict", "regions"])
    job = JobRecord(new_id(), kind, {}, {"upload": new_id()}, "source.mp4", "a.mp4", choose.choice("abc"), 1.0, state)
    return {name: value for name, value in asdict(job).items() if name != "number"} | {
        "results": [asdict(result) for result in RESULTS]
    }


def milliseconds(call):
    started_s = time.perf_counter()
    for _ in range(TIMES):
        call()
    return (time.perf_counter() - started_s) * 1000 / TIMES


def main():
    choose = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(sqlite_url(Path(folder) / "service.sqlite"))
        with database.writing() as connection:
            connection.execute(insert(JOBS), [make_row(choose) for _ in range(JOB_COUNT)])
        store = JobStore(database)
        for chosen in (
            JobFilter(),
            JobFilter(owner="a"),
            JobFilter(state="running"),
            JobFilter(owner="a", state="done", kind="regions"),
        ):
            print(f"{milliseconds(lambda chosen=chosen: store.page(chosen, 50)):6.1f} ms  a page of {chosen}")
        print(f"{milliseconds(lambda: store.claim('server', 1.0)):6.1f} ms  a claim")
        print(f"{milliseconds(store.counts):6.1f} ms  the counts of /metrics")
        database.close()


if __name__ == "__main__":
    main()
