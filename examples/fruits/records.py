"""What is recorded of each epoch, as history.csv and for TensorBoard."""

import csv
import math
import time
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from fruits.file_errors import as_os_errors
from fruits.whole_files import written_whole

BEST_BY = "val_accuracy"
_VALIDATION = "val_"


class Records:
    """The logs of all epochs, and the files that follow from them.

    When a run goes on, its files are made anew from what it had recorded. So they have
    no gap and nothing twice, which Keras's TensorBoard and CSVLogger could not know.

    Args:
        folder: Where the files are.
        epochs: What was recorded before: for each epoch its logs, and the time at which
            it ended in seconds since 1970.

    Attributes:
        epochs: What is recorded.
        folder: Where the files are.
    """

    def __init__(self, folder: Path, epochs: list[dict[str, Any]]):
        self.epochs = list(epochs)
        self.folder = folder
        old = list(folder.glob("*/events.out.tfevents.*"))
        with as_os_errors():
            self._writers = {
                part: EventFileWriter(str(folder / part))
                for part in ("train", "validation")
            }
        for epoch, record in enumerate(self.epochs):
            self._log(epoch, record)
        self._flush()
        for file in old:
            file.unlink()

    @property
    def history(self) -> dict[str, list[float]]:
        """The logs of the epochs by name, as `fit` returns them."""
        names = self.epochs[0]["logs"] if self.epochs else {}
        return {name: [epoch["logs"][name] for epoch in self.epochs] for name in names}

    @property
    def is_best(self) -> bool:
        """Whether the last epoch is finite and has the best accuracy so far."""
        *before, last = [epoch["logs"] for epoch in self.epochs]
        return _is_finite(last) and all(
            last[BEST_BY] > logs[BEST_BY] for logs in before if _is_finite(logs)
        )

    @property
    def best_epoch(self) -> int | None:
        """The number of the best epoch, from 1; `None` if none was finite."""
        finite = [
            (-epoch["logs"][BEST_BY], number)
            for number, epoch in enumerate(self.epochs, start=1)
            if _is_finite(epoch["logs"])
        ]
        return min(finite)[1] if finite else None

    @property
    def has_diverged(self) -> bool:
        """Whether a loss of the last epoch is not finite."""
        return bool(self.epochs) and not _is_finite(self.epochs[-1]["logs"])

    @property
    def is_broken_off(self) -> bool:
        """Whether the training has ended, as its loss was not finite.

        Where that is so of the validation loss alone, it goes on.
        """
        return bool(self.epochs) and not math.isfinite(self.epochs[-1]["logs"]["loss"])

    def add(self, logs: dict[str, Any]) -> None:
        """Adds the logs of an epoch."""
        values = {name: float(value) for name, value in logs.items()}
        self.epochs.append({"time": time.time(), "logs": values})
        self._log(len(self.epochs) - 1, self.epochs[-1])
        self._flush()

    def close(self) -> None:
        """Ends the files."""
        with as_os_errors():
            for writer in self._writers.values():
                writer.close()

    @as_os_errors()
    def _log(self, epoch: int, record: dict[str, Any]) -> None:
        for name, value in record["logs"].items():
            part = "validation" if name.startswith(_VALIDATION) else "train"
            tag = f"epoch_{name.removeprefix(_VALIDATION)}"
            scalar = Summary.Value(tag=tag, simple_value=value)
            self._writers[part].add_event(
                Event(
                    wall_time=record["time"],
                    step=epoch,
                    summary=Summary(value=[scalar]),
                )
            )

    @as_os_errors()
    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()
        history = self.history
        with (
            written_whole(self.folder / "history.csv") as beside,
            beside.open("w", newline="", encoding="utf-8") as opened,
        ):
            table = csv.writer(opened, lineterminator="\n")
            table.writerow(["epoch", *history])
            for epoch, record in enumerate(self.epochs):
                table.writerow([epoch, *record["logs"].values()])


def _is_finite(logs: dict[str, float]) -> bool:
    return math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])
