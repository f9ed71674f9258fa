"""The gradient noise scale: how much of a batch's gradient is noise."""

import contextlib
import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum.comparison._batches import KeptBatches, first_batches
from keras_momentum.comparison._gradient_sums import GradientReader, GradientSums
from keras_momentum.comparison._state import ModelState, RandomState

# Standard deviations of noise alone, which it exceeds in one of 20 cases.
_RESOLVED = 1.645
# With fewer batches than this nothing can be resolved.
_FEWEST = 8


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


def gradient_noise_scale(
    model: keras.Model,
    data: Any,
    *,
    batch_size: int = 32,
    seed: int = 0,
    batches: int = 64,
    **fit_arguments: Any,
) -> NoiseScale:
    """Measures the gradient noise scale of a model at the weights that it has.

    ```python
    G = (B * |g_B|² - b * |g_b|²) / (B - b)         # |G|², without noise
    S = (|g_b|² - |g_B|²) / (1 / b - 1 / B)         # the noise of one sample
    scale = S / G
    ```

    where g_b is the gradient of a batch of b samples, its squared norm averaged over
    all batches, and g_B that of their B samples together. In batches far below the
    scale noise drowns the gradient; far above it larger batches gain nothing. It holds
    for these weights, and usually grows as the loss falls.

    The gradients are those of training: with dropout, batch statistics, regularisation,
    class and sample weights. The model is left as it was, its compiled step included.

    Args:
        model: A compiled `keras.Model`, with any optimizer.
        data: As `train_data` of `keras_momentum.comparison.compare`; one pass through
            them is used at most.
        batch_size: An integer >= 1, for arrays; of few samples smaller batches are
            taken, so that there are at least 8. Defaults to `32`.
        seed: An integer >= 0, from which the order of arrays follows. Defaults to `0`.
        batches: An integer >= 8. The number of batches at most. Defaults to `64`.
        **fit_arguments: Arguments of `fit`, such as `class_weight`.

    Returns:
        A `NoiseScale`.

    Raises:
        ValueError: If an argument is not as said above; if the model is not compiled.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> x = np.random.default_rng(0).normal(size=(2048, 1))
    >>> model = keras.Sequential(
    ...     [keras.Input((1,)), keras.layers.Dense(1, use_bias=False)]
    ... )
    >>> model.compile("sgd", loss="mse")
    >>> model.set_weights([np.zeros((1, 1))])
    >>> found = keras_momentum.comparison.gradient_noise_scale(model, (x, x))
    >>> bool(1 < found.scale < 3)  # the variance of 2 x² over its mean, squared: 2
    True

    Reference:

    - McCandlish, Kaplan, Amodei and the OpenAI Dota team, 2018, "An empirical model of
      large-batch training", appendix A.1.
    """
    arguments.integer("batch_size", batch_size, minimum=1)
    arguments.integer("seed", seed, minimum=0)
    arguments.integer("batches", batches, minimum=_FEWEST)
    if getattr(model, "steps_per_execution", 1) > 1:
        raise ValueError(
            "gradient_noise_scale needs the gradient of every step; compile with "
            "`steps_per_execution=1`. Received a model with "
            f"steps_per_execution={model.steps_per_execution}"
        )
    random_state = RandomState()
    try:
        found = distinct_batches(data, batch_size, seed, batches)
        if not model.built:
            model(found[0][0])
        return measure(model, found, fit_arguments)
    finally:
        random_state.restore()


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
        size = max(1, min(batch_size, size_of(samples) // _FEWEST))
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
