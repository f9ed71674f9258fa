"""All hyper-parameters of an optimizer."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from keras import ops

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.hyperparameter import Hyperparameter, next_of
from keras_momentum._hyperparameters.learning_rate import LearningRate
from keras_momentum._hyperparameters.moving import AnyHyperparameter, Moving
from keras_momentum._hyperparameters.plan import planned
from keras_momentum._hyperparameters.weight_decay import WeightDecay


class Hyperparameters:
    """The learning rate, gamma and whatever else the formula of an optimizer reads.

    Args:
        control: Where their numbers are.
        learning_rate: The learning rate.
        declared: What the optimizer's class says of the others, by all of their names.

    Attributes:
        each: All of them, by the name that each has whatever it is called.
    """

    def __init__(
        self,
        control: Control,
        learning_rate: LearningRate,
        declared: Mapping[str, Moving],
    ):
        self.each: dict[str, AnyHyperparameter | LearningRate] = {}
        self.each[learning_rate.name] = learning_rate
        self._singles: list[Hyperparameter] = []
        self._control = control
        self._rate = learning_rate
        self._declared = declared

    def check_declared(self, given: Collection[str], class_name: str) -> None:
        """Raises `TypeError` if a class has not given what it declares, or more.

        Args:
            given: The names of what its constructor has given.
            class_name: The name of the class.
        """
        declared = {moving.name for moving in self._declared.values()}
        if declared != set(given):
            names = sorted(declared ^ set(given))
            raise TypeError(
                f"{class_name} must declare each hyper-parameter as a `Moving` and "
                "give its value to the constructor of MomentumOptimizer, as in "
                f'`super().__init__(learning_rate, momentum, {{"{names[0]}": ...}})`. '
                f"Received: only one of the two for {', '.join(names)}"
            )

    def add(
        self, name: str, value: Any, argument: str, is_built: Callable[[], bool]
    ) -> None:
        """Makes one.

        Args:
            name: Its name.
            value: What the constructor of the optimizer was given.
            argument: The name of the constructor's argument.
            is_built: Returns whether the optimizer is built.
        """
        moving = self._declared[name]
        made = moving.create(self._control, value, argument, is_built)
        self.each[name] = made
        self._singles += getattr(made, "elements", [made])

    def check_decay(self, name: str) -> None:
        """Raises `TypeError` if it is not the name of a weight decay."""
        if not isinstance(self.each.get(name), WeightDecay):
            raise TypeError(
                "`weight_decay_of` must return the name of a hyper-parameter that is "
                f"declared as a `MovingDecay`. Received: {name!r}"
            )

    def named(self, name: str) -> Any:
        """The one that has a name; raises `ValueError` if there is none."""
        known = [*self.each, *self._declared]
        arguments.one_of("name", name, list(dict.fromkeys(known)))
        return self.each[name if name in self.each else self._declared[name].name]

    @property
    def decays(self) -> list[str]:
        """The names of the weight decays that there are."""
        return [one.name for one in self._present() if isinstance(one, WeightDecay)]

    def config(self) -> dict[str, Any]:
        """What the constructor needs to make them again, but for the learning rate."""
        return {
            each.argument: each.config()
            for each in self.each.values()
            if not isinstance(each, LearningRate)
        }

    def now(self, name: str, step: Any) -> Any:
        """A number for the next update, a tensor; not the learning rate.

        Args:
            name: Its name; that of one of several numbers has its place.
            step: The step that a schedule is given.
        """
        (one,) = (one for one in self._singles if one.name == name)
        return ops.convert_to_tensor(one.scalar(step))

    # In a step.

    def ahead(self, scalars: Mapping[str, Any], iteration: Any) -> dict[str, Any]:
        """What those that can follow a plan will be at the update `iteration`."""
        # Those that have a complement come first, so that a slice has them all.
        held = [one for one in self._present() if one.source is None]
        held.sort(key=lambda one: not one.bounds.is_share)
        complements = [one.complement for one in held if one.bounds.is_share]
        followers: list[Any] = [*held, *[self._rate] * self._rate.is_settable]
        if not followers:
            return {}
        names = [next_of(one.name) for one in followers]
        now = [one.current(scalars, iteration) for one in followers]
        stay = [scalars[name] for name in complements]
        paths = [one.path for one in followers]
        counts = [scalars[path.count] for path in paths]
        if not backend.is_known(counts[0]) or any(count > 0 for count in counts):
            values, is_planned = planned(
                paths, self._control, scalars, iteration, backend.stacked(now)
            )
            now = backend.parts(values)
            if complements:
                n = len(complements)
                stay = backend.parts(
                    backend.scalar_ops.where(
                        is_planned[:n], 1 - values[:n], backend.stacked(stay)
                    )
                )
        names += [next_of(name) for name in complements]
        return dict(zip(names, [*now, *stay], strict=True))

    def of_step(
        self, scalars: dict[str, Any], iteration: Any, but: str
    ) -> dict[str, Any]:
        """The scalars of a formula, by name.

        Args:
            scalars: Those of the control; what was given is kept there.
            iteration: The update.
            but: The name of the one that is left out.
        """
        found: dict[str, Any] = {}
        for one in self._present():
            if one.name != but:
                found |= one.of_step(scalars, iteration, iteration + 1)
        return found

    def after(self, scalars: Mapping[str, Any]) -> dict[str, Any]:
        """What the numbers of all are after an update; see `of_step`."""
        found: dict[str, Any] = {}
        for one in self._present():
            found |= one.after(scalars)
        return found

    def _present(self) -> list[Hyperparameter]:
        return [one for one in self._singles if not one.is_absent]
