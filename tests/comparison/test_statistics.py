"""Intervals and tests against scipy's and textbooks' numbers."""

import math

import pytest
from scipy import stats

from keras_momentum.comparison._statistics import differences, interval


def test_interval_is_students() -> None:
    mean, half_width = interval([1.0, 2.0, 3.0])
    # t of 2 degrees of freedom at 0.975, and the standard error 1/√3.
    assert mean == 2.0
    assert half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    assert interval([1.0])[0] == 1.0
    assert math.isnan(interval([1.0])[1])
    assert math.isnan(interval([math.nan])[0])
    assert interval([1.0, math.nan])[0] == 1.0


def test_differences_are_paired_and_corrected_by_holm() -> None:
    values = {
        "a": [0.50, 0.60, 0.70, 0.80],
        "b": [0.41, 0.50, 0.61, 0.70],
        "c": [0.55, 0.58, 0.73, 0.77],
    }
    by_seed = {name: dict(enumerate(each)) for name, each in values.items()}
    p = {
        pair: stats.ttest_rel(values[pair[0]], values[pair[1]]).pvalue
        for pair in ("ab", "ac", "bc")
    }
    found = differences(by_seed, level=1.1)
    ordered = sorted(p, key=p.__getitem__)
    expected: list[float] = []
    for place, pair in enumerate(ordered):
        corrected = min(1.0, p[pair] * (3 - place))
        expected.append(max([corrected, *expected]))
    assert [set(f[:2]) for f in found] == [set(pair) for pair in ordered]
    assert [f.p_value for f in found] == pytest.approx(expected)
    (only,) = differences(by_seed, level=0.01)
    assert (only.higher, only.lower) == ("a", "b")
    assert only.difference == pytest.approx(0.095)


def test_pairs_with_fewer_than_three_common_seeds_are_not_tested() -> None:
    assert not differences({"a": {0: 1.0, 1: 1.1, 2: 1.2}, "b": {0: 0.0, 1: 0.1}})
    nan = math.nan
    assert not differences({"a": {0: 1.0, 1: 1.1, 2: nan}, "b": {0: 0, 1: 0.1, 2: 0}})


def test_equal_values_do_not_differ_and_a_constant_gap_does() -> None:
    same = {0: 0.5, 1: 0.25, 2: 0.75}
    assert not differences({"a": same, "b": same})
    lower = {seed: value - 0.25 for seed, value in same.items()}
    assert len(differences({"a": same, "b": lower})) == 1


def test_chance_alone_seldom_differs() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    false = 0
    for _ in range(200):
        values = rng.normal(size=(5, 4))
        false += bool(
            differences({str(i): dict(enumerate(v)) for i, v in enumerate(values)})
        )
    assert false / 200 < 0.08
