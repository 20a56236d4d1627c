"""A process that answers in two steps: the first step of a question runs during the second of the one before."""

import time
from functools import partial

import pytest

from atsal.errors import ConfigError
from atsal.jobs.supervised_workers import Limits
from atsal.serving.warm_process import TwoSteps, WarmProcess


@pytest.fixture
def process(tmp_path):
    process = WarmProcess(partial(prepare, tmp_path), Limits(5.0, 1e9))
    assert process.get_ready() is None
    yield process
    process.end()


def prepare(folder):
    return TwoSteps(partial(begin, folder), partial(finish, folder))


def begin(folder, number):
    (folder / str(number)).touch()
    if number < 0:
        raise ConfigError(f"{number} in the first step")
    return number


def finish(folder, number):
    if number > 9:
        raise ConfigError(f"{number} in the second step")
    while number == 1 and not (folder / "2").exists():
        time.sleep(0.01)
    return number * 10


def test_the_next_question_is_begun_while_one_is_finished(process):
    for number in (1, 2, 3):
        process.send(number)
    assert [process.receive() for _ in range(3)] == [10, 20, 30]


def test_errors_of_both_steps_keep_their_places(process):
    for number in (-1, 10, 3):
        process.send(number)
    with pytest.raises(ConfigError, match="-1 in the first step"):
        process.receive()
    with pytest.raises(ConfigError, match="10 in the second step"):
        process.receive()
    assert process.receive() == 30


def test_a_process_that_ends_says_so_to_whoever_waits(process):
    assert process.ask(3) == 30
    process.kill()
    process.send(bytes(1 << 20))  # does not block
    assert "was ended by SIGKILL" in process.receive().reason
