"""Processes that work side by side."""

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any


@contextlib.contextmanager
def workers(count: int | None = None) -> Iterator[Executor]:
    """Processes that all end with the script, however it ends.

    Args:
        count: How many. Defaults to the number of cores.
    """
    pool = _Pool(count, multiprocessing.get_context("spawn"))
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Pool(ProcessPoolExecutor):
    # TensorFlow can't be forked: spawned processes inherit what is ignored, no more.
    def submit(self, *args: Any, **kwargs: Any) -> Any:
        # Ctrl-C reaches all of them, and is the business of the script alone.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return super().submit(*args, **kwargs)
        finally:
            signal.signal(signal.SIGINT, before)
