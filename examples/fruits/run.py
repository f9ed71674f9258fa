"""What a training run leaves behind."""

import dataclasses

import keras
import tensorflow as tf

from fruits.run_folder import RunFolder

FINISHED, INTERRUPTED, DIVERGED = "finished", "interrupted", "diverged"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run leaves behind.

    Attributes:
        folder: Where its files are.
        state: `FINISHED`, `INTERRUPTED` or `DIVERGED`.
        exit_code: That of the process: 0, 128 and the number of the signal, or 3.
        device: Where it was trained, in words.
        model: The model with the best weights; `None` if no epoch ended well.
        classes: The names of the classes.
        counts: The number of pictures in each split.
        left_out: Files that are no pictures, and why.
        history: The logs of each epoch, by name.
        best_epoch: The number of the epoch with the best weights, from 1.
        scores: The accuracy of the best weights on the validation and, if there is
            one, the test split.
        shown: The split whose pictures are shown, and its batches.
    """

    folder: RunFolder
    state: str
    exit_code: int
    device: str
    model: keras.Model | None
    classes: list[str]
    counts: dict[str, int]
    left_out: list[tuple[str, str]]
    history: dict[str, list[float]]
    best_epoch: int | None
    scores: dict[str, float]
    shown: tuple[str, tf.data.Dataset]

    def close(self) -> None:
        """Notes that nothing is left to be done, but for a run that was interrupted."""
        if self.state != INTERRUPTED:
            self.folder.end(self.state)
        self.folder.release()
