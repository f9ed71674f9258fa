"""Gammas and learning rates tried with one compilation."""

import math
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.comparison import Pair, find_gamma
from tests.comparison.problem import TRAINING, Counting, X, Y, build_model, weights_of

GAMMAS = (0.0, 0.5, 0.95)
RATES = (0.01, 0.05)
STEPS = 6


class Losses(keras.callbacks.Callback):
    """The loss of each batch, and the weights behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.weights: list[list[np.ndarray]] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        assert logs is not None
        self.losses.append(float(logs["loss"]))
        self.weights.append(
            [
                np.array(keras.ops.convert_to_numpy(weight), "float64")
                for weight in self.model.trainable_variables
            ]
        )


class Repeated(keras.utils.PyDataset):
    """Batches in their order."""

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int) -> Any:
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


def model_with(gamma: float, kind: Any = keras_momentum.Momentum) -> keras.Model:
    keras.utils.set_random_seed(0)
    argument = {kind.gamma_argument: gamma}
    return build_model(optimizer=kind(0.05, **argument))


@pytest.mark.parametrize("budget", [0.7, 1.0])
@pytest.mark.parametrize(
    "kind", [keras_momentum.NAG, keras_momentum.MomentumAdam], ids=lambda k: k.__name__
)
def test_losses_are_those_of_separate_trainings(kind: Any, budget: float) -> None:
    """Also of trainings that stop and go on between the parts of a search.

    To the digits that the mean of an epoch has as a float32.
    """
    model = model_with(0.9, kind)
    found = find_gamma(
        model,
        lambda seed: Repeated(),
        (0.0, 0.95),
        RATES,
        STEPS,
        budget=budget,
        verbose=0,
    )
    ended = 0
    for trial in found.trials:
        separate = model_with(trial.pair.gamma, kind)
        separate.optimizer.learning_rate = trial.pair.learning_rate
        losses = Losses()
        keras.utils.set_random_seed(0)
        separate.fit(Repeated(), shuffle=False, verbose=0, callbacks=[losses])
        steps = trial.steps
        ended += steps == STEPS
        expected = losses.losses[:steps]
        np.testing.assert_allclose(trial.losses[:steps], expected, rtol=2e-6)
        assert np.isnan(trial.losses[steps:]).all()
    assert ended == (4 if budget == 1.0 else 2)


class Partial(keras.utils.PyDataset):
    """Some batches are smaller ones."""

    sizes = (8, 8, 3, 8, 8, 3)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Any:
        part = slice(8 * index, 8 * index + self.sizes[index])
        return X[part], Y[part]


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_losses_of_smaller_batches_are_their_own(policy: str) -> None:
    """Keras's mean is one over samples."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model, separate = model_with(0.9), model_with(0.9)
    finally:
        keras.config.set_dtype_policy(before)
    found = find_gamma(model, lambda seed: Partial(), (0.9,), (0.05,), STEPS, verbose=0)
    losses = Losses()
    keras.utils.set_random_seed(0)
    separate.fit(Partial(), shuffle=False, verbose=0, callbacks=[losses])
    (trial,) = found.trials
    np.testing.assert_allclose(trial.losses, losses.losses, rtol=1e-5)


