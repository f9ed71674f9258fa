"""From where the runs of a comparison start, and the model that runs them."""

from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._candidates import Candidate
from keras_momentum.comparison._digests import digest
from keras_momentum.comparison._models import names_from, names_so_far, scope_of
from keras_momentum.comparison._state import (
    ModelState,
    assign_all,
    state_of,
    state_of_optimizer,
    value_of,
    values_of,
)


class StartingPoint:
    """The weights from which all optimizers start, for each seed.

    Args:
        build_model: A function that returns a compiled model, whose weights follow from
            the seed; or a compiled model, whose present weights are those of all seeds,
            so that only the random numbers of its layers follow from the seed.

    Raises:
        TypeError: If `build_model` is none of these.
    """

    def __init__(self, build_model: Any):
        self._given = isinstance(build_model, keras.Model)
        if not self._given and not callable(build_model):
            raise TypeError(
                "Argument `build_model` must be a function that returns a compiled "
                f"model, or a compiled model. Received: build_model={build_model!r}"
            )
        self._build = build_model
        self._names = names_so_far()
        self._state: ModelState | None = None
        self._former: tuple[Any, Any] = (None, None)
        if self._given:
            self._state = ModelState(build_model)
            self._former = (build_model.optimizer, build_model.train_function)

    def model(self, seed: int) -> keras.Model:
        """A model with the weights of a seed."""
        keras.utils.set_random_seed(seed)
        if self._state is not None:
            self._state.restore()
            _reseed(self._build, seed)
            return self._build
        model = self._built(seed)
        if not isinstance(model, keras.Model) or not model.compiled:
            raise TypeError(
                "Argument `build_model`, a function, must return a compiled model. "
                f"Received: {model!r} from it"
            )
        if not model.built:
            raise ValueError(
                "Argument `build_model` must return a model that has its weights; give "
                "it a keras.Input or call it on a batch. "
                f"Received: {model!r}, which is not built"
            )
        return model

    def _built(self, seed: int) -> Any:
        """What the function returns, with the same names each time."""
        try:
            with names_from({}):
                return self._build()
        except ValueError as error:
            if "unique name" not in str(error):
                raise
            # A layer from outside has one of these names.
            keras.utils.set_random_seed(seed)
            with names_from(self._names):
                return self._build()

    def check(self, seed: int) -> keras.Model:
        """A model with the weights of a seed, of which it is known that they are its.

        Raises:
            ValueError: If two models share weights that are trained, or have others for
                the same seed.
        """
        model = self.model(seed)
        if self._given:
            return model
        other = self.model(seed)
        ours = {id(weight) for weight in model.trainable_variables}
        for layer in other._flatten_layers(include_self=False):
            if any(id(weight) in ours for weight in layer.trainable_variables):
                raise ValueError(
                    "Argument `build_model` must make all layers that are trained "
                    "anew, so that no optimizer starts from what another one has "
                    f"trained. Received: a model with {layer.name!r}, a layer that it "
                    "shares with the model before"
                )
        for mine, others in zip(model.variables, other.variables, strict=True):
            if not np.array_equal(value_of(mine), value_of(others), equal_nan=True):
                raise ValueError(
                    "Argument `build_model` must give the same weights for the same "
                    "seed; let random numbers of its own, as of an initializer, follow "
                    "from keras.utils.set_random_seed or an integer. "
                    f"Received: a model with others in {mine.path!r} each time"
                )
        return model

    def weights_of(self, seed: int) -> str:
        """The digest of the weights of a seed."""
        return digest(values_of(self.model(seed)))

    @property
    def known_weights(self) -> list[keras.Variable]:
        """The weights that the user had in hand: those of a model that was given."""
        return list(self._build.trainable_variables) if self._given else []

    def end(self) -> None:
        """Leaves a model that was given as it was found."""
        if self._state is not None:
            self._build.optimizer, self._build.train_function = self._former
            self._state.restore()


class Runner:
    """A model with the optimizer of a candidate, compiled once for all seeds.

    Args:
        start: The starting point.
        candidate: The optimizer.

    Attributes:
        model: The model; `None` before the first seed.
        compiles: Whether its step has yet to be compiled.
    """

    def __init__(self, start: StartingPoint, candidate: Candidate):
        self._start = start
        self._candidate = candidate
        self.model: Any = None
        self.compiles = True

    def begin(self, seed: int) -> str:
        """Gives the model the weights of a seed, and its optimizer's state of step 0.

        Returns:
            The digest of the weights.
        """
        model = self._start.model(seed)
        values = values_of(model)
        is_first = self.model is None
        if is_first:
            self.model = model
            self._scales_loss = isinstance(
                model.optimizer, keras.optimizers.LossScaleOptimizer
            )
        optimizer = self._new_optimizer()
        state = [value_of(variable) for variable in state_of_optimizer(optimizer)]
        if is_first:
            self.model.optimizer = optimizer
            self.model.train_function = None
        assign_all(state_of(self.model), [*values, *state])
        return digest(values)

    def _new_optimizer(self) -> Any:
        weights, known = self.model.trainable_variables, self._start.known_weights
        with scope_of(self.model):
            optimizer = self._candidate._new_optimizer(weights, known)
            if self._scales_loss and not isinstance(
                optimizer, keras.optimizers.LossScaleOptimizer
            ):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(weights)
        return optimizer


def _reseed(model: keras.Model, seed: int) -> None:
    """Lets the random numbers of a model's layers follow from the seed."""
    for number, variable in enumerate(model.variables):
        if variable.name == "seed_generator_state":
            generator = keras.random.SeedGenerator(seed + 1000 * number)
            variable.assign(value_of(generator.state))
