"""What is recorded of the epochs, and what it says of a run."""

import math
from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from fruits.records import Records
from tests.once import once

pytestmark = once


def records(folder: Path, *losses: tuple[float, float]) -> Records:
    found = Records(folder, [])
    for number, (loss, val_loss) in enumerate(losses):
        accuracy = number / 100
        found.add({"loss": loss, "val_loss": val_loss, "val_accuracy": accuracy})
    found.close()
    return found


@pytest.mark.parametrize(
    ("losses", "has_diverged", "is_broken_off", "best"),
    [
        ([], False, False, None),
        ([(1.0, 1.0), (1.0, 1.0)], False, False, 2),
        ([(math.nan, math.nan)], True, True, None),
        ([(1.0, 1.0), (math.inf, 1.0)], True, True, 1),
        # In float16 a validation may overflow, and the next one not.
        ([(1.0, 1.0), (1.0, math.inf)], True, False, 1),
        ([(1.0, math.nan), (1.0, 1.0)], False, False, 2),
    ],
)
def test_a_run_has_diverged_if_it_ends_so(
    losses: list[tuple[float, float]],
    has_diverged: bool,
    is_broken_off: bool,
    best: int | None,
    tmp_path: Path,
) -> None:
    found = records(tmp_path, *losses)
    assert (found.has_diverged, found.is_broken_off) == (has_diverged, is_broken_off)
    assert found.best_epoch == best


def test_a_full_disk_is_an_oserror_for_tensorboard_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "events: No space left")

    found = Records(tmp_path, [])
    monkeypatch.setattr(EventFileWriter, "flush", full)
    with pytest.raises(OSError, match="^events: No space left$"):
        found.add({"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5})
