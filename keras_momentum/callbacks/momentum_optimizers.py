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


def _unwrapped(optimizer: Any) -> list[Any]:
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return _unwrapped(optimizer.inner_optimizer)
    if hasattr(optimizer, "optimizers"):
        return [inner for each in optimizer.optimizers for inner in _unwrapped(each)]
    return [optimizer]
