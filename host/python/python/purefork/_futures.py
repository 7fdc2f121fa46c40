"""Futures as `concurrent.futures` sees them, and functions of many."""

import concurrent.futures
import concurrent.futures._base as _base

from ._errors import make
from ._purefork import Completed, Future, Promise


class Real(concurrent.futures.Future):
    """What `isinstance` sees in a purefork.Future: one of `concurrent.futures`. None is ever made."""


class Mirror:
    """What `concurrent.futures.wait` and `as_completed` look at in a future, made when they first do: its condition, state and waiters."""

    def __init__(self):
        import threading

        self._condition = threading.Condition()
        self._state = _base.PENDING
        self._waiters = []
        self._done_callbacks = []

    def follow(self, future):
        future.add_done_callback(self._finish)

    def _finish(self, future):
        with self._condition:
            error = None if future.cancelled() else future.exception()
            self._state = _base.CANCELLED_AND_NOTIFIED if future.cancelled() else _base.FINISHED
            for waiter in self._waiters:
                if future.cancelled():
                    waiter.add_cancelled(future)
                elif error is not None:
                    waiter.add_exception(future)
                else:
                    waiter.add_result(future)
            self._condition.notify_all()


def as_completed(futures, timeout=None):
    """An iterator of the futures, in the order in which they complete."""
    return Completed(futures, timeout)


def _ours(futures):
    futures = list(futures)
    for future in futures:
        if not isinstance(future, Future):
            raise TypeError(f"expected purefork.Future, but was given {type(future).__name__}")
    return futures


def collect_all(futures):
    """A future of the list of all futures: complete once each is, with a value or an error."""
    import threading

    futures = _ours(futures)
    promise, lock = Promise(), threading.Lock()
    if not futures:
        promise.set([])
        return promise.future
    left = len(futures)

    def arrived(_):
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if last:
            _complete(promise, futures)

    for future in futures:
        future.add_done_callback(arrived)
    return promise.future


def collect_any(futures):
    """A future with the result, value or error, of the first of the futures to complete."""
    return _race(futures, lambda future: True)


def first_ok(futures):
    """A future with the value of the first of the futures to succeed; if none does, with the error of the last to fail."""
    return _race(futures, lambda future: not future.cancelled() and future.exception() is None)


def _race(futures, wins):
    import threading

    futures = _ours(futures)
    if not futures:
        raise make("Invalid", "expected at least one future, but was given none")
    promise, lock = Promise(), threading.Lock()
    left, over = len(futures), False

    def arrived(future):
        nonlocal left, over
        wins_now = wins(future)
        with lock:
            left -= 1
            decides = not over and (wins_now or left == 0)
            over = over or decides
        if decides:
            try:
                value = future.value()
            except Exception as error:
                _complete(promise, error, failed=True)
            else:
                _complete(promise, value)

    for future in futures:
        future.add_done_callback(arrived)
    return promise.future


def _complete(promise, value, failed=False):
    """Completes a promise whose future may have been cancelled meanwhile."""
    try:
        promise.fail(value) if failed else promise.set(value)
    except concurrent.futures.InvalidStateError:
        pass


__all__ = ["Future", "Mirror", "Real", "as_completed", "collect_all", "collect_any", "first_ok"]
