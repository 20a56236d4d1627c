import threading
import warnings

from atsal.jobs.warning_filter import ignore_warnings


def test_only_what_is_named_is_ignored_and_only_for_the_time():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        with ignore_warnings(UserWarning, message="known"), ignore_warnings(DeprecationWarning, module="elsewhere"):
            warnings.warn("known remark", UserWarning, stacklevel=1)
            warnings.warn("other remark", UserWarning, stacklevel=1)
            warnings.warn("known remark", DeprecationWarning, stacklevel=1)
        assert list(warnings.filters) == before
    assert [(str(w.message), w.category) for w in heard] == [
        ("other remark", UserWarning),
        ("known remark", DeprecationWarning),
    ]


def test_threads_in_turn_leave_nothing():
    """One begins, the other begins, one ends, the other ends: with `catch_warnings`, that leaves a filter behind."""
    before, second_began, first_ended = list(warnings.filters), threading.Event(), threading.Event()

    def second():
        with ignore_warnings(UserWarning):
            second_began.set()
            first_ended.wait(5)

    thread = threading.Thread(target=second)
    with ignore_warnings(UserWarning):
        thread.start()
        second_began.wait(5)
    first_ended.set()
    thread.join()
    assert list(warnings.filters) == before


def test_a_copy_that_another_thread_made_meanwhile_is_cleaned_too():
    before = list(warnings.filters)
    silent = ignore_warnings(UserWarning)
    with warnings.catch_warnings():
        silent.__enter__()
        with warnings.catch_warnings():
            silent.__exit__(None, None, None)
            assert list(warnings.filters) == before
        assert list(warnings.filters) == before
