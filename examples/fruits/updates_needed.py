"""How many updates a small network needs until it knows drawn fruits."""

import functools
from collections.abc import Callable

import keras
import numpy as np

from fruits.rendering import KINDS, draw_fruit
from keras_momentum import NAG, Momentum, MomentumAdam
from keras_momentum.comparison import ModelState, gradient_noise_scale

TARGET = 1.0
_SIDE = 16
_AT_MOST = 3000
_SEARCH_SEEDS = (1000, 1001)
PLAIN = "plain descent"
# How each is made, and the learning rate with which the search begins.
OPTIMIZERS: dict[str, tuple[Callable[[], keras.optimizers.Optimizer], float]] = {
    PLAIN: (lambda: Momentum(momentum=0.0), 0.3),
    "Momentum 0.9": (lambda: Momentum(momentum=0.9), 0.03),
    "Momentum 0.98": (lambda: Momentum(momentum=0.98), 0.006),
    "NAG 0.9": (lambda: NAG(momentum=0.9), 0.03),
    "NAG 0.98": (lambda: NAG(momentum=0.98), 0.006),
    "MomentumAdam": (MomentumAdam, 0.003),
}


@functools.cache
def draw_fruits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with values from 0 to 1, and the numbers of their kinds."""
    labels = np.arange(count) % len(KINDS)
    pictures = [
        draw_fruit(KINDS[kind], _SIDE, (0, 0, i)) for i, kind in enumerate(labels)
    ]
    return np.stack(pictures).astype("float32") / 255, labels


def build(normalized: bool) -> keras.Model:
    """A network of tanh units whose weights follow from Keras's random seed."""
    inputs = keras.Input((_SIDE, _SIDE, 3))
    found = keras.layers.Flatten()(inputs)
    for _ in range(2):
        found = keras.layers.Dense(32)(found)
        if normalized:
            # With the statistics of what it is given, also where the loss is measured:
            # moving averages are far behind after few updates.
            found = keras.layers.BatchNormalization()(found, training=True)
        found = keras.layers.Activation("tanh")(found)
    return keras.Model(inputs, keras.layers.Dense(len(KINDS))(found))


@functools.cache
def starting_weights(normalized: bool, seed: int) -> list[np.ndarray]:
    keras.utils.set_random_seed(seed)
    weights: list[np.ndarray] = build(normalized).get_weights()
    return weights


class Trainings:
    """Trains one model again and again from its start, with one compiled step."""

    def __init__(self, optimizer: str, normalized: bool, fruits: int):
        self.normalized = normalized
        self.pictures, self.labels = draw_fruits(fruits)
        self.model = build(normalized)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        make, self.first_rate = OPTIMIZERS[optimizer]
        self.model.compile(make(), loss)
        self._state = ModelState(self.model)

    def begin(self, seed: int) -> None:
        self._state.restore()
        self.model.set_weights(starting_weights(self.normalized, seed))

    def updates(
        self,
        learning_rate: float,
        batch_size: int,
        seed: int,
        at_most: float = _AT_MOST,
    ) -> float:
        """The updates until the loss is `TARGET`, or infinity if they are more."""
        self.begin(seed)
        self.model.optimizer.learning_rate = learning_rate
        rng = np.random.default_rng(seed)
        left = np.empty(0, int)
        done = next_look = 0
        while done < at_most:
            if len(left) < batch_size:
                left = rng.permutation(len(self.labels))
            batch, left = left[:batch_size], left[batch_size:]
            self.model.train_on_batch(self.pictures[batch], self.labels[batch])
            done += 1
            if done < next_look:
                continue
            next_look = max(done + 1, round(1.05 * done))
            self.model.reset_metrics()
            loss = self.model.test_on_batch(self.pictures, self.labels)
            if loss <= TARGET:
                return done
            if not np.isfinite(loss):
                break
        return np.inf

    def best_rate(self, batch_size: int, first: float) -> float:
        """The learning rate with the fewest updates, summed over `_SEARCH_SEEDS`."""

        def rate(twelfths: int) -> float:
            return float(first * 10 ** (twelfths / 12))

        @functools.cache
        def needed(twelfths: int) -> float:
            total = 0.0
            for seed in _SEARCH_SEEDS:
                # Those that need more than the best one are not trained to the end.
                at_most = min(_AT_MOST, fewest - total)
                total += self.updates(rate(twelfths), batch_size, seed, at_most)
            return total

        best, fewest = 0, np.inf
        # Nearby first: where the first rate diverges, or does not get there.
        for place in sorted(range(-20, 21, 4), key=abs):
            if needed(place) < fewest:
                best, fewest = place, needed(place)
                break
        for step in (4, -4, 2, -2, 1, -1):
            while needed(best + step) < fewest:
                best, fewest = best + step, needed(best + step)
        return rate(best)

    def noise_scales(self) -> list[float]:
        """The gradient noise scale at the start, and after training on all at once."""
        fruits = (self.pictures, self.labels)
        self.begin(seed=0)
        first = gradient_noise_scale(self.model, fruits).scale
        self.updates(self.first_rate, len(self.labels), seed=0)
        return [first, gradient_noise_scale(self.model, fruits).scale]
