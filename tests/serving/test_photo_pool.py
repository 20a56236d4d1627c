"""The processes for photos: order, limits, and photos that end them."""

import threading
import time
from concurrent.futures import CancelledError

import pytest

from atsal.errors import MediaError, SetAsideError
from atsal.serving.photos.fair_queue import FairQueue, FullError
from atsal.serving.photos.pool import PhotoPool
from atsal.serving.photos.settings import PhotoSettings
from fakes.small_answers import prepare, prepare_badly


@pytest.fixture(scope="module")
def pool():
    found = PhotoPool(prepare, PhotoSettings(workers=1, photo_seconds=0.5, most_waiting_of_one=40))
    yield found
    found.stop()


def test_owners_take_turns_and_have_so_many_places():
    queue = FairQueue(most=4, most_of_one=3)
    for item in ("a1", "a2", "a3", "b1"):
        queue.add(item[0], item)
    with pytest.raises(FullError) as full:
        queue.add("a", "a4")
    assert full.value.is_own
    with pytest.raises(FullError) as full:
        queue.add("c", "c1")
    assert not full.value.is_own
    queue.discard("a", "a2")
    assert [queue.take() for _ in range(4)] == ["a1", "b1", "a3", None]


def test_who_sends_one_photo_does_not_wait_for_who_sends_many(pool):
    pool.submit("warm", "x").result(30)
    ended = []
    many = [pool.submit("many", f"m{i}") for i in range(20)]
    few = pool.submit("few", "f")
    for answer in (*many, few):
        answer.add_done_callback(lambda answer: ended.append(answer.result()))
    assert few.result(30) == "F"
    assert [answer.result(30) for answer in many][-1] == "M19"
    assert ended.index("F") <= 3


def test_a_bad_photo_is_an_error_and_leaves_the_process(pool):
    with pytest.raises(MediaError, match="photo: is bad"):
        pool.submit("a", "bad").result(30)
    began_s = time.monotonic()
    assert pool.submit("a", "x").result(30) == "X"
    assert len(pool._idle) == 1
    assert time.monotonic() - began_s < 30


@pytest.mark.parametrize(
    ("photo", "reason"), [("crash", "was ended by SIGSEGV"), ("stand still", "gave no answer for 0.5 s")]
)
def test_a_photo_that_ends_processes_fails_alone(pool, photo, reason):
    bad, good = pool.submit("a", photo), pool.submit("a", "good")
    with pytest.raises(SetAsideError) as error:
        bad.result(60)
    assert str(error.value) == f"photo: the process that read it {reason}, at the second try"
    assert good.result(60) == "GOOD"


def test_a_photo_that_takes_too_much_memory_ends_its_process():
    pool = PhotoPool(prepare, PhotoSettings(workers=1, memory_bytes=4e8))
    with pytest.raises(SetAsideError, match=r"took more than 0\.4 GB of memory"):
        pool.submit("a", "grow").result(60)
    pool.stop()


def test_a_photo_whose_process_is_killed_is_tried_again(pool, tmp_path):
    marker = tmp_path / "marker"
    assert pool.submit("a", f"crash once {marker}").result(60) == f"CRASH ONCE {marker}".upper()


def test_a_fault_of_the_program_is_told_without_what_it_held(pool):
    with pytest.raises(RuntimeError, match=r"unexpected error \(KeyError\)$"):
        pool.submit("a", "fault").result(30)


def test_a_photo_that_nobody_waits_for_gives_its_place_away(pool):
    running = pool.submit("a", "stand still")
    waiting = [pool.submit("a", "x") for _ in range(39)]
    while running.running() is False:
        time.sleep(0.01)
    pool.submit("a", "one more")
    with pytest.raises(FullError):
        pool.submit("a", "too many")
    assert pool.seconds_to_wait() >= 1
    for answer in waiting:
        assert answer.cancel()
    assert pool.submit("a", "x").result(60) == "X"


def test_a_model_that_cannot_be_loaded_is_an_error():
    pool = PhotoPool(prepare_badly, PhotoSettings(workers=1))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a warm process cannot begin: no such device"):
            pool.submit("a", "x").result(30)
    pool.stop()


def test_to_stop_waits_for_no_photo():
    pool = PhotoPool(prepare, PhotoSettings(workers=1))
    pool.submit("a", "x").result(30)
    running, waiting = pool.submit("a", "stand still"), pool.submit("a", "x")
    while not running.running():
        time.sleep(0.01)
    stopping = threading.Thread(target=pool.stop)
    stopping.start()
    stopping.join(20)
    assert not stopping.is_alive()
    assert isinstance(running.exception(), FullError)
    with pytest.raises((CancelledError, FullError)):
        waiting.result(0)


def test_the_time_to_wait_is_not_read_while_the_queue_changes():
    pool = PhotoPool(prepare, PhotoSettings(workers=1))
    with pool._lock:
        asking = threading.Thread(target=pool.seconds_to_wait)
        asking.start()
        asking.join(0.2)
        assert asking.is_alive()
    asking.join(10)
    assert not asking.is_alive()
    pool.stop()
