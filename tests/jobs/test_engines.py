"""Tasks come back with their results, whatever happens to the process that works on them."""

import os
import signal
import time
from functools import partial

import pytest

from atsal.errors import AtsalError, OutputError
from atsal.jobs.engine import Death, InThisProcess, run_all
from atsal.jobs.supervised_workers import Limits, SupervisedWorkers, local_engine, resident_bytes

MIB = 2**20


def no_torch(_threads):
    pass


make_workers = partial(SupervisedWorkers, prepare=no_torch)


def act(task, report, folder=None):
    """Do what the task says; with a folder, only once."""
    name, value = task
    if folder is not None:
        try:
            (folder / f"{name}{value}").touch(exist_ok=False)
        except FileExistsError:
            return value
    report(1)
    if name == "kill":
        os.kill(os.getpid(), value)
    elif name == "exit":
        os._exit(value)
    elif name == "sleep":
        time.sleep(value)
    elif name == "fill":
        kept = b"1" * value
        time.sleep(3)
        return len(kept)
    elif name == "raise":
        raise ValueError("odd")
    elif name == "full":
        raise OutputError("the disk is full")
    return value


def run(tasks, job=act, workers=1, **limits):
    with make_workers(job, workers, Limits(**limits)) as engine:
        for task in tasks:
            engine.submit(task)
        return dict(engine.results())


@pytest.mark.parametrize("make", [InThisProcess, partial(make_workers, workers=2, limits=Limits())])
def test_each_task_comes_back_and_others_may_follow(make):
    found = []
    with make(act) as engine:
        engine.submit(("add", 0))
        for (name, value), result in engine.results():
            found.append((value, result))
            if value < 3:
                engine.submit((name, value + 1))
        assert engine.outstanding == 0
    assert found == [(value, value) for value in range(4)]


def test_a_task_that_ends_processes_is_set_aside_and_the_others_are_done():
    tasks = [("kill", signal.SIGKILL), ("exit", 7), ("raise", 0), ("add", 1), ("add", 2)]
    found = run(tasks, workers=2)
    assert found[("kill", signal.SIGKILL)] == Death(
        "was ended by SIGKILL, perhaps because memory was short, at the second try"
    )
    assert found[("exit", 7)] == Death("ended with exit code 7, at the second try")
    assert found[("raise", 0)] == Death("met an unexpected error, ValueError: odd")
    assert (found[("add", 1)], found[("add", 2)]) == (1, 2)


def test_a_task_whose_process_is_killed_once_is_done(tmp_path):
    job = partial(act, folder=tmp_path)
    assert run([("kill", signal.SIGKILL), ("exit", 1)], job) == {("kill", 9): 9, ("exit", 1): 1}


@pytest.mark.parametrize("make", [InThisProcess, partial(make_workers, workers=1, limits=Limits())])
def test_errors_that_are_raised_on_purpose_pass(make):
    with make(act) as engine, pytest.raises(OutputError, match="disk is full"):
        dict(run_all(engine, [("full", 0), ("add", 1)]))


def test_one_worker_without_limits_is_this_process():
    assert isinstance(local_engine(act, 1), InThisProcess)
    assert isinstance(local_engine(act, 1, Limits()), SupervisedWorkers)


def test_time_and_memory_are_limited():
    tasks = [("sleep", 60), ("fill", 400 * MIB), ("sleep", 0)]
    found = run(tasks, workers=2, standstill_s=3, memory_bytes=3e8)
    assert found[("sleep", 60)] == Death("made no progress for 3 s, at the second try")
    assert found[("fill", 400 * MIB)] == Death("took more than 0.3 GB of memory, at the second try")
    assert found[("sleep", 0)] == 0


class _NoStart:
    def __call__(self, task, report):
        return task

    def __setstate__(self, _state):
        os._exit(1)

    def __getstate__(self):
        return 1


def test_workers_that_never_start_end_the_run():
    with pytest.raises(AtsalError, match=r"a worker process ended with exit code 1 before it began\..*__main__"):
        run([("add", 1), ("add", 2)], _NoStart())


def only_one(folder, _threads):
    """Prepare as on a machine that has memory for one worker."""
    try:
        (folder / "one").touch(exist_ok=False)
    except FileExistsError:
        os._exit(1)


def test_where_only_one_worker_can_start_it_does_all_tasks(tmp_path):
    prepare = partial(only_one, tmp_path)
    with SupervisedWorkers(act, 2, Limits(), prepare) as engine:
        for number in range(4):
            engine.submit(("sleep", number / 4))
        assert set(dict(engine.results()).values()) == {0, 0.25, 0.5, 0.75}


def test_a_worker_that_dies_without_a_task_costs_no_try(tmp_path):
    once = partial(act, folder=tmp_path)  # the second task ends one process, and may not find another one dead
    with make_workers(once, 1, Limits()) as engine:
        engine.submit(("add", 0))
        assert dict(engine.results()) == {("add", 0): 0}
        engine._processes[0]._process.kill()
        engine._processes[0]._process.join()
        engine.submit(("exit", 1))
        assert dict(engine.results()) == {("exit", 1): 1}


def test_no_process_stays():
    with make_workers(act, 1, Limits()) as engine:
        engine.submit(("add", 1))
        list(engine.results())
        pid = engine._processes[0]._process.pid
        assert resident_bytes(pid) > MIB
    assert resident_bytes(pid) == 0


def test_a_cancelled_task_does_not_come_back_and_the_others_do():
    with make_workers(act, 1, Limits()) as engine:
        for task in (("sleep", 60), ("add", 1), ("add", 2)):
            engine.submit(task)
        next(engine.ended(), None)
        engine.cancel(("sleep", 60))
        engine.cancel(("add", 1))
        assert dict(engine.results()) == {("add", 2): 2}