def test_a_pair_is_judged_at_the_average_of_the_second_half() -> None:
    """Against the mean squared error of averaged weights, in float64."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3)).astype("float32")
    y = (x.sum(axis=1) + rng.normal(size=80)).astype("float32")

    class Batches(keras.utils.PyDataset):
        def __init__(self, count: int):
            super().__init__()
            self.count = count

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> Any:
            return x[5 * index : 5 * index + 5], y[5 * index : 5 * index + 5]

    def model() -> keras.Model:
        keras.utils.set_random_seed(0)
        made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        made.compile(keras_momentum.Momentum(0.02, momentum=0.5), loss="mse")
        return made

    found = find_gamma(model(), Batches(16), (0.5,), (0.02,), 8, budget=1.0, verbose=0)
    losses, separate = Losses(), model()
    separate.fit(Batches(8), shuffle=False, verbose=0, callbacks=[losses])
    kernel, bias = (
        np.mean([weights[place] for weights in losses.weights[4:]], axis=0)
        for place in range(2)
    )
    errors = (x[40:].astype("float64") @ kernel)[:, 0] + bias - y[40:]
    assert found.final_losses[Pair(0.5, 0.02)] == pytest.approx(
        np.square(errors).mean(), rel=1e-5
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        keras_momentum.NAG(0.05),
        keras_momentum.Momentum(0.05, weight_decay=0.1),
        keras_momentum.MomentumAdam(0.05, nesterov=True),
        keras_momentum.MomentumRMSprop(0.05),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_the_weights_stand_still_while_they_are_judged(optimizer: Any) -> None:
    """Also where the velocity of an earlier training is left."""
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss="mse")
    model.fit(X[:64], Y[:64], epochs=2, verbose=0)
    found = find_gamma(model, AllAlike(), (0.5,), (0.01,), 1, verbose=0)
    expected = model.evaluate(X[:32], Y[:32], verbose=0)
    assert found.first_loss == pytest.approx(expected, rel=1e-5)


class AllAlike(keras.utils.PyDataset):
    """The same batch again and again."""

    def __len__(self) -> int:
        return 9

    def __getitem__(self, index: int) -> Any:
        return X[:32], Y[:32]


def test_the_same_effective_rates_are_tried_for_each_gamma() -> None:
    found = find_gamma(model_with(0.9), TRAINING, GAMMAS, steps=1, verbose=0)
    for gamma in GAMMAS:
        rates = [
            trial.pair.learning_rate / (1 - gamma)
            for trial in found.trials
            if trial.pair.gamma == gamma
        ]
        # The optimizer has 0.05/(1 − 0.9) = 0.5.
        np.testing.assert_allclose(rates, 0.5 * 10 ** np.linspace(-0.5, 0.5, 6), 1e-3)


def test_a_velocity_that_averages_has_its_learning_rate_as_the_effective_one() -> None:
    model = model_with(0.9, keras_momentum.MomentumAdam)
    found = find_gamma(model, TRAINING, (0.0, 0.99), steps=1, verbose=0)
    for trial in found.trials:
        assert trial.effective_rate == trial.pair.learning_rate
        assert 0.05 / 4 < trial.effective_rate < 0.05 * 4


def test_the_model_is_left_as_it_was() -> None:
    model = model_with(0.9)
    model.fit(*TRAINING, verbose=0)
    before, history = weights_of(model), model.history
    function, optimizer = model.train_function, model.optimizer
    find_gamma(model, TRAINING, GAMMAS, RATES, STEPS, verbose=0)
    for first, second in zip(before, weights_of(model), strict=True):
        np.testing.assert_array_equal(first, second)
    assert model.history is history
    assert model.train_function is function
    assert model.optimizer is optimizer
    for name, expected in (("gamma", 0.9), ("learning_rate", 0.05)):
        value = keras.ops.convert_to_numpy(getattr(optimizer, name))
        assert float(value) == pytest.approx(expected)
    assert not model.stop_training


def test_it_is_left_as_it_was_after_an_error_too() -> None:
    model = model_with(0.9)
    before = weights_of(model)
    x, y = X.copy(), Y
    with pytest.raises(Exception, match=r".+"):
        find_gamma(model, (x[:, :5], y), GAMMAS, RATES, STEPS, verbose=0)
    for first, second in zip(before, weights_of(model)[: len(before)], strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="on torch nothing is traced"
)
def test_all_pairs_share_one_trace() -> None:
    """The noise scale has a step of its own, traced as often in each search."""
    counting = Counting()
    model = keras.Sequential([keras.Input((8,)), counting, keras.layers.Dense(1)])
    model.compile(keras_momentum.Momentum(0.01), loss="mse")
    calls = []
    for gammas, rates in (((0.5,), (0.01,)), ((0.5,), (0.01,)), (GAMMAS, RATES)):
        before = counting.calls
        find_gamma(model, (X, Y), gammas, rates, steps=3, verbose=0)
        calls.append(counting.calls - before)
    assert calls[0] > calls[1] == calls[2]


class Valley(keras.layers.Layer):
    """½ (λ_1 w_1² + λ_2 w_2²), the same for every batch."""

    def build(self, shape: Any) -> None:
        self.w = self.add_weight(shape=(2,), initializer="ones")

    def call(self, x: Any) -> Any:
        curvatures = keras.ops.convert_to_tensor([1.0, 1.0 / 400.0])
        return x * 0.0 + 0.5 * keras.ops.sum(curvatures * self.w**2)


def average_in_the_valley(gamma: float, rate: float, steps: int) -> float:
    """The loss at the average of the last iterates, by the heavy ball's formula."""
    curvatures, w, v = np.array([1.0, 1.0 / 400.0]), np.ones(2), np.zeros(2)
    iterates = []
    for _ in range(steps):
        v = gamma * v + rate * curvatures * w
        w = w - v
        iterates.append(w)
    average = np.mean(iterates[steps // 2 :], axis=0)
    return float(0.5 * np.sum(curvatures * average**2))


def test_the_best_pair_of_a_valley_is_that_of_its_formula() -> None:
    """κ = 400; plain descent is stable below η = 2, momentum above it."""
    model = keras.Sequential([keras.Input((1,)), Valley()])
    model.compile(
        keras_momentum.Momentum(0.1, momentum=0.0),
        loss=lambda y_true, y_pred: keras.ops.mean(y_pred, axis=-1),
    )
    data = (np.zeros((8, 1)), np.zeros((8, 1)))
    gammas, rates, steps = (0.0, 0.5, 0.8, 0.99), (0.2, 1.8, 3.1), 20
    search = find_gamma(model, data, gammas, rates, steps, budget=1.0, verbose=0)
    expected = {
        (gamma, rate): average_in_the_valley(gamma, rate, steps)
        for gamma in gammas
        for rate in rates
        if rate < 2 * (1 + gamma)
    }
    for pair, loss in search.final_losses.items():
        if pair in expected:
            assert loss == pytest.approx(expected[pair], rel=1e-3, abs=1e-6)
        else:
            assert math.isnan(loss)
    assert search.recommended == min(expected, key=expected.__getitem__)
    plain = min((loss, rate) for (gamma, rate), loss in expected.items() if not gamma)
    assert f"descent at its own best rate of {plain[1]}" in search.verdict()


def test_data_that_shuffle_by_themselves_are_the_same_for_all() -> None:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(TRAINING).shuffle(64).batch(8)
    search = find_gamma(model_with(0.9), data, GAMMAS, RATES, 12, verbose=0)
    assert len({losses[0] for losses in search.losses.values()}) == 1


def test_a_model_without_weights_gets_them() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras_momentum.Momentum(0.01), loss="mse")
    search = find_gamma(model, (X, Y), GAMMAS, RATES, STEPS, verbose=0)
    assert len({losses[0] for losses in search.losses.values()}) == 1


def test_class_weights_are_those_of_fit() -> None:
    def found(**arguments: Any) -> np.ndarray:
        data = (*TRAINING, *arguments.pop("third", ()))
        search = find_gamma(
            model_with(0.9), data, (0.9,), (0.05,), 3, verbose=0, **arguments
        )
        return search.losses[Pair(0.9, 0.05)]

    weights = np.where(TRAINING[1] == 1, 3.0, 1.0).astype("float32")
    by_class = found(class_weight={0: 1.0, 1: 3.0})
    np.testing.assert_allclose(by_class, found(third=(weights,)), 1e-6)
    assert not np.allclose(by_class, found())


def test_optimizers_within_others_are_moved() -> None:
    keras.utils.set_random_seed(0)
    model = build_model(optimizer=keras_momentum.Momentum(0.05))
    losses = find_gamma(model, TRAINING, GAMMAS, RATES, 3, verbose=0).losses
    keras.utils.set_random_seed(0)
    wrapped = keras.optimizers.LossScaleOptimizer(
        keras_momentum.Momentum(0.05), initial_scale=1.0
    )
    scaled = find_gamma(
        build_model(optimizer=wrapped), TRAINING, GAMMAS, RATES, 3, verbose=0
    )
    for pair, expected in losses.items():
        np.testing.assert_allclose(scaled.losses[pair], expected, rtol=1e-5)


def test_optimizers_of_single_layers_are_moved_together() -> None:
    losses = []
    for several in (False, True):
        keras.utils.set_random_seed(0)
        model = build_model(optimizer=keras_momentum.Momentum(0.05))
        if several:
            of_first, of_others = (keras_momentum.Momentum(0.05) for _ in range(2))
            first = {weight.path for weight in model.layers[0].trainable_variables}

            def which(
                weight: Any, first: Any = first, found: Any = (of_first, of_others)
            ) -> Any:
                return found[weight.path not in first]

            both = keras.optimizers.MultiOptimizer(which)
            both.build(model.trainable_variables)
            model.compile(both, loss=model.loss)
        losses.append(find_gamma(model, TRAINING, GAMMAS, RATES, 3, verbose=0).losses)
    for pair, expected in losses[0].items():
        np.testing.assert_allclose(losses[1][pair], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gammas": ()}, "Argument `gammas` must have at least one float"),
        ({"gammas": (0.5, 0.5)}, "none twice"),
        ({"gammas": (1.0,)}, "Argument `gammas` must be a float in the range"),
        ({"learning_rates": ()}, "Argument `learning_rates` must have at least one"),
        ({"learning_rates": (-1.0,)}, "Argument `learning_rates` must be a finite"),
        ({"learning_rates": 0.1}, "Argument `learning_rates` must have"),
        ({"steps": 0}, "Argument `steps` must be an integer >= 1"),
        ({"budget": 0.0}, "Argument `budget` must be a finite float > 0"),
        ({"budget": 1.5}, r"Argument `budget` must be a float in \(0, 1\]"),
        ({"data": (np.ones((0, 8)), np.ones(0))}, "at least 1"),
        ({"data": []}, "at least 1"),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"data": TRAINING, "verbose": 0, **arguments}
    with pytest.raises(ValueError, match=message):
        find_gamma(model_with(0.9), **given)


def test_arguments_of_fit_that_are_its_own_are_refused() -> None:
    with pytest.raises(TypeError, match="unexpected argument `epochs`"):
        find_gamma(model_with(0.9), TRAINING, epochs=3)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has one step an execution"
)
def test_several_steps_in_one_execution_are_refused() -> None:
    model = build_model(optimizer=keras_momentum.Momentum(0.01), steps_per_execution=2)
    with pytest.raises(ValueError, match="steps_per_execution=2"):
        find_gamma(model, TRAINING, verbose=0)


def test_schedules_and_other_optimizers_are_refused() -> None:
    schedule = keras_momentum.schedules.LinearRamp(0.5, 0.9, steps=10)
    model = build_model(optimizer=keras_momentum.Momentum(0.01, momentum=schedule))
    with pytest.raises(TypeError, match="a schedule given as `momentum`"):
        find_gamma(model, TRAINING, verbose=0)
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = build_model(optimizer=keras_momentum.Momentum(decay))
    with pytest.raises(TypeError, match="the learning rate: a schedule"):
        find_gamma(model, TRAINING, verbose=0)
    with pytest.raises(ValueError, match=r"keras_momentum\.Momentum"):
        find_gamma(build_model(optimizer="adam"), TRAINING, verbose=0)
