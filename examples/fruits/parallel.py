"""A function of many things, in several threads, with the results in order."""

import collections
import concurrent.futures
import os
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")
# Each may hold a photo of hundreds of megabytes.
_MOST_THREADS = 8


def in_order(
    function: Callable[[Thing], Result],
    things: Iterable[Thing],
    at_hand: Iterable[Result | None],
) -> Generator[Result, None, None]:
    """Like `map`, in threads; only a few results wait to be taken.

    (`Executor.map` would have all of them in memory.)

    Args:
        function: Makes a result of a thing.
        things: The things.
        at_hand: As many results that need not be made, and `None` for the others.
    """
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    waiting: collections.deque[concurrent.futures.Future[Result]] = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        try:
            for thing, known in zip(things, at_hand, strict=True):
                if known is None:
                    waiting.append(pool.submit(function, thing))
                else:
                    waiting.append(concurrent.futures.Future())
                    waiting[-1].set_result(known)
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
