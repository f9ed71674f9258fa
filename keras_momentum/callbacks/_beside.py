"""The callbacks that stand beside one in its list."""

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import keras

from keras_momentum.callbacks._lease import two_movers
from keras_momentum.callbacks._movable import MODEL_WEIGHTS, canonical
from keras_momentum.callbacks.momentum_optimizers import optimizers_of, unwrapped
from keras_momentum.optimizers import MomentumOptimizer

# What callbacks of Keras move; ours, and whose else, have an attribute `moves`.
_OF_KERAS = {
    keras.callbacks.LearningRateScheduler: ("learning_rate",),
    keras.callbacks.ReduceLROnPlateau: ("learning_rate",),
    keras.callbacks.SwapEMAWeights: (MODEL_WEIGHTS,),
}


def check_alone(callback: Any) -> None:
    """Raises `ValueError` if another callback moves what this one does.

    Args:
        callback: One of ours, when training or an evaluation begins.
    """
    mine = _moves(callback)
    if not mine:
        return
    optimizers = list(optimizers_of(callback))
    beside = _list_of(callback)
    place = next((i for i, each in enumerate(beside) if each is callback), 0)
    for number, other in enumerate(beside):
        both = [_names_of_both(mine, _moves(other), each) for each in optimizers]
        if other is callback or not any(both):
            continue
        others = set(map(id, _optimizers(other)))
        for optimizer, names in zip(optimizers, both, strict=True):
            if names and id(optimizer) in others:
                pair = [type(callback).__name__, type(other).__name__]
                if number < place:
                    pair.reverse()
                raise two_movers(names[0], *pair)


def _names_of_both(
    mine: Sequence[str], others: Sequence[str], optimizer: MomentumOptimizer
) -> list[str]:
    """What is moved by both, whatever either calls it."""
    theirs = {canonical(name, type(optimizer)) for name in others}
    return [name for name in mine if canonical(name, type(optimizer)) in theirs]


def _list_of(callback: Any) -> Sequence[Any]:
    """All callbacks of the list that calls this one.

    Keras tells a callback its model and the parameters of the run, but nothing of its
    neighbours, and those of Keras tell nobody that they are there. Whatever they do
    they do only when the first epoch begins or ends, which is too late. What is certain
    when training begins is that a `CallbackList` calls: it is a few frames up the
    stack, and its `callbacks` are public. A list that is not found is no error: ours
    are then refused by their leases, before the first step.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            return owner.callbacks
        frame = frame.f_back
    return [callback]


def _moves(callback: Any) -> Sequence[str]:
    declared = getattr(callback, "moves", None)
    if declared is not None and not callable(declared):
        return declared
    return [
        name
        for kind, names in _OF_KERAS.items()
        if isinstance(callback, kind)
        for name in names
    ]


def _optimizers(callback: Any) -> list[Any]:
    if hasattr(callback, "optimizer"):
        return list(optimizers_of(callback))
    return unwrapped(getattr(callback.model, "optimizer", None))
