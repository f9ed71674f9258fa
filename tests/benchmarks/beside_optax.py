"""Muon and AdEMAMix beside optax's, the update alone, on JAX."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import keras
import numpy as np

import keras_momentum
from tests.benchmarks.models import MODELS
from tests.benchmarks.table import Table
from tests.benchmarks.training import compiled_update, forget_garbage, seconds

CHUNKS, UPDATES = 5, 20


def run(models: Sequence[str], rounds: int) -> None:
    """Measures all and writes the table.

    Raises:
        SystemExit: If the backend is not JAX.
    """
    if keras.backend.backend() != "jax":
        raise SystemExit("optax runs on JAX: set KERAS_BACKEND=jax")
    table = Table(
        "-".join(["optax", *models]),
        "Seconds of the first update, compiling included, and milliseconds of a later "
        f"one; medians of {rounds} rounds. Ratios ours / optax.",
        ("model", "of", "optimizer", "optax", "ours", "ratio"),
    )
    for model in models:
        taken: dict[tuple[str, str, str], list[float]] = {}
        for _ in range(rounds):
            weights = MODELS[model]().trainable_variables
            for name, pair in _pairs(weights).items():
                updates = {}
                for whose, make in pair.items():
                    forget_garbage()
                    updates[whose] = make()
                    first = seconds(updates[whose])
                    taken.setdefault(("first, s", name, whose), []).append(first)
                for _ in range(CHUNKS):
                    for whose, update in updates.items():
                        times = [seconds(update) for _ in range(UPDATES)]
                        later = taken.setdefault(("later, ms", name, whose), [])
                        later.append(1e3 * median(times))
        for (what, name, whose), times in taken.items():
            if whose == "ours":
                theirs = median(taken[what, name, "optax"])
                ours = median(times)
                table.add(model, what, name, theirs, ours, ours / theirs)
    table.show()


def _pairs(weights: list[Any]) -> dict[str, dict[str, Callable[[], Any]]]:
    """For each optimizer functions that make the update of ours and of optax's."""
    from optax import contrib  # type: ignore[import-untyped]

    def ours(optimizer: Any) -> Callable[[], Any]:
        gradients = [1e-3 * keras.random.normal(each.shape) for each in weights]
        return lambda: compiled_update(optimizer, gradients, weights, True)

    def optaxs(optimizer: Any) -> Callable[[], Any]:
        return lambda: _optax_update(optimizer, weights)

    muon = keras_momentum.Muon(1e-3, weight_decay=None, adam_weight_decay=None)
    return {
        "Muon": {
            "ours": ours(muon),
            "optax": optaxs(contrib.muon(1e-3, consistent_rms=0.2)),
        },
        "AdEMAMix": {
            "ours": ours(keras_momentum.AdEMAMix(1e-3)),
            "optax": optaxs(contrib.ademamix(1e-3)),
        },
    }


def _optax_update(optimizer: Any, weights: list[Any]) -> Callable[[], Any]:
    """The update of optax, compiled and with donated arguments, which waits for it."""
    import jax
    import optax

    gradients = [
        jax.numpy.asarray(
            np.random.default_rng(0).normal(size=w.shape) * 1e-3, "float32"
        )
        for w in weights
    ]
    values = [jax.numpy.array(weight.value) for weight in weights]
    held = [values, optimizer.init(values)]

    def change(weights: Any, state: Any, gradients: Any) -> Any:
        updates, state = optimizer.update(gradients, state, weights)
        return optax.apply_updates(weights, updates), state

    step = jax.jit(change, donate_argnums=(0, 1))

    def update() -> None:
        held[:] = step(*held, gradients)
        jax.block_until_ready(held)

    return update
