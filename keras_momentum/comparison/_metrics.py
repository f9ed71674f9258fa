"""Which metrics a model logs, and which way they get better."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.comparison._models import scope_of

MODES = ("auto", "min", "max")
_WAYS = {"up": "max", "down": "min"}


class Logged(NamedTuple):
    """What a model will log of training and validation.

    Attributes:
        directions: `"min"`, `"max"` or `None`, where it is not known, by the name in
            the logs, metrics before losses.
        vectors: The names of those that have more than one value.
        is_whole: Whether there is nothing else: a `train_step` or `test_step` of the
            model's own logs what it likes.
    """

    directions: dict[str, str | None]
    vectors: tuple[str, ...]
    is_whole: bool


def logged_by(model: keras.Model, batch: Any, is_validated: bool) -> Logged:
    """What a model will log, known without a step.

    Args:
        model: A compiled model.
        batch: A batch of its data.
        is_validated: Whether there are validation data.
    """
    # The metrics of a model exist once it has seen the shapes of a batch.
    with scope_of(model):
        model._symbolic_build(data_batch=batch)
    metrics, losses, vectors = {}, {}, []
    for name, metric, result in _results(model):
        if ops.ndim(result):
            vectors.append(name)
        elif isinstance(metric, _Loss):
            losses[name] = "min"
        else:
            metrics[name] = _WAYS.get(getattr(metric, "_direction", ""))
    both = {**metrics, **losses}
    prefixed = {f"val_{name}": way for name, way in both.items()}
    hyperparameters = dict.fromkeys(("gamma", "learning_rate"))
    return Logged(
        {**(prefixed if is_validated else {}), **both, **hyperparameters},
        (*vectors, *(f"val_{name}" for name in vectors)),
        not _logs_by_itself(model),
    )


def chosen_metric(metric: str | None, mode: str, logged: Logged) -> tuple[str, str]:
    """The metric that decides, and `"min"` or `"max"`.

    Args:
        metric: `None` or a name in the logs.
        mode: `"auto"`, `"min"` or `"max"`.
        logged: What is logged.

    Raises:
        ValueError: If there is no such metric, it is a vector, or its direction is
            neither known nor given.
    """
    arguments.one_of("mode", mode, MODES)
    directions = logged.directions
    if metric is None:
        metric = default_metric(list(directions))
    if metric in logged.vectors:
        raise ValueError(
            "Argument `metric` must be one number, not a vector; let the metric take "
            f'the mean, as by average="macro". Received: metric={metric!r}'
        )
    if metric not in directions and logged.is_whole:
        raise ValueError(
            f"Argument `metric` must be one of {', '.join(sorted(directions))}. "
            f"Received: metric={metric!r}"
        )
    return metric, direction(metric, mode, directions)


def default_metric(names: Sequence[str]) -> str:
    """The first metric of the validation, else its loss, else the loss.

    Args:
        names: The names of the logs, metrics before losses.

    Raises:
        ValueError: If there is no loss.
    """
    validation = [name for name in names if name.startswith("val_")]
    losses = [name for name in ("val_loss", "loss") if name in names]
    metrics = [name for name in validation if not name.endswith("loss")]
    for name in (*metrics, *losses):
        return name
    raise ValueError(
        f"Argument `metric` must be one of {', '.join(sorted(names))}, as there is no "
        "loss. Received: metric=None"
    )


def direction(metric: str, mode: str, known: Mapping[str, str | None]) -> str:
    """`"min"` or `"max"`; raises `ValueError` if it is neither given nor known.

    Args:
        metric: A name in the logs.
        mode: `"auto"`, `"min"` or `"max"`.
        known: The directions that are known, by the name in the logs.
    """
    arguments.one_of("mode", mode, MODES)
    if mode != "auto":
        return mode
    found = known.get(metric)
    if found is None and metric in ("loss", "val_loss"):
        found = "min"
    if found is None:
        raise ValueError(
            'Argument `mode` must be "min" or "max", as it is not known whether '
            f'metric={metric!r} should fall or grow. Received: mode="auto"'
        )
    return found


class _Loss(NamedTuple):
    """Stands for a loss among the metrics."""


def _results(model: keras.Model) -> Iterator[tuple[str, Any, Any]]:
    """The name in the logs, the metric and its value."""
    losses = [model._loss_tracker, *getattr(model._compile_loss, "metrics", [])]
    for metric in model.metrics:
        result = metric.result()
        if isinstance(result, dict):
            inner = getattr(metric, "metrics", [])
            for (name, value), each in zip(result.items(), inner, strict=False):
                yield name, each, value
        else:
            is_loss = any(metric is loss for loss in losses)
            yield metric.name, _Loss() if is_loss else metric, result


def _logs_by_itself(model: keras.Model) -> bool:
    names = ("train_step", "test_step", "compute_metrics", "get_metrics_result")
    return any(
        getattr(type(model), name) is not getattr(keras.Model, name) for name in names
    )
