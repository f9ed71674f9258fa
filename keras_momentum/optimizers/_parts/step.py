"""The scalars of one update, by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_momentum._backend import Pack, backend

# Scalars of every update.
_OF_ALL = ("apart", "downhill", "kept", "kind", "learning_rate", "scheduled_gamma")
# What is no number of the formula.
_AS_THEY_ARE = ("apart", "kind")


class _Named:
    """What has values as attributes, and as `values[name]`."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class Asked(_Named):
    """Scalars that are found out when a formula asks for them.

    Args:
        find: Returns the scalar of a name.
    """

    def __init__(self, find: Callable[[str], Any]):
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return self._find(name)


def check_names(names: Iterable[str], class_name: str) -> None:
    """Raises `TypeError` if a hyper-parameter would take the place of a scalar.

    Args:
        names: The names of hyper-parameters.
        class_name: The name of the class that declares them.
    """
    for name in names:
        if name in _OF_ALL or name.startswith(("next_", "given_", "one_minus_")):
            raise TypeError(
                f"{class_name} can't have a hyper-parameter with the name `{name}`, "
                "which a scalar of every update has"
            )


class Values(_Named):
    """Slots or scalars, by name.

    Args:
        values: The values.
    """

    def __init__(self, values: Mapping[str, Any]):
        self.__dict__.update(values)


class Step(_Named):
    """The scalars of one update.

    A formula reads them as attributes:

    Attributes:
        learning_rate: η_t.
        gamma: γ_t, and 0 in a restart.
        next_gamma: γ_{t+1}, and 0 where the next update is known to be a restart.
        scheduled_gamma: γ_t as if there was no restart.
        scheduled_next_gamma: γ_{t+1} likewise.
        kept: 1, and 0 in a restart: what is kept of what a restart forgets.

    and the optimizer's own `scalars`, as they are before the update, and `factors`.

    Args:
        shared: The scalars that all weights share.
        own: Those of which each weight has its own, vectors.
    """

    def __init__(self, shared: Mapping[str, Any], own: Mapping[str, Any]):
        self.shared = dict(shared)
        self.own = dict(own)

    def __getattr__(self, name: str) -> Any:
        try:
            values = vars(self)
            own = values["own"]
            return own[name] if name in own else values["shared"][name]
        except KeyError:
            raise AttributeError(f"An update has no scalar {name!r}") from None

    def replaced(self, **shared: Any) -> "Step":
        """With other scalars that all weights share."""
        return Step({**self.shared, **shared}, self.own)

    def with_factors(self, factors: Mapping[str, Any]) -> "Step":
        """With factors, of which each weight has its own where they are vectors."""
        own = {name: f for name, f in factors.items() if len(np.shape(f)) == 1}
        shared = {name: f for name, f in factors.items() if name not in own}
        return Step({**self.shared, **shared}, {**self.own, **own})

    def once(self, iteration: Any, was_apart: Callable[[], bool]) -> "Step":
        """With scalars that are not computed again for each weight."""
        together = backend.together(self.own, self.apart, was_apart)
        if together is None:
            return Step(*backend.once((self.shared, self.own), iteration))
        return Step(backend.once({**self.shared, **together}, iteration), {})

    def of_packs(
        self, packs: Sequence[Pack], is_apart: Any, was_apart: Callable[[], bool]
    ) -> list["PackStep"]:
        """The step as it is for each of some packs."""
        spread: dict[str, list[Any]] = {}

        def of(name: str, place: int) -> Any:
            if name not in spread:
                spread[name] = backend.spread(
                    self.own[name], packs, is_apart, was_apart
                )
            return spread[name][place]

        return [PackStep(self, of, place) for place in range(len(packs))]


class PackStep(_Named):
    """The step of one pack, in the dtype in which it is computed.

    Args:
        step: The step.
        of: Returns the scalar of a name, and of a pack by its place.
        place: The place of the pack.
        dtype: The dtype.
        replaced: Scalars that take the place of others.
    """

    def __init__(
        self,
        step: Step,
        of: Callable[[str, int], Any],
        place: int,
        dtype: str | None = None,
        replaced: Mapping[str, Any] | None = None,
    ):
        self._step = step
        self._of = of
        self._place = place
        self._dtype = dtype
        self._replaced = dict(replaced or {})

    def cast(self, dtype: str, **replaced: Any) -> "PackStep":
        """The same in another dtype, and with other scalars in the place of some."""
        return PackStep(self._step, self._of, self._place, dtype, replaced)

    def has(self, name: str) -> bool:
        """Whether there is a scalar of this name."""
        return name in self._step.shared or name in self._step.own

    def __getattr__(self, name: str) -> Any:
        if name in self._replaced:
            value = self._replaced[name]
        elif name in self._step.own:
            value = self._of(name, self._place)
        else:
            value = getattr(self._step, name)
        if self._dtype is not None and name not in _AS_THEY_ARE:
            value = backend.cast(value, self._dtype)
        # Only once; a formula may ask for it for each of many weights.
        self.__dict__[name] = value
        return value
