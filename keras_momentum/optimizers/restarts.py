"""When the velocity starts from zero again."""

from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.gamma import Gamma, Schedule
from keras_momentum.schedules import curves


class Restarts:
    """The restarts of an optimizer: planned, requested, or asked for by the gradient.

    A restart is an update whose gamma is 0, so that it costs nothing. Here gamma, the
    schedule, meets restarts and becomes the coefficients of an update.

    Args:
        optimizer: The optimizer that owns the variables.
        gamma: Its gamma.
        restart_every: `None` or an integer >= 1.
        restart_when: `None` or `"gradient"`.
        schedule_restarts: Whether a schedule counts its steps from the last restart.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        gamma: Gamma,
        restart_every: int | None,
        restart_when: str | None,
        schedule_restarts: bool | None,
    ):
        if restart_when not in (None, "gradient"):
            raise ValueError(
                'Argument `restart_when` must be `None` or "gradient". '
                f"Received: restart_when={restart_when!r}"
            )
        self.schedule_restarts = arguments.boolean(
            "schedule_restarts", schedule_restarts or False
        )
        if self.schedule_restarts and not isinstance(gamma.source, Schedule):
            raise ValueError(
                "Argument `schedule_restarts` must be False unless "
                f"`{gamma.argument}` is an instance of LearningRateSchedule. "
                "Received: schedule_restarts=True"
            )
        self.when = restart_when
        self._gamma = gamma

        self._every = control_variable(optimizer, "restart_every", dtype="int")
        self._requested = control_variable(optimizer, "restart_requested", dtype="bool")
        self._last = control_variable(optimizer, "last_restart", dtype="int")
        self._count = control_variable(optimizer, "restarts", dtype="int")
        self.every = restart_every

    @property
    def count(self) -> int:
        return int(ops.convert_to_numpy(self._count))

    @property
    def every(self) -> int | None:
        return int(ops.convert_to_numpy(self._every)) or None

    @every.setter
    def every(self, value: int | None) -> None:
        if value is not None:
            value = arguments.integer("restart_every", value, minimum=1)
        self._every.assign(value or 0)

    def request(self) -> None:
        self._requested.assign(True)

    def gamma(self, iteration: Any) -> Any:
        """The coefficient of the update `iteration`, as if it was no restart."""
        return self._gamma(self._step(iteration, self._last))

    def coefficients(self, iteration: Any) -> dict[str, Any]:
        """What `Coefficients` has of gamma at the update `iteration`."""
        iteration = backend.tensor(iteration)
        restart = ops.logical_or(self._requested, self._is_planned(iteration))
        last = ops.where(restart, iteration, backend.tensor(self._last))
        gamma = curves.as_float(self._gamma(self._step(iteration, last)))
        planned = self._is_planned(iteration + 1)
        next_last = ops.where(planned, iteration + 1, last)
        next_gamma = curves.as_float(
            self._gamma.after(gamma, self._step(iteration + 1, next_last))
        )
        kept = ops.cast(ops.logical_not(restart), gamma.dtype)
        next_kept = ops.cast(ops.logical_not(planned), next_gamma.dtype)
        return {
            "gamma": gamma * kept,
            "next_gamma": next_gamma * next_kept,
            "scheduled": (gamma, next_gamma),
            "kept": kept,
        }

    def when_uphill(self, coefficients: Coefficients, alignment: Any) -> Coefficients:
        """With the next update a restart if `alignment`, ⟨g_t, v_t⟩, is negative."""
        uphill = alignment < 0
        return coefficients._replace(
            next_gamma=ops.where(
                uphill,
                ops.zeros_like(coefficients.next_gamma),
                coefficients.next_gamma,
            ),
            uphill=uphill,
        )

    def advance(self, coefficients: Coefficients, iteration: Any) -> None:
        """Remembers a restart and ends its request; makes that of the gradient."""
        restarted = coefficients.kept < 0.5
        self._count.assign_add(ops.cast(restarted, self._count.dtype))
        if self.schedule_restarts:
            last = backend.tensor(self._last)
            self._last.assign(ops.where(restarted, backend.tensor(iteration), last))
        self._requested.assign(coefficients.uphill)

    def config(self) -> dict[str, Any]:
        return {
            "restart_every": self.every,
            "restart_when": self.when,
            "schedule_restarts": self.schedule_restarts,
        }

    def _is_planned(self, iteration: Any) -> Any:
        every = self._every
        return ops.logical_and(
            ops.logical_and(every > 0, iteration > 0),
            ops.equal(ops.mod(iteration, ops.maximum(every, 1)), 0),
        )

    def _step(self, iteration: Any, last: Any) -> Any:
        return iteration - last if self.schedule_restarts else iteration
