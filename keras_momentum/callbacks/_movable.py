"""What a callback can move of an optimizer, by name."""

from collections.abc import Sequence
from typing import Any, NoReturn

from keras_momentum._hyperparameters import moving_of
from keras_momentum._numbers import number
from keras_momentum.optimizers import MomentumOptimizer

# What callbacks move that is no hyper-parameter. AggMo has one with the name "weights".
RESTART_EVERY = "restart_every"
MODEL_WEIGHTS = "model_weights"


def is_hyperparameter(name: str) -> bool:
    """Whether an element of a callback's `moves` is the name of a hyper-parameter."""
    return name not in (RESTART_EVERY, MODEL_WEIGHTS)


def canonical(name: str, kind: type[MomentumOptimizer] = MomentumOptimizer) -> str:
    """What a hyper-parameter is called in logs: "gamma" for "momentum".

    Args:
        name: Any of its names; another text stays as it is.
        kind: The class of the optimizer.
    """
    declared = moving_of(kind).get(name)
    return name if declared is None else declared.name


def said(name: str) -> str:
    """A hyper-parameter in a sentence."""
    return "the learning rate" if name == "learning_rate" else name


def check_movable(
    optimizers: Sequence[MomentumOptimizer], names: Sequence[str], mover: str
) -> None:
    """Raises an error if something can't be moved.

    Args:
        optimizers: The optimizers.
        names: Names of hyper-parameters.
        mover: The name of what is going to move them.

    Raises:
        ValueError: If an optimizer has none of that name.
        TypeError: If a schedule decides it, or it is a weight decay that is `None`.
    """
    for name in names:
        _check_known(optimizers, name, mover)
        for optimizer in optimizers:
            hyperparameter = optimizer.hyperparameter(name)
            if not hyperparameter.is_settable:
                _refuse(hyperparameter, mover)


def allowed(hyperparameter: Any, argument: str, value: Any, mover: str) -> Any:
    """Returns what a callback was given as a float, or as several floats.

    Args:
        hyperparameter: What is to be moved to it.
        argument: The name of the callback's argument.
        value: What was given.
        mover: The name of the callback.

    Raises:
        ValueError: If the hyper-parameter may not be that.
    """
    try:
        return hyperparameter.checked(argument, value)
    except ValueError as error:
        reason = str(error)
        raise ValueError(
            f"{mover} can't move {said(hyperparameter.name)} so: "
            f"{reason[:1].lower()}{reason[1:]}"
        ) from None


def present(optimizer: MomentumOptimizer, name: str) -> Any:
    """What a hyper-parameter is in the next update: a float, or a list of floats.

    Args:
        optimizer: The optimizer.
        name: Any of its names; of a weight decay there may be none, `None`.
    """
    value = getattr(optimizer, name)
    if isinstance(value, tuple):
        return [number(each) for each in value]
    return None if value is None else number(value)


def readings(optimizer: MomentumOptimizer, name: str) -> dict[str, float]:
    """The same by the names in logs: of several numbers each has its place in it."""
    value = present(optimizer, name)
    if isinstance(value, list):
        return {f"{name}_{place}": each for place, each in enumerate(value)}
    return {} if value is None else {name: value}


def _check_known(
    optimizers: Sequence[MomentumOptimizer], name: str, mover: str
) -> None:
    having = [each for each in optimizers if _has(each, name)]
    if len(having) == len(optimizers):
        return
    other = next(each for each in optimizers if not _has(each, name))
    kind = type(other).__name__
    if not having:
        *others, last = (f'"{each}"' for each in other.hyperparameters)
        raise ValueError(
            f"Argument `name` of {mover} must be {', '.join(others)} or {last}, which "
            f"are what {kind} has. Received: name={name!r}"
        )
    raise ValueError(
        f"Argument `name` of {mover} must be what each of its optimizers has, and "
        f"{other.name}, of the class {kind}, has no {name}; pass those that have it, "
        f"{', '.join(each.name for each in having)}, as `optimizer=...`. "
        f"Received: name={name!r}"
    )


def _has(optimizer: MomentumOptimizer, name: str) -> bool:
    return canonical(name, type(optimizer)) in optimizer.hyperparameters


def _refuse(hyperparameter: Any, mover: str) -> NoReturn:
    argument = hyperparameter.argument
    what = f"{mover} can't move {said(hyperparameter.name)}"
    if getattr(hyperparameter, "is_absent", False):
        raise TypeError(
            f"{what}: the optimizer was created with `{argument}=None`, which leaves "
            f"it out of the compiled step. Compile with `{argument}=0.0`, or without "
            f"{mover}."
        )
    number = "numbers as" if hasattr(hyperparameter, "elements") else "a float"
    raise TypeError(
        f"{what}: a schedule given as `{argument}` already decides it. Compile with "
        f"{number} `{argument}`, or without {mover}."
    )
