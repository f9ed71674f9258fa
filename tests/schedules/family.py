"""All schedules, each with its formula in float64 and what is said of it."""

import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st
from keras import ops

from keras_momentum import schedules
from tests import reference

Arguments = dict[str, Any]
# float32 has half as much between two numbers below 1.
ULP = 1.2e-7


def shares(below: float = 1.0) -> st.SearchStrategy[float]:
    return st.floats(0.0, below)


lengths = st.integers(1, 10**6)
warmups = st.sampled_from((0.0, 1.0)) | st.floats(1e-3, 0.999)


@dataclasses.dataclass(frozen=True)
class Case:
    """A schedule.

    Attributes:
        arguments: Draws what it is made with.
        gamma: Its formula.
        example: Arguments to look at.
        bounds: The lowest and the highest value.
        direction: 1 if it never falls, −1 if it never grows, 0 if it does both.
        ends: The values at step 0 and from step `length` on, where it has an end.
        length: Where it ends.
    """

    arguments: st.SearchStrategy[Arguments]
    gamma: Callable[..., float]
    example: Arguments
    bounds: Callable[..., tuple[float, float]]
    direction: Callable[..., int]
    ends: Callable[..., tuple[float, float]] | None = None
    length: Callable[..., int] = lambda steps=1000, **_: steps


def ordered(lowest: str, highest: str, **others: Any) -> st.SearchStrategy[Arguments]:
    pairs = st.tuples(shares(), shares()).map(sorted)
    return st.builds(
        lambda pair, rest: {lowest: pair[0], highest: pair[1], **rest},
        pairs,
        st.fixed_dictionaries(others),
    )


def ramp(gamma: Callable[..., float], below: float = 1.0) -> Case:
    return Case(
        st.fixed_dictionaries(
            {"initial": shares(below), "final": shares(below), "steps": lengths}
        ),
        gamma,
        {"initial": 0.5, "final": 0.95, "steps": 800},
        lambda initial, final, steps: (min(initial, final), max(initial, final)),
        lambda initial, final, steps: 1 if final >= initial else -1,
        lambda initial, final, steps: (initial, final),
    )


CASES: dict[str, Case] = {
    "LinearRamp": ramp(reference.linear_ramp),
    "CosineRamp": ramp(reference.cosine_ramp),
    "HorizonRamp": ramp(reference.horizon_ramp, below=0.9999),
    "HalfLifeRamp": ramp(reference.half_life_ramp, below=math.nextafter(1.0, 0.0)),
    "SutskeverRamp": Case(
        st.fixed_dictionaries({"maximum": shares(), "period": lengths}),
        reference.sutskever_ramp,
        {"maximum": 0.99, "period": 100},
        lambda maximum, period: (0.0, maximum),
        lambda maximum, period: 1,
    ),
    "NesterovSequence": Case(
        st.fixed_dictionaries({"maximum": shares()}),
        reference.nesterov_sequence,
        {"maximum": 0.999},
        lambda maximum: (0.0, maximum),
        lambda maximum: 1,
    ),
    "NesterovStronglyConvex": Case(
        st.fixed_dictionaries({"condition_number": st.floats(1.0, 1e6)}),
        lambda t, condition_number: reference.nesterov_strongly_convex(
            condition_number
        ),
        {"condition_number": 400.0},
        lambda condition_number: (0.0, 1.0),
        lambda condition_number: 1,
    ),
    "Demon": Case(
        st.fixed_dictionaries({"initial": shares(0.9999), "steps": lengths}),
        reference.demon,
        {"initial": 0.9, "steps": 800},
        lambda initial, steps: (0.0, initial),
        lambda initial, steps: -1,
        lambda initial, steps: (initial, 0.0),
    ),
    "OneCycleGamma": Case(
        ordered(
            "minimum",
            "maximum",
            steps=lengths,
            warmup=st.sampled_from((0.0, 0.1, 0.3, 1.0)),
        ),
        lambda t, minimum, maximum, steps, warmup: reference.one_cycle(
            t, (maximum, minimum, maximum), warmup * steps, steps
        ),
        {"minimum": 0.85, "maximum": 0.95, "steps": 800, "warmup": 0.3},
        lambda minimum, maximum, steps, warmup: (minimum, maximum),
        lambda minimum, maximum, steps, warmup: 0,
        lambda minimum, maximum, steps, warmup: (
            maximum if warmup > 0 else minimum,
            maximum,
        ),
    ),
    "CyclicGamma": Case(
        ordered("minimum", "maximum", period=lengths),
        reference.cyclic,
        {"minimum": 0.85, "maximum": 0.95, "period": 250},
        lambda minimum, maximum, period: (minimum, maximum),
        lambda minimum, maximum, period: 0,
    ),
    "Constant": Case(
        st.fixed_dictionaries({"value": shares()}),
        lambda t, value: value,
        {"value": 0.9},
        lambda value: (value, value),
        lambda value: 1,
    ),
    "Sequence": Case(
        st.builds(
            lambda value, initial, final, steps, boundary: {
                "schedules": [
                    schedules.Constant(value),
                    schedules.LinearRamp(initial, final, steps=steps),
                ],
                "boundaries": [boundary],
            },
            *(shares(), shares(), shares(), lengths, lengths),
        ),
        lambda t, schedules, boundaries: (
            schedules[0].value
            if t < boundaries[0]
            else reference.linear_ramp(t - boundaries[0], **schedules[1].get_config())
        ),
        {
            "schedules": [
                schedules.Constant(0.5),
                schedules.LinearRamp(0.5, 0.95, steps=500),
            ],
            "boundaries": [300],
        },
        lambda schedules, boundaries: (0.0, 1.0),
        lambda schedules, boundaries: 0,
        lambda schedules, boundaries: (schedules[0].value, schedules[1].final),
        lambda schedules, boundaries: boundaries[0] + schedules[1].steps,
    ),
    "Restarted": Case(
        st.builds(
            lambda initial, final, steps, every: {
                "schedule": schedules.LinearRamp(initial, final, steps=steps),
                "every": every,
            },
            *(shares(), shares(), lengths, lengths),
        ),
        lambda t, schedule, every: reference.linear_ramp(
            t % every, **schedule.get_config()
        ),
        {"schedule": schedules.LinearRamp(0.5, 0.95, steps=200), "every": 250},
        lambda schedule, every: (0.0, 1.0),
        lambda schedule, every: 0,
    ),
}


def discovered() -> set[str]:
    """The names of the public schedules."""
    return {
        name for name in schedules.__all__ if inspect.isclass(getattr(schedules, name))
    }


def make(name: str, arguments: Arguments) -> Any:
    return getattr(schedules, name)(**arguments)


def values(schedule: Any, steps: Any) -> np.ndarray:
    """The values at steps, in float64."""
    return np.asarray(ops.convert_to_numpy(schedule(steps)), np.float64)


def copy(schedule: Any) -> Any:
    """The schedule after it was written down and read."""
    return keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(schedule)
    )
