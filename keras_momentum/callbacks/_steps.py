"""Where updates lie in a run."""

from typing import Any

from keras_momentum._numbers import number
from keras_momentum.optimizers import MomentumOptimizer


def updates_per_epoch(params: dict[str, Any], optimizer: MomentumOptimizer) -> float:
    """How many updates an epoch has, where `fit` knows its number of batches.

    Args:
        params: The `params` of a callback; `params["steps"]` is not `None`.
        optimizer: The optimizer that does the updates.
    """
    return params["steps"] / (optimizer.gradient_accumulation_steps or 1)


def first_update(
    params: dict[str, Any],
    optimizer: MomentumOptimizer,
    epoch: int,
    done: int | None = None,
) -> int:
    """The update with which epoch 0 began, or would have.

    Args:
        params: The `params` of a callback. Where a fit goes on, its first callback may
            have set `params["batches_done"]`, how many batches of the epoch are over,
            and `params["first_update"]`, as batches without an update can't be told
            from others that are over.
        optimizer: The optimizer that does the updates.
        epoch: The epoch that begins now.
        done: The updates of the run so far, if an optimizer that it began with is known
            to have done them.
    """
    if done is None and "first_update" in params:
        return int(params["first_update"])
    now = int(number(optimizer.iterations))
    steps = params.get("steps")
    if epoch and steps is None:
        # A run that goes on: all updates were its own.
        return 0 if done is None else now - done
    batches = epoch * (steps or 0) + params.get("batches_done", 0)
    return now - batches // (optimizer.gradient_accumulation_steps or 1)


def last_update(params: dict[str, Any], optimizer: MomentumOptimizer) -> int | None:
    """The last update of the run, counted from epoch 0; `None` if it is not known."""
    if params.get("steps") is None or params.get("epochs") is None:
        return None
    return round(params["epochs"] * updates_per_epoch(params, optimizer)) - 1
