"""Curves: functions of the progress of a schedule, a number that goes from 0 to 1."""

import math
from typing import Any

import keras
from keras import ops

from keras_momentum._backend.dtypes import float_type


def as_float(value: Any) -> Any:
    """A number or tensor of any shape in `float_type`."""
    if isinstance(value, float | int):
        # `cast` would make it a float32 first.
        return ops.convert_to_tensor(value, float_type())
    return ops.cast(value, float_type())


def as_step(step: Any) -> Any:
    """A number or tensor as a tensor to count in: signed integers, or `float_type`."""
    step = ops.convert_to_tensor(step)
    return as_float(step) if _is_float(step) else _as_int(step)


def as_integer(step: Any) -> Any:
    """A number or tensor of any shape as signed integers, rounded down.

    In float32 the steps after 2^24 are not told apart.
    """
    step = as_step(step)
    return _as_int(ops.floor(step)) if _is_float(step) else step


def _is_float(tensor: Any) -> bool:
    return keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))


def _as_int(tensor: Any) -> Any:
    # 2**31 - 1 in float32 is 2**31. JAX, which seldom has int64, clips it to int32.
    return ops.cast(tensor, "int")


def progress(step: Any, steps: Any) -> Any:
    """τ = min(max(step, 0) / steps, 1), in `float_type`.

    Args:
        step: The index of the update, a number or an integer or float tensor of any
            shape.
        steps: How many updates the schedule lasts, a positive number or scalar.
    """
    return ops.clip(as_float(step) / as_float(steps), 0.0, 1.0)


def remaining(step: Any, steps: Any) -> Any:
    """1 − τ with all its digits, also near the end.

    Args:
        step: As in `progress`.
        steps: As in `progress`.
    """
    left = steps - as_step(step)
    return ops.clip(as_float(left) / as_float(steps), 0.0, 1.0)


def constant(step: Any, value: float) -> Any:
    """The value at every step."""
    return ops.full_like(as_float(step), value)


def within(initial: float, final: float, value: Any) -> Any:
    """The value, but between two numbers, in either order, whatever its rounding."""
    return ops.clip(value, min(initial, final), max(initial, final))


def linear(initial: float, final: float, progress: Any) -> Any:
    """A straight line."""
    return within(initial, final, initial + (final - initial) * progress)


def cosine(initial: float, final: float, progress: Any) -> Any:
    """Half a cosine, flat at both ends; counted from the nearer one, exact at both."""
    is_near_first = progress < 0.5
    distance = ops.where(is_near_first, progress, 1.0 - progress)
    moved = ops.square(ops.sin(math.pi / 2.0 * distance))
    return ops.where(
        is_near_first, linear(initial, final, moved), linear(final, initial, moved)
    )


def horizon(initial: float, final: float, progress: Any, remaining: Any) -> Any:
    """A geometric sequence of 1 − γ, and so of the horizon 1 / (1 − γ)."""
    first, last = as_float(1.0 - initial), as_float(1.0 - final)
    gamma = 1.0 - ops.power(first, remaining) * ops.power(last, progress)
    return within(initial, final, gamma)


def half_life(initial: float, final: float, progress: Any, remaining: Any) -> Any:
    """A straight line in −1 / ln γ, and so in the half-life ln ½ / ln γ; exact at both
    ends.
    """
    first, last = (
        -1.0 / math.log(gamma) if gamma else 0.0 for gamma in (initial, final)
    )
    # e^−1000 is 0 in float64 too: nothing is divided by a half-life of 0.
    time = ops.maximum(first * remaining + last * progress, 1e-3)
    gamma = within(initial, final, ops.exp(-1.0 / time))
    gamma = ops.where(progress > 0.0, gamma, ops.full_like(gamma, initial))
    return ops.where(remaining > 0.0, gamma, ops.full_like(gamma, final))


def demon(initial: float, remaining: Any) -> Any:
    """γ / (1 − γ), the sum of all γ^i with i > 0, falls to 0 in a straight line."""
    left = initial * remaining
    return left / ((1.0 - initial) + left)


def triangle(progress: Any) -> Any:
    """From 0 to 1 and back."""
    return 1.0 - ops.abs(2.0 * progress - 1.0)


def one_cycle(
    step: Any, values: tuple[float, float, float], peak: float, last: float
) -> Any:
    """Half a cosine from the first value to the second and one to the third.

    Args:
        step: The index of the update, as in `progress`.
        values: The values at step 0, at `peak` and from `last` on.
        peak: A number >= 0.
        last: A number >= `peak`.
    """
    step = as_float(step)
    first, second, third = values
    # Where a half has no length, only its end is left of it. The second is counted
    # from its end, which is a whole number where the peak is not.
    to_peak = progress(step, peak) if peak > 0 else ops.ones_like(step)
    to_go = progress(last - step, last - peak) if last > peak else ops.zeros_like(step)
    return ops.where(
        step < peak, cosine(first, second, to_peak), cosine(third, second, to_go)
    )
