"""When the velocity starts from zero again."""

from collections.abc import Mapping
from typing import Any

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._hyperparameters import Control, Hyperparameter


class Restarts:
    """The restarts of an optimizer: planned, requested, or asked for by the gradient.

    A restart is an update whose gamma is 0, so that it costs nothing. Here gamma, the
    hyper-parameter, meets restarts and becomes the scalars of an update.

    Args:
        control: Where its numbers are.
        gamma: The optimizer's gamma.
        restart_every: `None` or an integer >= 1.
        restart_when: `None` or `"gradient"`.
        schedule_restarts: Whether a schedule counts its steps from the last restart.
    """

    def __init__(
        self,
        control: Control,
        gamma: Hyperparameter,
        restart_every: int | None,
        restart_when: str | None,
        schedule_restarts: bool,
    ):
        arguments.one_of("restart_when", restart_when, (None, "gradient"))
        arguments.boolean("schedule_restarts", schedule_restarts)
        if schedule_restarts and not (gamma.source and gamma.source.is_schedule):
            raise ValueError(
                "Argument `schedule_restarts` must be False unless "
                f"`{gamma.argument}` is an instance of LearningRateSchedule. "
                "Received: schedule_restarts=True"
            )
        self.when = restart_when
        self.schedule_restarts = schedule_restarts
        self._gamma = gamma
        self._control = control
        control.add_count("restart_every", _every(restart_every))
        control.add_count("restart_requested")
        control.add_count("last_restart")
        control.add_count("restarts")

    @property
    def count(self) -> int:
        return self._control["restarts"]

    @property
    def every(self) -> int | None:
        return self._control["restart_every"] or None

    @every.setter
    def every(self, value: int | None) -> None:
        self._control["restart_every"] = _every(value)

    def request(self) -> None:
        """Makes the next update a restart."""
        self._control["restart_requested"] = 1

    @property
    def last(self) -> int:
        """The update from which a schedule of gamma counts its steps."""
        return self._control["last_restart"]

    def scalars(self, scalars: dict[str, Any], iteration: Any) -> dict[str, Any]:
        """What a `Step` has of gamma and restarts at the update `iteration`."""
        o, gamma = backend.scalar_ops, self._gamma
        restart = o.logical_or(
            scalars["restart_requested"] > 0, _is_planned(scalars, iteration)
        )
        planned = _is_planned(scalars, iteration + 1)
        since, next_since = iteration, iteration + 1
        if self.schedule_restarts:
            last = o.where(restart, iteration, scalars["last_restart"])
            since = iteration - last
            next_since = o.where(planned, o.zeros_like(last), iteration + 1 - last)
        of_gamma = gamma.of_step(scalars, since, next_since)
        scheduled, scheduled_next = of_gamma["gamma"], of_gamma["next_gamma"]
        kept = 1 - backend.real(restart)
        return {
            "gamma": scheduled * kept,
            "next_gamma": scheduled_next * (1 - backend.real(planned)),
            "scheduled_gamma": scheduled,
            "scheduled_next_gamma": scheduled_next,
            gamma.complement: of_gamma[gamma.complement],
            "kept": kept,
            "downhill": backend.real(1),
        }

    def when_uphill(self, step: Any, alignment: Any) -> Any:
        """The step before a restart if `alignment`, ⟨g_t, v_t⟩, is negative."""
        downhill = 1 - backend.real(alignment < 0)
        return step.replaced(next_gamma=step.next_gamma * downhill, downhill=downhill)

    def after(
        self, scalars: Mapping[str, Any], step: Any, iteration: Any
    ) -> dict[str, Any]:
        """What its numbers are after an update: a restart is counted and done."""
        restarted = backend.whole(1 - step.kept)
        last = scalars["last_restart"]
        if self.schedule_restarts:
            last = last + restarted * (iteration - last)
        return {
            "restarts": scalars["restarts"] + restarted,
            "restart_requested": backend.whole(1 - step.downhill),
            "last_restart": last,
        }

    def config(self) -> dict[str, Any]:
        return {
            "restart_every": self.every,
            "restart_when": self.when,
            "schedule_restarts": self.schedule_restarts,
        }


def _every(value: int | None) -> int:
    return 0 if value is None else arguments.integer("restart_every", value, minimum=1)


def _is_planned(scalars: Mapping[str, Any], iteration: Any) -> Any:
    o, every = backend.scalar_ops, scalars["restart_every"]
    return o.logical_and(
        o.logical_and(every > 0, iteration > 0),
        o.equal(o.mod(iteration, o.maximum(every, 1)), 0),
    )
