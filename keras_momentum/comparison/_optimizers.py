"""What optimizers of any kind have in common, and copies of them."""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import keras

from keras_momentum._numbers import number


def within(optimizer: Any) -> Iterator[Any]:
    """An optimizer, and those in it: each before the ones that it wraps.

    Args:
        optimizer: An optimizer, perhaps a `LossScaleOptimizer` or a `MultiOptimizer`.
    """
    yield optimizer
    inner = getattr(optimizer, "inner_optimizer", None)
    for each in (inner, *getattr(optimizer, "optimizers", [])):
        if each is not None:
            yield from within(each)


def gamma_of(optimizer: Any) -> float:
    """The momentum coefficient of any optimizer; 0 where it has none.

    Args:
        optimizer: An optimizer, of Keras or of keras_momentum.

    Returns:
        Its `gamma`, else its `momentum`, else its `beta_1`.

    Example:

    >>> import keras_momentum
    >>> keras_momentum.comparison.gamma_of(keras.optimizers.SGD(momentum=0.8))
    0.8
    """
    optimizer = _first_of(optimizer)
    for name in ("gamma", "momentum", "beta_1"):
        value = getattr(optimizer, name, None)
        if value is not None:
            return as_written(value)
    return 0.0


def learning_rate_of(optimizer: Any) -> float:
    """The learning rate of any optimizer; NaN where it is not known yet."""
    return number(getattr(_first_of(optimizer), "learning_rate", math.nan))


def updates_after(optimizer: Any) -> int:
    """The number of batches after which any optimizer makes an update."""
    return getattr(_first_of(optimizer), "gradient_accumulation_steps", None) or 1


def as_written(value: Any) -> float:
    """A number as a person wrote it, without the last digits of its float32."""
    return float(f"{number(value):.6g}")


def maker_of(optimizer: Any) -> Callable[[], keras.optimizers.Optimizer]:
    """A function that makes new optimizers.

    Args:
        optimizer: An optimizer, its name or configuration, or a function that returns
            one.

    Raises:
        ValueError: If it is none of these; from what is returned, if `optimizer` is a
            function that returns something else.
    """
    if isinstance(optimizer, keras.optimizers.Optimizer):
        kind, config = type(optimizer), optimizer.get_config()
        return lambda: kind.from_config(copy.deepcopy(config))
    if isinstance(optimizer, (str, dict)):
        return lambda: keras.optimizers.get(copy.deepcopy(optimizer))
    if not callable(optimizer) or isinstance(optimizer, type):
        raise ValueError(
            "Argument `optimizer` must be an optimizer, its name or configuration, or "
            f"a function that returns one. Received: optimizer={optimizer!r}"
        )

    def make() -> keras.optimizers.Optimizer:
        made = optimizer()
        if not isinstance(made, keras.optimizers.Optimizer):
            raise ValueError(
                "Argument `optimizer`, a function, must return an optimizer. "
                f"Received: {made!r} from it"
            )
        return made

    return make


@dataclasses.dataclass(frozen=True)
class DecayExclusions:
    """The weights that an optimizer leaves out of weight decay.

    Keras writes neither into an optimizer's configuration, and keeps of single
    variables nothing but a key.

    Attributes:
        names: `None` or the regular expression of names of weights.
        paths: The paths of single weights; `None` for each that is not known.
    """

    names: str | None
    paths: tuple[str | None, ...]

    @classmethod
    def of(cls, optimizer: Any, known: Iterable[keras.Variable] = ()) -> Self:
        """Those of an optimizer.

        Args:
            optimizer: An optimizer.
            known: Variables that may be among the excluded ones, beside those that the
                optimizer was built with.
        """
        pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
        paths = {
            optimizer._var_key(variable): variable.path
            for variable in (*known, *getattr(optimizer, "_trainable_variables", ()))
        }
        keys = getattr(optimizer, "_exclude_from_weight_decay", ())
        found = sorted((paths.get(key) for key in keys), key=str)
        return cls(pattern and pattern.pattern, tuple(found))

    def apply(self, optimizer: Any, weights: Sequence[keras.Variable]) -> None:
        """Excludes the same weights in another model.

        Args:
            optimizer: An optimizer that is not built yet.
            weights: The trainable weights of the model.

        Raises:
            ValueError: If it can't be said which weights these are.
        """
        if not (self.names or self.paths):
            return
        excluded = [weight for weight in weights if weight.path in self.paths]
        if len(excluded) != len(self.paths):
            raise ValueError(
                "Argument `optimizers` has an optimizer that excludes variables from "
                "weight decay which have no counterpart of the same path in the model "
                "of the runs; use `exclude_from_weight_decay(var_names=[...])`. "
                f"Received: {optimizer.name!r}"
            )
        optimizer.exclude_from_weight_decay(
            var_list=excluded, var_names=[self.names] if self.names else None
        )


def _first_of(optimizer: Any) -> Any:
    """The first optimizer within another one that has none in itself."""
    return next(each for each in within(optimizer) if len([*within(each)]) == 1)
