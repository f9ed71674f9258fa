"""Taking over a Keras optimizer in the middle of a training run."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops

from keras_momentum._hyperparameters import moving_of
from keras_momentum.optimizers._parts.keyword_arguments import OptimizerArguments
from keras_momentum.optimizers._parts.slots import has_slots
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer

Taken = TypeVar("Taken", bound=MomentumOptimizer)


def check(optimizer: Any, *keras_classes: Any) -> None:
    """Checks that an optimizer can be taken over.

    Args:
        optimizer: The argument of `from_keras`.
        keras_classes: The classes of which it may be an instance.

    Raises:
        TypeError: If it is not an instance of `keras_classes`.
        ValueError: If it is not built.
    """
    if not isinstance(optimizer, keras_classes):
        raise TypeError(
            "Argument `optimizer` must be a Keras "
            f"{' or '.join(each.__name__ for each in keras_classes)}; of a "
            "LossScaleOptimizer give its `inner_optimizer`. "
            f"Received: optimizer={optimizer!r}"
        )
    if not optimizer.built:
        raise ValueError(
            "Argument `optimizer` must be built; call "
            "`optimizer.build(trainable_variables)` first. "
            f"Received: optimizer={optimizer!r}"
        )


def check_sgd(optimizer: Any, *, nesterov: bool) -> None:
    """The same for an SGD, which must be `nesterov`, or must not."""
    check(optimizer, keras.optimizers.SGD)
    if optimizer.nesterov != nesterov:
        other = "NAG" if optimizer.nesterov else "Momentum"
        raise ValueError(
            f"Argument `optimizer` must be an SGD with nesterov={nesterov}; take this "
            f"one over with `{other}.from_keras`. Received: optimizer={optimizer!r} "
            f"with nesterov={optimizer.nesterov}"
        )


def take_over(
    new_class: type[Taken],
    optimizer: Any,
    slots: Mapping[str, tuple[str, float]] | Callable[[int], Any],
    scalars: Mapping[str, float] | None = None,
    **arguments: Any,
) -> Taken:
    """An optimizer with the state of a Keras optimizer that has passed `check`.

    Arguments of the same name are taken over too.

    Args:
        new_class: The class of the optimizer to make.
        optimizer: The Keras optimizer.
        slots: For each slot the attribute of the Keras optimizer that holds it, a list
            of variables, and the factor that gives ours; or a function that returns
            this for the number of a weight.
        scalars: The values of the new optimizer's scalars, by name.
        **arguments: Other arguments of the new class.
    """
    rate = optimizer._learning_rate
    if isinstance(rate, keras.Variable):
        rate = float(ops.convert_to_numpy(rate))
    config = optimizer.get_config()
    del config["name"]
    moving = {new_class.gamma_argument, *moving_of(new_class)}
    own = {*moving, *new_class.argument_names}
    for name in config.keys() & {*OptimizerArguments.__annotations__, *own}:
        # Keras takes a momentum of 0 for 0.0.
        is_whole = name in moving and type(config[name]) is int
        arguments[name] = float(config[name]) if is_whole else config[name]
    taken = new_class(learning_rate=rate, **arguments)
    state = vars(optimizer)
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
    for name, value in (scalars or {}).items():
        taken._weight_scalars.set(name, value)
    for index, weight in enumerate(weights):
        if has_slots(weight):
            for name, ours in taken._slots.of(index).items():
                of_weight = slots(index) if callable(slots) else slots
                attribute, factor = of_weight[name]
                ours.assign(_value(optimizer, attribute, factor, index))
    return taken


def _value(optimizer: Any, attribute: str, factor: float, index: int) -> np.ndarray:
    """Our slot of the weight number `index`; 0 if Keras's optimizer has none."""
    if not getattr(optimizer, attribute, None):
        return np.zeros(optimizer._trainable_variables[index].shape)
    return factor * ops.convert_to_numpy(getattr(optimizer, attribute)[index])
