"""TensorBoard's event files, record by record, and the runs in Keras's logs."""

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_momentum.comparison._runs import Run

# The folders in which Keras's callback writes.
PARTS = ("train", "validation")


def files_in(folder: Path) -> list[Path]:
    """The event files in a folder, by name."""
    return sorted(folder.glob("events.out.tfevents.*"))


def is_logged(folder: Path) -> bool:
    """Whether Keras's TensorBoard callback has logged a training into a folder."""
    return bool(files_in(folder / "train"))


def events_of(file: Path) -> Iterator[Any]:
    """The events in a file.

    Warns where the last one is cut off, as in the file of a process that was killed.

    Raises:
        ValueError: If the file is damaged.
    """
    import tensorflow as tf
    from tensorboard.compat.proto.event_pb2 import Event

    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            yield Event.FromString(record)
    except tf.errors.DataLossError as error:
        if "truncated" not in str(error):
            raise ValueError(
                f"{file} is damaged; delete the folder of that run, or get the file "
                "from a copy."
            ) from error
        warnings.warn(f"{file} is cut off; what it has is read.", stacklevel=2)


def as_record(content: bytes) -> bytes:
    """An event as it stands in a file."""
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    length = struct.pack("<Q", len(content))
    parts = (length, masked_crc32c(length), content, masked_crc32c(content))
    return b"".join(
        part if isinstance(part, bytes) else struct.pack("<I", part) for part in parts
    )


def runs_from_logs(folder: Path, name: str, seed: int) -> list[Run]:
    """The runs from the logs of Keras's TensorBoard callback in a folder.

    Args:
        folder: The folder.
        name: The name that a run gets; a second training gets the name and " (2)".
        seed: The seed that a run gets.

    Raises:
        ValueError: If a file is damaged.
    """
    trainings = _trainings(folder)
    found = [
        _run(scalars, name if number == 0 else f"{name} ({number + 1})", seed)
        for number, scalars in enumerate(trainings)
    ]
    return [run for run in found if run.steps]


# Time and value by name and epoch.
_Scalars = dict[str, dict[int, tuple[float, float]]]
_UPDATES = "updates, of which epoch is not said"


def _trainings(folder: Path) -> list[_Scalars]:
    """What each training has logged; one that was continued is one."""
    trainings: list[_Scalars] = []
    for scalars in _by_time(folder / "train", ""):
        epochs = {epoch for values in scalars.values() for epoch in values}
        last = max((max(x) for t in trainings[-1:] for x in t.values()), default=-1)
        if min(epochs) > last >= 0:
            _add(trainings[-1], scalars)
        else:
            trainings.append(scalars)
    # While a training validates, its last epoch has not been logged.
    ends = [_times(scalars)[-1] for scalars in trainings]
    for scalars in _by_time(folder / "validation", "val_"):
        begin = _times(scalars)[0]
        later = [number for number, end in enumerate(ends) if end >= begin]
        if trainings:
            _add(trainings[later[0] if later else -1], scalars)
    return trainings


def _run(scalars: _Scalars, name: str, seed: int) -> Run:
    updates = [int(value) for _, value in scalars.pop(_UPDATES, {}).values()]
    named = {tag: values for tag, values in scalars.items() if values}
    epochs = sorted({epoch for values in named.values() for epoch in values})
    train = [x for tag, x in named.items() if not tag.startswith("val_")]
    times = [
        next((values[epoch][0] for values in train if epoch in values), None)
        for epoch in epochs
    ]
    known = [time for time in times if time is not None]
    return Run(
        name=name,
        seed=seed,
        history={
            tag: [values[epoch][1] if epoch in values else None for epoch in epochs]
            for tag, values in named.items()
        },
        steps=updates if len(updates) == len(epochs) else [x + 1 for x in epochs],
        seconds=[(known[0] if x is None else x) - known[0] for x in times],
    )


def _by_time(folder: Path, prefix: str) -> list[_Scalars]:
    """The scalars of each file that has any, in the order of their times."""
    found = [_scalars(file, prefix) for file in files_in(folder)]
    return sorted((each for each in found if each), key=lambda x: _times(x)[0])


def _scalars(file: Path, prefix: str) -> _Scalars:
    from tensorboard.util import tensor_util

    found: _Scalars = {}
    for event in events_of(file):
        for value in event.summary.value:
            number = tensor_util.make_ndarray(value.tensor)
            if value.tag == "evaluation_loss_vs_iterations":
                updates = found.setdefault(_UPDATES, {})
                updates[len(updates)] = (event.wall_time, float(event.step))
            elif value.tag.startswith("epoch_") and number.size == 1:
                values = found.setdefault(prefix + value.tag.removeprefix("epoch_"), {})
                values[event.step] = (event.wall_time, float(number))
    return found


def _add(training: _Scalars, more: _Scalars) -> None:
    for tag, values in more.items():
        mine = training.setdefault(tag, {})
        if tag == _UPDATES:
            values = {len(mine) + place: value for place, value in values.items()}
        mine.update(values)


def _times(scalars: _Scalars) -> list[float]:
    return sorted(time for values in scalars.values() for time, _ in values.values())
