"""Finding the optimizers of a model whose gamma a callback may move."""

from typing import Any

import keras

from keras_momentum.optimizers import MomentumOptimizer


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
        ValueError: If none of the model's optimizers has a gamma.
    """
    if not model.optimizer.built and model.built:
        # A MultiOptimizer finds out only now which optimizers it has.
        model.optimizer.build(model.trainable_variables)
    found = [
        optimizer
        for optimizer in _unwrapped(model.optimizer)
        if isinstance(optimizer, MomentumOptimizer)
    ]
    if not found:
        raise ValueError(
            "The model must be compiled with an optimizer of keras_momentum, for "
            "example `keras_momentum.Momentum`; the momentum of other optimizers is "
            "fixed in the compiled step. Received: "
            f"model.optimizer={model.optimizer!r}"
        )
    return found


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
    for optimizer in optimizers:
        if not optimizer.gamma_is_settable:
            raise TypeError(
                f"{mover} can't move gamma: a schedule given as "
                f"`{optimizer.gamma_argument}` already decides it. Compile with a "
                f"float `{optimizer.gamma_argument}`, or without {mover}."
            )
    return optimizers


def claim_gamma(callback: keras.callbacks.Callback) -> list[MomentumOptimizer]:
    """Returns the optimizers whose gamma `callback` alone moves in this `fit`.

    Args:
        callback: A callback, when training begins.

    Raises:
        TypeError: If a schedule or a callable decides the gamma of one.
        ValueError: If there is none, or another callback has claimed them.
    """
    name = type(callback).__name__
    optimizers = movable_optimizers(callback.model, name)
    # All callbacks of one `fit` have the same `params`, and no other one has them.
    mover = callback.params.setdefault("moves_gamma", callback)
    if mover is not callback:
        raise ValueError(
            "Argument `callbacks` must have at most one callback that moves gamma. "
            f"Received: {type(mover).__name__} and {name}"
        )
    return optimizers


def in_logs(name: str, optimizer: MomentumOptimizer, among: list[Any]) -> str:
    """The key of a value in `logs`; of several optimizers each has one, as in Keras.

    Args:
        name: The name of the value.
        optimizer: The optimizer whose value it is.
        among: All momentum optimizers of the model.
    """
    return name if len(among) == 1 else f"{name}_{optimizer.name}"


def say(callback: Any, message: str) -> None:
    """Prints a line, if the callback's `verbose` asks for it."""
    if callback.verbose:
        print(f"\n{message}")


def _unwrapped(optimizer: Any) -> list[Any]:
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return _unwrapped(optimizer.inner_optimizer)
    if hasattr(optimizer, "optimizers"):
        return [inner for each in optimizer.optimizers for inner in _unwrapped(each)]
    return [optimizer]
