"""The gradient noise scale: how much of a batch's gradient is noise."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.comparison._noise import (
    FEWEST_BATCHES,
    NoiseScale,
    distinct_batches,
    measure,
)
from keras_momentum.comparison._state import RandomState


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
    arguments.integer("batches", batches, minimum=FEWEST_BATCHES)
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
