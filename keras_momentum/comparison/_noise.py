"""Measuring the noise of gradients."""

import contextlib
import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._batches import KeptBatches, first_batches
from keras_momentum.comparison._gradient_sums import GradientReader, GradientSums
from keras_momentum.comparison._state import ModelState

# Standard deviations of noise alone, which it exceeds in one of 20 cases.
_RESOLVED = 1.645
# With fewer batches than this nothing can be resolved.
FEWEST_BATCHES = 8


@dataclasses.dataclass(frozen=True)
class NoiseScale:
    """How large the noise of a batch's gradient is, beside the gradient.

    Attributes:
        scale: The noise scale in samples, S / |G|²; NaN where |G|² can't be told from
            0 with so few samples.
        gradient: |G|², the squared norm of the gradient without noise, unbiased; it may
            be negative where the noise is large.
        noise: S, the sum of the variances of one sample's gradient, unbiased.
        batch_size: The number of samples in a batch.
        batches: The number of batches.
    """

    scale: float
    gradient: float
    noise: float
    batch_size: int
    batches: int

    def __str__(self) -> str:
        if math.isnan(self.scale):
            return (
                f"The gradient noise scale can't be resolved with {self.batches} "
                f"batches of {self.batch_size}."
            )
        return f"The gradient noise scale is about {self.scale:.3g} samples."


def measure(
    model: keras.Model, batches: Sequence[Any], fit_arguments: dict[str, Any]
) -> NoiseScale:
    """The noise scale from batches of which no two have a sample in common.

    Args:
        model: A compiled model with weights.
        batches: Structures of arrays; only those as large as the first one count.
        fit_arguments: Arguments of `fit`.
    """
    size = size_of(batches[0])
    whole = [batch for batch in batches if size_of(batch) == size]
    state = ModelState(model)
    former = model.optimizer, model.train_function, getattr(model, "history", None)
    sums: Any = GradientSums()
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        sums = keras.optimizers.LossScaleOptimizer(sums)
    reader = GradientReader()
    try:
        sums.build(model.trainable_variables)
        model.optimizer, model.train_function = sums, None
        model.fit(
            KeptBatches(whole),
            shuffle=False,
            verbose=0,
            callbacks=[reader],
            **fit_arguments,
        )
    finally:
        model.optimizer, model.train_function, model.history = former
        state.restore()
    return _estimate(np.array(reader.squares), np.array(reader.products), size)


def size_of(batch: Any) -> int:
    """The number of samples in a batch."""
    return len(keras.tree.flatten(batch)[0])


def distinct_batches(data: Any, batch_size: int, seed: int, count: int) -> list[Any]:
    """So many batches, or fewer where one pass through the data has no more.

    Args:
        data: As `train_data` of `compare`.
        batch_size: An integer >= 1, for arrays; less is taken of few samples.
        seed: An integer >= 0.
        count: The number of batches at most.
    """
    made = data
    if callable(data) and not isinstance(data, keras.utils.PyDataset):
        made = data(seed)
    if isinstance(made, (tuple, list)):
        samples = first_batches(data, batch_size * count, seed, 1)[0]
        size = max(1, min(batch_size, size_of(samples) // FEWEST_BATCHES))
        return [
            keras.tree.map_structure(lambda x, i=begin: x[i : i + size], samples)
            for begin in range(0, min(size_of(samples), size * count), size)
        ]
    # Not every data set knows how long it is.
    with contextlib.suppress(TypeError):
        count = min(count, len(made))
    kept = first_batches(data, batch_size, seed, max(1, count))
    return [kept[place] for place in range(len(kept))]


def _estimate(squares: np.ndarray, products: np.ndarray, size: int) -> NoiseScale:
    """From |g_i|² of each batch, and its product with the sum of those before it."""
    count = len(squares)
    if count < 2:
        return NoiseScale(math.nan, math.nan, math.nan, size, count)
    # |sum of all g|² = Σ |g_i|² + 2 Σ products
    small = squares.mean()
    large = (squares.sum() + 2 * products.sum()) / count**2
    gradient = (count * large - small) / (count - 1)
    noise = (small - large) / (1 / size - 1 / (count * size))
    # Without a gradient the products are martingale differences around 0.
    spread = math.sqrt(np.square(products).sum())
    resolved = bool(products.sum() > _RESOLVED * spread)
    scale = noise / gradient if resolved and gradient > 0 else math.nan
    return NoiseScale(float(scale), float(gradient), float(noise), size, count)
