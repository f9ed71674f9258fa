"""Every schedule: its formula, its bounds, huge steps, other backends."""

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_momentum import schedules
from tests.schedules.family import CASES, ULP, Case, copy, discovered, make, values

HUGE = [10**7, 2**24 + 1, 10**9, 2**31 - 1]
every = pytest.mark.parametrize("name", CASES)


def expected(case: Case, arguments: dict[str, Any], steps: Any) -> np.ndarray:
    return np.array([case.gamma(int(t), **arguments) for t in np.ravel(steps)])


def test_every_schedule_is_in_the_table() -> None:
    assert discovered() == set(CASES)


@every
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_values_are_those_of_the_formula(name: str, data: Any) -> None:
    case = CASES[name]
    arguments = data.draw(case.arguments)
    length = 2 * case.length(**arguments)
    steps = np.array(
        data.draw(st.lists(st.integers(0, length), min_size=1, max_size=20)), np.int32
    )
    np.testing.assert_allclose(
        values(make(name, arguments), steps),
        expected(case, arguments, steps),
        rtol=0,
        atol=2.5 * ULP,
    )


@every
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_bounds_and_direction_and_ends(name: str, data: Any) -> None:
    case = CASES[name]
    arguments = data.draw(case.arguments)
    length = case.length(**arguments)
    steps = np.unique(np.linspace(0, 1.5 * length + 5, 200).astype(np.int32))
    found = values(make(name, arguments), steps)
    lowest, highest = map(np.float32, case.bounds(**arguments))
    assert found.min() >= lowest - ULP
    assert found.max() <= highest + ULP
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    if direction := case.direction(**arguments):
        assert (direction * np.diff(found) >= -ULP).all()
    if case.ends:
        first, last = case.ends(**arguments)
        assert found[0] == pytest.approx(first, abs=ULP)
        past_the_end = found[steps >= length]
        assert past_the_end == pytest.approx(last, abs=ULP)
        assert np.ptp(past_the_end) <= ULP


@every
def test_huge_steps_do_not_overflow(name: str) -> None:
    case = CASES[name]
    shortest = {"steps": 1, "period": 1, "every": 1}
    for changed in ({}, shortest):
        arguments = {
            key: changed.get(key, value) for key, value in case.example.items()
        }
        schedule = make(name, arguments)
        wanted = expected(case, arguments, HUGE)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("error", UserWarning)
            one_by_one = [float(schedule(step)) for step in HUGE]
            at_once = values(schedule, np.array(HUGE, np.int64))
            as_tensor = values(schedule, ops.convert_to_tensor(HUGE, "int32"))
        for found in (one_by_one, at_once, as_tensor):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * ULP)


@pytest.mark.parametrize(
    "name", ["LinearRamp", "CosineRamp", "HorizonRamp", "HalfLifeRamp", "Demon"]
)
@pytest.mark.parametrize("floatx", ["float32", "bfloat16", "float16"])
def test_no_staircase_in_ten_million_steps(name: str, floatx: str) -> None:
    keras.config.set_floatx(floatx)
    case = CASES[name]
    arguments = {**case.example, "steps": 10**7}
    schedule = make(name, arguments)
    for middle in (10**6, 5 * 10**6, 9 * 10**6):
        steps = np.arange(middle, middle + 1000, dtype=np.int32)
        found, wanted = values(schedule, steps), expected(case, arguments, steps)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * ULP)
        # A stair of float32 itself is 2^-24 high below 1.
        stairs = min(len(steps), abs(wanted[-1] - wanted[0]) * 2**24)
        assert len(np.unique(found)) >= stairs / 2


@every
def test_every_kind_of_step(name: str) -> None:
    schedule = make(name, CASES[name].example)
    steps = np.array([[0, 1, 249], [250, 251, 2000]], np.int32)
    found = values(schedule, steps)
    assert found.shape == steps.shape
    for kind in ("int32", "int64", "float32"):
        np.testing.assert_array_equal(
            values(schedule, ops.convert_to_tensor(steps, kind)), found
        )
    for step, value in zip(steps.ravel(), found.ravel(), strict=True):
        for scalar in (int(step), float(step), step):
            assert float(schedule(scalar)) == pytest.approx(value, abs=ULP)


