"""Momentum in the logs, where History, CSVLogger and TensorBoard show it."""

from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.callbacks.momentum_board import MomentumBoard
from keras_momentum.callbacks.momentum_optimizers import in_logs, momentum_optimizers
from keras_momentum.callbacks.observed_step import observed_step
from keras_momentum.optimizers import MomentumOptimizer


class MomentumMonitor(keras.callbacks.Callback):
    """Writes what momentum does into the logs, and to TensorBoard.

    | in the logs | what it is |
    |---|---|
    | `gamma`, `learning_rate` | those of the next update |
    | `effective_learning_rate` | η/(1 − γ); η for `MomentumAdam` |
    | `velocity_norm` | the norm of v over all weights |
    | `update_ratio` | the norm of the last update over that of the weights |
    | `cosine` | of gradient and velocity; below 0 the velocity points uphill |
    | `restarts`, `skipped_steps` | their numbers |

    Every `every_n_steps`-th step measures its update, and only then does the callback
    look at it. The progress bar, `History` and what stands after this callback in the
    list see the logs. TensorBoard gets them wherever the callback stands, as it has a
    writer of its own: with `log_dir` there is a *Momentum* group under Scalars, and a
    page of charts under Custom Scalars, in which runs lie over each other.

    All other steps are what they are without it. The step that measures is traced, and
    compiled, beside them when it is first needed.

    Args:
        every_n_steps: An integer >= 1. Defaults to `100`, and not more than an epoch.
        log_dir: `None` or the folder of the run, that of `keras.callbacks.TensorBoard`
            for example; its subfolder `momentum` is written to. Needs TensorFlow and
            TensorBoard, on every backend. Defaults to `None`.
        per_layer: Whether to write the velocity's norm, and that relative to the
            weight's, for each weight after each epoch. Defaults to `False`.
        histograms: Whether to write histograms of velocities after each epoch. Defaults
            to `False`.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(learning_rate=0.01), loss="mse")
    >>> monitor = keras_momentum.callbacks.MomentumMonitor()
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[monitor])
    >>> [round(rate, 3) for rate in history.history["effective_learning_rate"]]
    [0.1, 0.1]
    """

    # `on_train_batch_end` reads numbers of Python only.
    async_safe = True

    def __init__(
        self,
        every_n_steps: int = 100,
        log_dir: str | Path | None = None,
        per_layer: bool = False,
        histograms: bool = False,
    ):
        super().__init__()
        self.every_n_steps = arguments.integer(
            "every_n_steps", every_n_steps, minimum=1
        )
        self.log_dir = log_dir
        self.per_layer = arguments.boolean("per_layer", per_layer)
        self.histograms = arguments.boolean("histograms", histograms)
        if log_dir is None and (per_layer or histograms):
            raise ValueError(
                "Argument `log_dir` must be a folder if `per_layer` or `histograms` is "
                "True. Received: log_dir=None"
            )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        momentum_optimizers(self.model)
        self._board = MomentumBoard(self.log_dir) if self.log_dir else None
        self._step = observed_step(self)
        self._batches_per_call = getattr(self.model, "steps_per_execution", 1)
        # Of accumulated gradients only the last batch makes an update.
        self._batches_to_watch = max(
            optimizer.gradient_accumulation_steps or 1
            for optimizer in momentum_optimizers(self.model)
        )
        steps = self.params.get("steps") or self.every_n_steps
        self._begin_watching_at = (
            min(self.every_n_steps, steps) - self._batches_to_watch + 1
        )
        self._batches_since = 0
        self._values: dict[str, float] = {}

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # Only counted: on JAX each look at the model costs time.
        watched = self._batches_since - self._begin_watching_at + 1
        if watched >= self._batches_to_watch:
            self._read()
        self._batches_since += self._batches_per_call
        self._step.observe(self._batches_since >= self._begin_watching_at)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if logs is not None:
            logs.update(self._values)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._read()
        if logs is not None:
            logs.update(self._values)
        if self._board is not None:
            optimizers = momentum_optimizers(self.model)
            for optimizer in optimizers:
                if self.per_layer:
                    self._board.write_norms(optimizer)
                if self.histograms:
                    self._board.write_histograms(optimizer)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._step.end()
        if self._board is not None:
            self._board.close()

    def _read(self) -> None:
        self._batches_since = 0
        optimizers = momentum_optimizers(self.model)
        # A new dictionary, as `on_train_batch_end` may run beside this.
        self._values = {
            in_logs(name, optimizer, optimizers): value
            for optimizer in optimizers
            for name, value in _measured(optimizer).items()
        }
        if self._board is not None:
            step = int(ops.convert_to_numpy(optimizers[0].iterations))
            self._board.write(self._values, step)


def _measured(optimizer: MomentumOptimizer) -> dict[str, float]:
    """The values of an optimizer by their names in the logs."""
    seen = optimizer.observation()
    values = {
        "gamma": float(ops.convert_to_numpy(optimizer.gamma)),
        "learning_rate": float(ops.convert_to_numpy(optimizer.learning_rate)),
        "effective_learning_rate": optimizer.effective_learning_rate,
    }
    if seen.observed:
        values |= {
            "velocity_norm": seen.velocity_norm,
            "update_ratio": seen.update_ratio,
            "cosine": seen.cosine,
        }
    counts = {"restarts": optimizer.restarts, "skipped_steps": optimizer.skipped_steps}
    return values | {name: float(count) for name, count in counts.items()}
