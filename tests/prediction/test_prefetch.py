import gc
import threading
import time

import pytest

from atsal.prediction.prefetch import batched, prefetch, take


def stages():
    return [thread for thread in threading.enumerate() if thread.name == "stage"]


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


class Source:
    """Counts what is taken from it, and knows when it was closed."""

    def __init__(self, count, fail_at=None):
        self.taken, self.closed = 0, False
        self.count, self.fail_at = count, fail_at

    def __iter__(self):
        try:
            for number in range(self.count):
                if number == self.fail_at:
                    raise OSError(f"item {number}")
                self.taken += 1
                yield number
        finally:
            self.closed = True


def test_order_is_kept_through_several_stages():
    doubled = (2 * x for x in prefetch(Source(100), 3))
    assert list(prefetch(doubled, 2)) == [2 * x for x in range(100)]
    assert not stages()


def test_what_is_left_is_closed():
    source = Source(100)
    assert list(take(source, 3)) == [0, 1, 2]
    assert (source.taken, source.closed) == (3, True)
    assert list(take(Source(2), 3)) == [0, 1]


def test_a_fast_stage_waits_for_a_slow_one():
    source = Source(1000)
    results = prefetch(source, 4)
    next(results)
    time.sleep(0.1)
    assert source.taken <= 1 + 4 + 1  # what was given out, what waits, and one in hand
    results.close()


def test_stages_run_at_the_same_time():
    inside, together = 0, 0
    lock = threading.Lock()

    def work(items):
        nonlocal inside, together
        for item in items:
            with lock:
                inside += 1
                together = max(together, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1
            yield item

    assert len(list(work(prefetch(work(prefetch(work(iter(range(12))), 2)), 2)))) == 12
    assert together == 3


def test_an_error_comes_where_its_item_would():
    source = Source(10, fail_at=6)
    got = []
    with pytest.raises(OSError, match="item 6"):
        got.extend(prefetch((x for x in prefetch(source, 2)), 2))
    results = prefetch(Source(10, fail_at=6), 2)
    assert [next(results) for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(OSError, match="item 6"):
        next(results)
    assert not stages()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_when_the_last_stage_stops_all_do(error):
    source = Source(10**9)
    inner = (x for x in prefetch(source, 2))
    results = prefetch(inner, 2)

    def use():
        for number in results:
            if number == 5:
                raise error

    with pytest.raises(error):
        use()
    results.close()
    assert wait_until(lambda: source.closed)
    gc.collect()
    assert wait_until(lambda: not stages())
    assert source.taken < 20


def test_dropping_the_results_stops_the_stages():
    source = Source(10**9)
    results = prefetch(source, 2)
    next(results)
    del results
    gc.collect()
    assert wait_until(lambda: source.closed and not stages())


def test_nothing_starts_before_it_is_asked_for():
    source = Source(5)
    results = prefetch(source, 2)
    assert source.taken == 0
    assert not stages()
    assert list(results) == [0, 1, 2, 3, 4]


def test_groups_of_a_size_and_a_shorter_last_one():
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batched(range(6), 3)) == [[0, 1, 2], [3, 4, 5]]
    assert list(batched([], 3)) == []


def test_a_group_that_an_error_cuts_short_comes_before_it():
    groups = batched(Source(10, fail_at=5), 3)
    assert next(groups) == [0, 1, 2]
    assert next(groups) == [3, 4]
    with pytest.raises(OSError, match="item 5"):
        next(groups)


class Unopened:
    def __iter__(self):
        raise OSError("cannot be opened")


class Unclosed:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def close(self):
        raise OSError("cannot be closed")


@pytest.mark.parametrize(("source", "message"), [(Unopened, "cannot be opened"), (Unclosed, "cannot be closed")])
def test_a_source_that_fails_at_its_start_or_end_is_told(source, message):
    with pytest.raises(OSError, match=message):
        list(prefetch(source(), 2))
    assert not stages()


def test_stopping_computes_nothing_more():
    source = Source(10**9)
    results = prefetch(source, 1)
    next(results)
    assert wait_until(lambda: source.taken == 3)  # given out, waiting, and in hand
    results.close()
    assert source.taken == 3
