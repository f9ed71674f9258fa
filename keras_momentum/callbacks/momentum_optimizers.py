"""Finding the optimizers whose momentum a callback may move."""

from typing import Any

import keras

from keras_momentum._hyperparameters import moving_of
from keras_momentum.callbacks._movable import RESTART_EVERY, check_movable
from keras_momentum.optimizers import MomentumOptimizer

# What Keras's constructor sets on a wrapper itself.
_OF_KERAS = {"weight_decay": None}
_NOTHING = object()


def momentum_optimizers(model: Any) -> list[MomentumOptimizer]:
    """Returns the momentum optimizers that a model was compiled with.

    A `keras.optimizers.LossScaleOptimizer`, which a `mixed_float16` policy wraps
    around an optimizer by itself, and a `keras.optimizers.MultiOptimizer` are
    unwrapped: setting `gamma` on them would be silently ignored.

    Args:
        model: A compiled `keras.Model`.

    Returns:
        A list of at least one optimizer.

    Raises:
        ValueError: If none of the model's optimizers has a gamma, or if it was set on
            the optimizer that is wrapped around it, where it does nothing.
    """
    compiled = getattr(model, "optimizer", None)
    if compiled is not None and not compiled.built and model.built:
        # A MultiOptimizer finds out only now which optimizers it has.
        compiled.build(model.trainable_variables)
    found = [o for o in unwrapped(compiled) if isinstance(o, MomentumOptimizer)]
    if not found:
        raise ValueError(
            "The model must be compiled with an optimizer of keras_momentum, for "
            "example `keras_momentum.Momentum`, as the momentum of other optimizers is "
            "fixed in the compiled step; an optimizer that the model holds itself is "
            "passed to the callback, as `optimizer=...`. Received: "
            f"model.optimizer={_described(compiled)}"
        )
    return found


def unwrapped(
    optimizer: Any, where: str = "model.optimizer"
) -> list[keras.optimizers.Optimizer]:
    """The optimizers within a `LossScaleOptimizer` and a `MultiOptimizer`.

    Args:
        optimizer: Any optimizer, or `None`.
        where: How a person reaches it, for messages.

    Raises:
        ValueError: If a hyper-parameter was set on what is wrapped around them.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = {f"{where}.inner_optimizer": optimizer.inner_optimizer}
    elif hasattr(optimizer, "optimizers"):
        inner = {
            f"{where}.optimizers[{place}]": each
            for place, each in enumerate(optimizer.optimizers)
        }
    else:
        return [] if optimizer is None else [optimizer]
    found = [each for way, one in inner.items() for each in unwrapped(one, way)]
    kinds = [MomentumOptimizer, *map(type, found)]
    for name in [*(name for kind in kinds for name in moving_of(kind)), RESTART_EVERY]:
        value = vars(optimizer).get(name, _NOTHING)
        if value is not _NOTHING and value is not _OF_KERAS.get(name, _NOTHING):
            raise ValueError(
                f"`{where}.{name}` does nothing, as a {type(optimizer).__name__} does "
                f"not hand it on; set `{next(iter(inner), where)}.{name}`. "
                f"Received: {where}.{name}={value!r}"
            )
    return found


def checked(optimizer: Any) -> Any:
    """Returns the argument `optimizer` of a callback if it can be one.

    Raises:
        ValueError: If it is not `None`, an optimizer or a list of optimizers of ours.
    """
    given = optimizer if isinstance(optimizer, (list, tuple)) else [optimizer]
    wrappers = (keras.optimizers.LossScaleOptimizer, keras.optimizers.MultiOptimizer)
    if optimizer is not None and not (
        given
        and all(isinstance(each, (MomentumOptimizer, *wrappers)) for each in given)
    ):
        raise ValueError(
            "Argument `optimizer` must be `None`, an optimizer of keras_momentum or a "
            f"list of them. Received: optimizer={optimizer!r}"
        )
    return optimizer


def optimizers_of(callback: Any) -> list[MomentumOptimizer]:
    """The optimizers that a callback is for: those it was given, or the model's.

    Args:
        callback: A callback with an `optimizer`.

    Raises:
        ValueError: If there is none.
    """
    # By way of the callback's `model`, as on JAX that brings the state back to it.
    model = callback.model
    if callback.optimizer is None:
        return momentum_optimizers(model)
    given = callback.optimizer
    given = given if isinstance(given, (list, tuple)) else [given]
    found = [o for each in given for o in unwrapped(each, "optimizer")]
    if not found or not all(isinstance(o, MomentumOptimizer) for o in found):
        raise ValueError(
            f"Argument `optimizer` of {type(callback).__name__} must have optimizers "
            "of keras_momentum only, and be built if it is a MultiOptimizer. "
            f"Received: optimizer={callback.optimizer!r}"
        )
    return list({id(each): each for each in found}.values())


def movable_optimizers(model: Any, mover: str) -> list[MomentumOptimizer]:
    """Returns the momentum optimizers of a model, whose gamma can all be set.

    Args:
        model: A compiled `keras.Model`.
        mover: The name of what is going to set it.

    Raises:
        TypeError: If a schedule or a callable decides the gamma of one.
        ValueError: If there is none.
    """
    optimizers = momentum_optimizers(model)
    check_movable(optimizers, ["gamma"], mover)
    return optimizers


def _described(optimizer: Any) -> str:
    if getattr(optimizer, "optimizers", None) == []:
        return (
            f"{optimizer!r}, which does not know its optimizers before the model is "
            "built"
        )
    return repr(optimizer)
