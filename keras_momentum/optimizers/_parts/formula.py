"""What a formula may say: all that an optimizer of one's own writes."""

import math
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from keras_momentum._backend.dtypes import largest


class Formula:
    """What a subclass of `MomentumOptimizer` may say or override.

    | name | what it is | default |
    |---|---|---|
    | `slots` | names of what every weight has one of | `("velocity",)` |
    | `slots_of` | those of weights of a kind | `slots` |
    | `velocities` | those that a restart forgets (`velocity_dtype`) | `("velocity",)` |
    | `update` | the formula | |
    | `scalars` | names of scalars of which every weight has its own | `()` |
    | `scalars_after` | those after an update | `{}` |
    | `factors` | other scalars of the formula, computed once | `{}` |
    | `slots_of_absent` | slots of a weight without a gradient | `{}`, or a restart |
    | `scalars_of_absent` | its scalars | `{}` |
    | `velocity_of` | the velocity for observers and restarts | `slots.velocity` |
    | `is_elementwise` | else weights come stacked, `(n, *shape)` | `True` |
    | `kind` | weights of different kinds never come together | `None` |
    | `weight_decay_of` | the hyper-parameter that decays a kind | `"weight_decay"` |
    | `largest_gradient` | what can be squared (`skip_nonfinite`) | the largest float |
    | `Moving(...)` | a hyper-parameter, as an attribute of the class | |
    | `gamma_argument` | the constructor's name for gamma | `"momentum"` |
    | `gain` | by what a constant gradient grows in the velocity | 1 / (1 − γ) |
    | `reads_last_slots` | whether it needs slots of before, and one `gamma` | `False` |
    | `argument_names` | other attributes that are arguments of the constructor | `()` |

    What `update` computes with has the operators of arithmetic, and
    `keras_momentum.optimizers.elementwise` has its roots.
    """

    slots: tuple[str, ...] = ("velocity",)
    velocities: tuple[str, ...] = ("velocity",)
    scalars: tuple[str, ...] = ()
    gamma_argument: ClassVar[str] = "momentum"
    reads_last_slots: ClassVar[bool] = False
    argument_names: ClassVar[tuple[str, ...]] = ()

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The formula of the optimizer, elementwise.

        Args:
            gradient: g_t.
            slots: The slots before the update, as attributes or `slots[name]`.
            step: The scalars of this update, likewise: `learning_rate`, `gamma`
                (0 in a restart), `next_gamma` (0 if the next update will be a restart),
                both as the schedule has them in `scheduled_gamma` and
                `scheduled_next_gamma`, `kept` (0 in a restart, else 1), and the
                optimizer's hyper-parameters by name, its `scalars` (before the update)
                and `factors`.

        Returns:
            What is subtracted from the weights, and the slots after the update by name.
        """
        raise NotImplementedError

    def scalars_after(self, step: Any) -> dict[str, Any]:
        """The optimizer's scalars after the update, by name."""
        return {}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """Other scalars of the formula, computed once and not for each weight.

        Args:
            step: The scalars of this update.
            after: What `scalars_after` returns.
        """
        return {}

    def slots_of_absent(self, slots: Any, step: Any) -> dict[str, Any]:
        """Slots of a weight without a gradient after the update, if they change."""
        return {name: step.kept * getattr(slots, name) for name in self.velocities}

    def scalars_of_absent(self, step: Any) -> dict[str, Any]:
        """Scalars of a weight without a gradient after the update, if they change."""
        return {}

    def velocity_of(self, slots: Any, step: Any) -> Any:
        """The velocity among the slots.

        Args:
            slots: The slots, as attributes.
            step: The scalars of the update; outside of an update the hyper-parameters
                of the next one.
        """
        return slots.velocity

    def gain(self, gamma: float) -> float:
        """What a constant gradient is multiplied by in the end, besides η."""
        return 1.0 / (1.0 - gamma) if gamma < 1.0 else math.inf

    def is_elementwise(self, weight: Any) -> bool:
        """Whether each element of a weight is updated by its own gradient alone.

        If not, the formula is given gradients and slots of the shape `(n, *shape)`, of
        n weights of this shape and kind.
        """
        return True

    def kind(self, weight: Any) -> Hashable:
        """What weights that come together have in common."""
        return None

    def weight_decay_of(self, kind: Hashable) -> str:
        """The name of the hyper-parameter that decays weights of a kind."""
        return "weight_decay"

    def slots_of(self, kind: Hashable) -> tuple[str, ...]:
        """The names of the slots that weights of a kind have, some of `slots`."""
        return self.slots

    def largest_gradient(self, dtype: str) -> float:
        """The largest element of a gradient that the formula can take."""
        return largest(dtype)
