"""Taking over a Keras optimizer in the middle of a training run."""

from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops

from keras_momentum.optimizers.keyword_arguments import OptimizerArguments
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer

Taken = TypeVar("Taken", bound=MomentumOptimizer)


def take_over(
    new_class: type[Taken],
    optimizer: Any,
    keras_classes: Any,
    slots: dict[str, tuple[str, float]],
    scalars: Callable[[Any], tuple[float, ...]] = lambda _: (),
    *,
    arguments: Callable[[Any], dict[str, Any]],
) -> Taken:
    """An optimizer with the state of a built Keras optimizer.

    Args:
        new_class: The class of the optimizer to make.
        optimizer: The Keras optimizer.
        keras_classes: A class, or several, of which it must be an instance.
        slots: For each slot the attribute of the Keras optimizer that holds it, a list
            of variables, and the factor that gives ours.
        scalars: Gives the values of the new optimizer's scalars from the old one.
        arguments: Gives the arguments that are the class's own from the old one.

    Raises:
        TypeError: If `optimizer` is not an instance of `keras_classes`.
        ValueError: If it is not built, or if `arguments` finds that it does not fit.
    """
    if not isinstance(optimizer, keras_classes):
        raise TypeError(
            f"Argument `optimizer` must be a Keras {_names(keras_classes)}; of a "
            "LossScaleOptimizer give its `inner_optimizer`. "
            f"Received: optimizer={optimizer!r}"
        )
    if not optimizer.built:
        raise ValueError(
            "Argument `optimizer` must be built; call "
            "`optimizer.build(trainable_variables)` first. "
            f"Received: optimizer={optimizer!r}"
        )
    state = vars(optimizer)
    common = {
        name: value
        for name, value in optimizer.get_config().items()
        if name in OptimizerArguments.__annotations__ and name != "name"
    }
    rate = optimizer._learning_rate
    if isinstance(rate, keras.Variable):
        rate = float(ops.convert_to_numpy(rate))
    taken = new_class(learning_rate=rate, **arguments(optimizer), **common)
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):
        if name in state:
            setattr(taken, name, state[name])
    weights = optimizer._trainable_variables
    taken.build(weights)
    taken._iterations.assign(optimizer._iterations)
    for name in ("_model_variables_moving_average", "_accumulated_gradients"):
        for ours, theirs in zip(
            getattr(taken, name, []), state.get(name, []), strict=True
        ):
            if ours is not None:
                ours.assign(theirs)
    for ours, value in zip(taken._scalars, scalars(optimizer), strict=True):
        ours.assign(value)
    taken._slots.write(
        [
            factor * ops.convert_to_numpy(getattr(optimizer, attribute)[index])
            if getattr(optimizer, attribute, None)
            else np.zeros(weight.shape)
            for index, weight in enumerate(weights)
            if not getattr(weight, "overwrite_with_gradient", False)
            for attribute, factor in (slots[name] for name in taken.slot_names)
        ]
    )
    return taken


def _names(classes: Any) -> str:
    classes = classes if isinstance(classes, tuple) else (classes,)
    return " or ".join(each.__name__ for each in classes)
