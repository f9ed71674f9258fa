"""What callbacks ask of an optimizer, by the name of what is moved, in one place."""

from collections.abc import Sequence

from keras_momentum.optimizers import MomentumOptimizer


def is_settable(optimizer: MomentumOptimizer, name: str) -> bool:
    """Whether a callback may move it: no schedule and no callable decides it."""
    return getattr(optimizer, f"{name}_is_settable", True)


def plan(optimizer: MomentumOptimizer, name: str, values: Sequence[float]) -> None:
    """Gives each of the next updates its own value, in the compiled step."""
    optimizer.plan(name, values)


def ramp(
    optimizer: MomentumOptimizer,
    name: str,
    initial: float,
    final: float,
    *,
    steps: int,
    begin: int,
) -> None:
    """Lets it go in a straight line, in the compiled step."""
    optimizer.ramp(name, initial, final, steps=steps, begin=begin)


def hold(optimizer: MomentumOptimizer, name: str) -> None:
    """Ends a plan or a ramp and leaves the value where it is, bit for bit."""
    optimizer.stop(name)
