"""How a class says which hyper-parameters its optimizers have."""

from collections.abc import Callable
from typing import Any, TypeAlias

from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.hyperparameter import Hyperparameter
from keras_momentum._hyperparameters.vector import HyperparameterVector
from keras_momentum._hyperparameters.weight_decay import WeightDecay

AnyHyperparameter: TypeAlias = Hyperparameter | HyperparameterVector


class Moving:
    """A hyper-parameter of an optimizer: a float, a schedule or a callable.

    As an attribute of the class it is a property of the optimizer. What is read is a
    scalar; what is set takes effect in the next step, without a new trace.

    ```python
    class MomentumAdam(MomentumOptimizer):
        beta_2 = Moving("[0, 1)", "What the second moment keeps.")

        def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, **kwargs):
            super().__init__(learning_rate, beta_1, {"beta_2": beta_2}, **kwargs)
    ```

    In a formula it is `step.beta_2` and, where it goes from 0 to 1,
    `step.one_minus_beta_2`, which is exact also close to 1.

    Args:
        interval: What it may be: `"[0, 1]"`, `"[0, 1)"`, `"[0, inf)"`, `"(0, inf)"` or
            `"(-inf, inf)"`.
        documentation: The property's docstring.
        looks_ahead: Whether the formula also reads that of the next update,
            `step.next_beta_2`. Defaults to `False`.

    Attributes:
        name: Its first name in the class.
    """

    def __init__(self, interval: str, documentation: str, looks_ahead: bool = False):
        self.bounds = Bounds(interval)
        self.looks_ahead = looks_ahead
        self.name = ""
        self.__doc__ = documentation

    def __set_name__(self, owner: type, name: str) -> None:
        # gamma = momentum = beta_1 = Moving(...): the first one is what it is called.
        self.name = self.name or name

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        if optimizer is None:
            return self
        return optimizer._read_hyperparameter(self.name)

    def __set__(self, optimizer: Any, value: Any) -> None:
        # Keras's constructor sets what it knows before there is anything to be set.
        if "_hyperparameters" in vars(optimizer):
            optimizer.hyperparameter(self.name).set(value)

    def create(
        self, control: Control, value: Any, argument: str, is_built: Callable[[], bool]
    ) -> AnyHyperparameter:
        """Makes the hyper-parameter of an optimizer.

        Args:
            control: Where its numbers will be.
            value: What the constructor was given.
            argument: The name of the constructor's argument.
            is_built: Returns whether the optimizer is built.
        """
        return Hyperparameter(
            control, self.name, value, argument, self.bounds, self.looks_ahead
        )


class MovingDecay(Moving):
    """A weight decay, which may be `None`."""

    def create(
        self, control: Control, value: Any, argument: str, is_built: Callable[[], bool]
    ) -> AnyHyperparameter:
        return WeightDecay(is_built, control, self.name, value, argument, self.bounds)


class MovingVector(Moving):
    """One of several numbers."""

    def create(
        self, control: Control, value: Any, argument: str, is_built: Callable[[], bool]
    ) -> AnyHyperparameter:
        return HyperparameterVector(
            control, self.name, value, self.bounds, self.looks_ahead
        )


def moving_of(optimizer_class: type) -> dict[str, Moving]:
    """The hyper-parameters of a class by all of their names, inherited ones first."""
    return {
        name: value
        for each in reversed(optimizer_class.__mro__)
        for name, value in vars(each).items()
        if isinstance(value, Moving)
    }
