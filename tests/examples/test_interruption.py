"""Signals that are noted, and raised where a run can be saved."""

import os
import signal

import pytest

from fruits.errors import Terminated
from fruits.interruption import Interruption
from tests.once import once

pytestmark = once


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def noted(number: int, error: Exception | None = None) -> None:
    with Interruption(int) as interruption:
        send(number)
        assert interruption.request() == number
        if error:
            raise error


@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)],
)
def test_what_nobody_asked_for_is_raised_at_the_end(
    number: int, raised: type[BaseException]
) -> None:
    """A signal after the last batch would else be lost."""
    before = signal.getsignal(number)
    with pytest.raises(raised):
        noted(number)
    assert signal.getsignal(number) is before


def test_an_error_is_not_replaced_by_a_signal() -> None:
    with pytest.raises(OSError, match="full"):
        noted(signal.SIGTERM, OSError("full"))


def test_what_is_ignored_stays_ignored() -> None:
    """A script lets what it starts in the background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption(int) as interruption:
            send(signal.SIGINT)
            assert not interruption.request()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_is_noted_though_nobody_reads() -> None:
    """As the same Ctrl-C ends the `tee` of `2>&1 | tee log`."""
    reader, writer = os.pipe()
    os.close(reader)
    outputs = {number: os.dup(number) for number in (1, 2)}
    try:
        for number in outputs:
            os.dup2(writer, number)
        with pytest.raises(KeyboardInterrupt):
            noted(signal.SIGINT)
    finally:
        for number, output in outputs.items():
            os.dup2(output, number)
            os.close(output)
        os.close(writer)
