"""What `fit` does, for TensorFlow's MultiWorkerMirroredStrategy.

Keras 3.15's own fails there (keras#20585): "unsupported type PerReplica".
"""

from typing import Any

import keras
import tensorflow as tf

from fruits.checkpoint import make_metrics


def fit_by_loop(
    model: keras.Model,
    strategy: tf.distribute.Strategy,
    batches: Any,
    *,
    epochs: int,
    initial_epoch: int,
    steps_per_epoch: int,
    validation_data: Any,
    callbacks: list[keras.callbacks.Callback],
    verbose: int,
) -> None:
    """Trains a compiled model, by its own `train_step`.

    Args:
        model: Made in the scope of the strategy.
        strategy: Of `tf.distribute`.
        batches: Endless, distributed.
        epochs: The number of the last one.
        initial_epoch: How many are over.
        steps_per_epoch: Batches in an epoch.
        validation_data: Distributed batches.
        callbacks: As for `fit`.
        verbose: As for `fit`.
    """

    def make_train_function(force: bool = False) -> None:
        if force or model.train_function is None:
            train = _logged(model, strategy, model.train_step)
            model.train_function = lambda pictures: train(next(pictures))

    # A step that makes variables fails where a process has several devices.
    make_metrics(model)
    # Callbacks may put something around the function, or ask for it anew.
    model.make_train_function = make_train_function
    model.make_train_function(force=True)
    test = _logged(model, strategy, model.test_step)
    listed = keras.callbacks.CallbackList(
        callbacks,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps_per_epoch,
        model=model,
    )
    model.stop_training = False
    listed.on_train_begin()
    pictures = iter(batches)
    logs: dict[str, Any] = {}
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        listed.on_epoch_begin(epoch)
        for step in range(steps_per_epoch):
            listed.on_train_batch_begin(step)
            logs = model.train_function(pictures)
            listed.on_train_batch_end(step, logs)
            if model.stop_training:
                break
        logs = {**logs, **_validated(model, test, validation_data, listed)}
        listed.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    listed.on_train_end(logs)


def _validated(
    model: keras.Model, test: Any, batches: Any, callbacks: keras.callbacks.CallbackList
) -> dict[str, Any]:
    """The metrics of the validation, with their names in the logs."""
    callbacks.on_test_begin()
    model.reset_metrics()
    logs: dict[str, Any] = {}
    for step, batch in enumerate(batches):
        callbacks.on_test_batch_begin(step)
        logs = test(batch)
        callbacks.on_test_batch_end(step, logs)
    callbacks.on_test_end(logs)
    return {f"val_{name}": value for name, value in logs.items()}


def _logged(model: keras.Model, strategy: tf.distribute.Strategy, step: Any) -> Any:
    """A step of all workers on the next batch, that returns the metrics so far."""

    @tf.function
    def compiled(batch: Any) -> dict[str, tf.Tensor]:
        strategy.run(step, args=(batch,))
        logs: dict[str, tf.Tensor] = model.get_metrics_result()
        return logs

    def logged(batch: Any) -> dict[str, float]:
        return {name: float(value) for name, value in compiled(batch).items()}

    return logged
