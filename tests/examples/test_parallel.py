"""Photos are read in several threads, in their order, and not all at once."""

import threading
import time

import pytest

from fruits.parallel import in_order
from tests.once import once

pytestmark = once


def test_results_come_in_order_and_few_wait() -> None:
    started: list[int] = []

    def slow_at_times(number: int) -> int:
        started.append(number)
        time.sleep(0.003 if number % 3 else 0.0)
        return number * number

    results = in_order(slow_at_times, range(200), [None] * 200)
    assert next(results) == 0
    assert len(started) < 40
    assert [0, *results] == [number * number for number in range(200)]


def test_an_error_ends_it_with_the_threads() -> None:
    def fail(number: int) -> int:
        raise RuntimeError(f"at {number}")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="at 0"):
        list(in_order(fail, range(100), [None] * 100))
    assert threading.active_count() <= before


def test_who_takes_no_more_stops_it() -> None:
    started: list[int] = []
    results = in_order(started.append, range(1000), [None] * 1000)
    next(results)
    results.close()
    assert len(started) < 100


def test_what_is_at_hand_is_not_made() -> None:
    at_hand = [None if number % 3 else -number for number in range(50)]
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    results = list(in_order(make, range(50), at_hand))
    assert results == [number if number % 3 else -number for number in range(50)]
    assert sorted(made) == [number for number in range(50) if number % 3]
