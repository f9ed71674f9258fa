"""Momentum in the logs, where History, CSVLogger and TensorBoard show it."""

import math
from pathlib import Path
from typing import Any

from keras_momentum import arguments
from keras_momentum._numbers import number
from keras_momentum.callbacks._callback import MomentumCallback, in_logs, named_among
from keras_momentum.callbacks._momentum_board import MomentumBoard
from keras_momentum.callbacks._moving_readings import MovingReadings
from keras_momentum.optimizers import MomentumOptimizer


class MomentumMonitor(MomentumCallback):
    """Writes what momentum does into the logs, and to TensorBoard.

    | in the logs | what it is |
    |---|---|
    | `gamma`, `learning_rate` | those of the next update |
    | `weight_decay`, `beta_2`, ... | likewise every other hyper-parameter that moves |
    | `effective_learning_rate` | that of the optimizer: η/(1 − γ) for `Momentum` |
    | `velocity_norm` | the norm of v over all weights |
    | `update_ratio` | the norm of the last update over that of the weights |
    | `cosine` | of gradient and velocity; below 0 the velocity points uphill |
    | `restarts`, `skipped_steps` | their numbers |

    A hyper-parameter moves if a schedule, a ramp or a plan decides it, or if it is not
    what it was when the fit began; from then on it stays in the logs. One of several
    numbers has a key for each, `weights_0`, `weights_1` and so on.

    An epoch in which no update was measured has NaN in the place of the measures, and
    the first one is told by a warning, with the reason.

    Every `every_n_steps`-th step measures its update, and only then does the callback
    look at it. The progress bar, `History` and what stands after this callback in the
    list see the logs. TensorBoard gets them wherever the callback stands, as it has a
    writer of its own: with `log_dir` there is a *Momentum* group under Scalars, and a
    page of charts under Custom Scalars, in which runs lie over each other.

    All other steps are what they are without it. The step that measures is traced, and
    compiled, beside them when it is first needed.

    Args:
        every_n_steps: An integer >= 1. Defaults to `100`, and not more than an epoch;
            where `fit` does not know how long that is, the steps 1, 3, 7, 15, ... of
            each epoch are measured until the distance is `every_n_steps`.
        log_dir: `None` or the folder of the run, that of `keras.callbacks.TensorBoard`
            for example; its subfolder `momentum` is written to. Needs TensorFlow and
            TensorBoard, on every backend. Defaults to `None`.
        per_layer: Whether to write the velocity's norm, and that relative to the
            weight's, for each weight after each epoch. Defaults to `False`.
        histograms: Whether to write histograms of velocities after each epoch. Defaults
            to `False`.
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma.

    Example:

    >>> import keras
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

    _observes = True
    # `on_train_batch_end` reads numbers of Python only.
    async_safe = True

    def __init__(
        self,
        every_n_steps: int = 100,
        log_dir: str | Path | None = None,
        per_layer: bool = False,
        histograms: bool = False,
        optimizer: Any = None,
    ):
        super().__init__(optimizer)
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
        super().on_train_begin(logs)
        self._board = MomentumBoard(self.log_dir) if self.log_dir else None
        self._values: dict[str, float] = {}
        self._moving = {id(each): MovingReadings(each) for each in self._optimizers()}
        self._is_length_known = self._params.get("steps") is not None

    def _begin(self, epoch: int) -> None:
        optimizers = self._optimizers()
        self._among = named_among(self.model, optimizers)
        self._batches_per_call = getattr(self.model, "steps_per_execution", 1)
        # Of accumulated gradients only the last batch makes an update.
        self._batches_to_observe = max(
            optimizer.gradient_accumulation_steps or 1 for optimizer in optimizers
        )
        for optimizer in optimizers:
            # Another one, if the model was compiled again.
            self._moving.setdefault(id(optimizer), MovingReadings(optimizer))
        # Counts of observed updates when they were last looked at.
        self._looked_at = {
            id(optimizer): optimizer.observation().observed for optimizer in optimizers
        }

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._batches_since = 0
        length = self._params["steps"] if self._is_length_known else 1
        self._interval = max(min(self.every_n_steps, length), self._batches_to_observe)

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_begin(batch, logs)
        # Only counted: on JAX each look at the model costs time.
        if self._batches_since >= self._interval:
            self._read()
            if not self._is_length_known:
                self._interval = min(self.every_n_steps, 2 * self._interval)
                self._interval = max(self._interval, self._batches_to_observe)
        self._batches_since += self._batches_per_call
        if self._lease is not None:
            begin = self._interval - self._batches_to_observe + 1
            self._lease.is_observing = self._batches_since >= begin

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if logs is not None:
            logs.update(self._values)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._read()
        super().on_epoch_end(epoch, logs)
        optimizers = self._optimizers()
        for optimizer, before in zip(optimizers, self._before, strict=False):
            if self._counts(optimizer)[-1] == before[-1]:
                # Nothing of this epoch: rather a gap than what is old. And an epoch
                # that is shorter than `fit` said is no reason for another one.
                self._is_length_known = False
                for name in _MEASURES:
                    key = in_logs(name, optimizer, self._among)
                    if key in self._values:
                        self._values[key] = math.nan
        if logs is not None:
            logs.update(self._values)
        if self._board is not None:
            for optimizer in optimizers:
                if self.per_layer:
                    self._board.write_norms(optimizer)
                if self.histograms:
                    self._board.write_histograms(optimizer)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_end(logs)
        if self._board is not None:
            self._board.close()

    def _counts(self, optimizer: MomentumOptimizer) -> list[int]:
        return [*super()._counts(optimizer), optimizer.observation().observed]

    def _read(self) -> None:
        self._batches_since = 0
        optimizers = self._optimizers()
        # A new dictionary, as `on_train_batch_end` may run beside this.
        values = {}
        for optimizer in optimizers:
            before = self._looked_at.get(id(optimizer), 0)
            found = _measured(optimizer, before)
            if id(optimizer) in self._moving:
                found |= self._moving[id(optimizer)].readings()
            for name, value in found.items():
                values[in_logs(name, optimizer, self._among)] = value
        self._values = values
        if self._board is not None:
            step = int(number(optimizers[0].iterations))
            self._board.write(self._values, step)


_MEASURES = ("velocity_norm", "update_ratio", "cosine")


def _measured(optimizer: MomentumOptimizer, before: int) -> dict[str, float]:
    """The values of an optimizer by their names in the logs.

    Args:
        optimizer: The optimizer.
        before: How many updates had been observed before the fit.
    """
    observation = optimizer.observation()
    values = {
        "gamma": number(optimizer.gamma),
        "learning_rate": number(optimizer.learning_rate),
        "effective_learning_rate": optimizer.effective_learning_rate,
    }
    if observation.observed > before:
        values |= {name: getattr(observation, name) for name in _MEASURES}
    counts = {"restarts": optimizer.restarts, "skipped_steps": optimizer.skipped_steps}
    return values | {name: float(count) for name, count in counts.items()}