@every
def test_float64_has_its_digits(name: str, float64_allowed: None) -> None:
    keras.config.set_floatx("float64")
    case = CASES[name]
    steps = np.arange(0, 1000, 37)
    found = values(make(name, case.example), steps)
    wanted = expected(case, case.example, steps)
    # The cosine of Keras is a float32 on JAX, whatever it is of.
    is_cosine = name in ("CosineRamp", "OneCycleGamma")
    is_rounded = is_cosine and keras.backend.backend() == "jax"
    np.testing.assert_allclose(found, wanted, atol=ULP if is_rounded else 1e-14)


@every
def test_written_down_and_read_again(name: str) -> None:
    schedule = make(name, CASES[name].example)
    again = copy(copy(schedule))
    assert type(again) is type(schedule)
    steps = np.arange(0, 1000, 37, dtype=np.int32)
    np.testing.assert_array_equal(values(again, steps), values(schedule, steps))
    # As JSON, which is what a saved model holds.
    json.dumps(keras.saving.serialize_keras_object(schedule))


BACKENDS = ("tensorflow", "jax", "torch")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_values_are_equal_on_another_backend(backend: str, tmp_path: Path) -> None:
    if backend == keras.backend.backend():
        pytest.skip("that is this backend")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    code = (
        "import sys, numpy as np\n"
        "from tests.schedules.family import CASES, make, values\n"
        "steps = np.arange(0, 1000, 7, dtype=np.int32)\n"
        "found = {n: values(make(n, c.example), steps) for n, c in CASES.items()}\n"
        "np.savez(sys.argv[1], **found)\n"
    )
    file = tmp_path / "values.npz"
    subprocess.run(
        [sys.executable, "-c", code, str(file)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KERAS_BACKEND": backend},
        check=True,
        capture_output=True,
    )
    steps = np.arange(0, 1000, 7, dtype=np.int32)
    for name, found in np.load(file).items():
        here = values(make(name, CASES[name].example), steps)
        np.testing.assert_allclose(found, here, rtol=0, atol=2 * ULP, err_msg=name)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("LinearRamp", "initial", float("nan")),
        ("LinearRamp", "final", "1"),
        ("LinearRamp", "steps", 0),
        ("CosineRamp", "steps", 2.5),
        ("HorizonRamp", "final", 1.0),
        ("HalfLifeRamp", "initial", 1.0),
        ("HalfLifeRamp", "final", 1.0),
        ("SutskeverRamp", "maximum", 1.5),
        ("SutskeverRamp", "period", 0),
        ("NesterovSequence", "maximum", 2),
        ("NesterovStronglyConvex", "condition_number", 0.5),
        ("NesterovStronglyConvex", "condition_number", float("inf")),
        ("Demon", "initial", 1.0),
        ("OneCycleGamma", "minimum", 0.99),
        ("OneCycleGamma", "warmup", 1.5),
        ("CyclicGamma", "minimum", 0.99),
        ("CyclicGamma", "period", -1),
        ("Constant", "value", None),
        ("Sequence", "schedules", [0.5, 0.9]),
        ("Sequence", "boundaries", [10, 20]),
        ("Sequence", "boundaries", [0]),
        ("Restarted", "schedule", 0.9),
        ("Restarted", "every", True),
    ],
)
def test_wrong_arguments_are_named(name: str, argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"`{argument}(\[\d\])?`.*Received"):
        make(name, {**CASES[name].example, argument: value})


def test_boundaries_must_increase() -> None:
    constant = schedules.Constant(0.5)
    with pytest.raises(ValueError, match=r"`boundaries\[1\]` must be an integer >= 21"):
        schedules.Sequence([constant] * 3, [20, 20])


def test_a_half_life_begins_at_none_and_ends_exactly() -> None:
    ramp = schedules.HalfLifeRamp(0.0, 0.99999, steps=7)
    found = values(ramp, np.array([0, 7, 8], np.int32))
    assert found.tolist() == [0.0, float(np.float32(0.99999)), found[1]]
    # After a step it has a seventh of the half-life in the end.
    assert float(ramp(1)) == pytest.approx(0.99999**7, abs=ULP)
