"""One training by many workers, which ends as that of a single one would.

The batches, the ramp of gamma, the restarts and the checkpoints are those of one
worker: each replica of the network has its rows of every batch, and all make the same
update. The first process is the chief, and it alone writes.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from fruits.errors import RefusedError, received


class Workers:
    """Those who train together; as it stands, one device of one process.

    Attributes:
        replicas: How many of them there are, in all processes.
        processes: The number of processes.
        process: The number of this one.
    """

    replicas = 1
    processes = 1
    process = 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes."""
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Within it, what is made and trained belongs to all of them."""
        return contextlib.nullcontext()

    def fit(self, model: keras.Model, batches: Any, **how: Any) -> None:
        """Trains as `model.fit` does."""
        model.fit(batches, **how)

    def prepared(self, model: keras.Model) -> keras.Model:
        """A new model, whose layers see whole batches where they have a choice."""
        return model

    def as_alone(self, model: keras.Model) -> contextlib.AbstractContextManager[Any]:
        """Within it, the model is as a single device would have it."""
        return contextlib.nullcontext()

    def shared(self, batches: tf.data.Dataset) -> Any:
        """What this process has of batches that are shared evenly."""
        if self.processes == 1:
            return batches

        def own(rows: tf.Tensor) -> tf.Tensor:
            count = tf.shape(rows)[0] // self.processes
            return rows[self.process * count : (self.process + 1) * count]

        return batches.map(lambda *batch: tuple(map(own, batch)), tf.data.AUTOTUNE)

    def for_each(self, batches: tf.data.Dataset) -> Any:
        """What this process has of batches that each replica sees in whole."""
        times = self.replicas // self.processes
        return batches.map(
            lambda *batch: tuple(tf.repeat(rows, times, axis=0) for rows in batch)
        )

    def evaluated(self, batches: tf.data.Dataset, count: int, size: int) -> Any:
        """What this process has of pictures, so that metrics are those of them all.

        Args:
            batches: Of pictures and labels.
            count: The number of pictures.
            size: That in each batch but the last one.
        """
        if count % self.replicas == 0:
            return self.shared(batches)
        # What is left over can't be shared, and would count more than the rest if each
        # replica saw it: each sees all. Their batches fit into its memory.
        size //= self.replicas
        known = tf.data.experimental.assert_cardinality(math.ceil(count / size))
        return self.for_each(batches.rebatch(size).apply(known))

    def from_chief(self, value: Any) -> Any:
        """The value that the chief has; if it is a refusal, that is raised."""
        return value

    @contextlib.contextmanager
    def telling_refusals(self) -> Iterator[None]:
        """Within it the chief alone is at work, and the others ask `from_chief`."""
        try:
            yield
        except RefusedError as error:
            self.from_chief(error)
            raise

    def check_by_chief(self, check: Callable[[], None]) -> None:
        """Refuses in all processes what the chief refuses, which alone looks."""
        if self.is_chief:
            with self.telling_refusals():
                check()
        self.from_chief(None)

    def highest(self, number: int) -> int:
        """The highest of the numbers that the processes have."""
        return number

    def check_batch_size(self, size: int) -> None:
        """Refuses batches that can't be shared evenly.

        Raises:
            RefusedError: If some replicas would have more of a batch than others: the
                mean of theirs would not be that of the batch.
        """
        if size % self.replicas:
            raise RefusedError(
                f"data.batch_size: it is shared by {self.replicas} workers and must be "
                f"a multiple of {self.replicas}. {received(size)}"
            )

    def check_same(self, made_of: dict[str, Any]) -> None:
        """Refuses a training of which the workers have different ideas.

        Args:
            made_of: All that it follows from, by name.
        """
        of_chief = self.from_chief(made_of)
        others = [name for name in made_of if made_of[name] != of_chief.get(name)]
        if self.highest(len(others)):
            what = f"another {others[0]} than the first" if others else "the same"
            raise RefusedError(
                f"--workers: all workers must train the same, and one of them would "
                f"not; this one ({self.process} of {self.processes}) has {what}"
            )


class Alone(Workers):
    """One device."""
