"""What all callbacks of the package do alike in a fit."""

import warnings
from typing import Any, ClassVar

import keras

from keras_momentum import arguments
from keras_momentum._numbers import number
from keras_momentum.callbacks._beside import check_alone
from keras_momentum.callbacks._lease import Lease, end_old_leases
from keras_momentum.callbacks._movable import (
    MODEL_WEIGHTS,
    check_movable,
    is_hyperparameter,
)
from keras_momentum.callbacks._steps import first_update
from keras_momentum.callbacks._train_function import TrainFunction
from keras_momentum.callbacks.momentum_optimizers import (
    checked,
    optimizers_of,
    unwrapped,
)
from keras_momentum.optimizers import MomentumOptimizer


class MomentumCallback(keras.callbacks.Callback):
    """Abstract base of the callbacks; the life of a fit, once for all of them.

    ```text
    on_train_begin        refuses what can't be right; nothing is changed
    first on_epoch_begin  takes a lease and calls `_begin`. Only now is it known in
                          which epoch the run begins, and BackupAndRestore is done
    on_train_batch_begin  renews the lease, by a flag of Python only
    on_epoch_begin        if the model was compiled again since: a new lease, `_begin`
    on_epoch_end          says so once if the optimizer made no update
    on_train_end          ends the lease; `TrainFunction` does if this never comes
    ```

    Args:
        optimizer: `None`, an optimizer or a list of optimizers.
        verbose: An integer >= 0.
        **kwargs: Of another base class.

    Attributes:
        moves: What it moves: names of hyper-parameters, as in the logs, or another
            word. Nobody else may in the same fit.
        restarts: Whether it lets velocities restart.
    """

    moves: tuple[str, ...] = ()
    restarts: ClassVar[bool] = False
    # Whether it needs steps that are observed.
    _observes: ClassVar[bool] = False

    def __init__(self, optimizer: Any = None, verbose: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.optimizer = checked(optimizer)
        self.verbose = arguments.integer("verbose", verbose, minimum=0)
        self._lease: Lease | None = None

    def _begin(self, epoch: int) -> None:
        """Sets in motion what belongs to the callback, when the epoch begins.

        Called before the first step of a fit, and again if it has to begin anew in
        another optimizer.
        """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        # All callbacks of one `fit` have the same `params`, and no other one has them.
        TrainFunction.end_another(self.model, self.params)
        optimizers = self._optimizers()
        self._check_movable(optimizers)
        check_alone(self)
        end_old_leases(optimizers, self.params, is_beginning=True)
        self._lease = None
        self._firsts: list[int] = []
        self._intervals = [optimizer.restart_every for optimizer in optimizers]
        self._warned: set[str] = set()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        self._has_trained = False
        optimizers = self._optimizers()
        if self._lease is None or not self._lease.is_of(optimizers):
            self._take(epoch, optimizers)
        elif self._needs_lease:
            TrainFunction.of(self.model, self.params).add(self._lease)
        self._before = [self._counts(optimizer) for optimizer in optimizers]

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # Never `self.model` here: on JAX that copies the state of the training.
        self._has_trained = True
        lease = self._lease
        if lease is not None:
            if lease.is_over:
                # A step of somebody else's, in the midst of the fit, ended it.
                self._take(self._epoch, self._optimizers())
            self._lease.is_renewed = True  # type: ignore[union-attr]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._has_trained or self._lease is None:
            return
        optimizers = self._optimizers()
        if not self._lease.is_of(optimizers):
            return
        for optimizer, before in zip(optimizers, self._before, strict=True):
            after = self._counts(optimizer)
            if after[-1] == before[-1]:
                self._warn(
                    "no update",
                    f"{type(self).__name__} saw no update of {optimizer.name} in epoch "
                    f"{epoch + 1}: {_reason(optimizer, before, after)}.",
                )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._let_go()
        self._lease = None

    @property
    def _is_in_charge(self) -> bool:
        """Whether it may move something: a step of somebody else's ends its lease."""
        return self._lease is not None and not self._lease.is_over

    @property
    def _needs_lease(self) -> bool:
        # But for weights, what is moved goes on by itself in the compiled step.
        return self._observes or not {MODEL_WEIGHTS}.issuperset(self.moves)

    def _optimizers(self) -> list[MomentumOptimizer]:
        """The optimizers it is for; on JAX the model has its state back after this."""
        return optimizers_of(self)

    def _check_movable(self, optimizers: list[MomentumOptimizer]) -> None:
        names = [name for name in self.moves if is_hyperparameter(name)]
        check_movable(optimizers, names, type(self).__name__)

    def _take(self, epoch: int, optimizers: list[MomentumOptimizer]) -> None:
        """Takes a lease and begins, for the first time or anew."""
        before = self._lease
        is_same = before is not None and all(
            any(old is new for old in before.optimizers) for new in optimizers
        )
        if before is not None and not is_same:
            self._check_movable(optimizers)
            self._intervals = [optimizer.restart_every for optimizer in optimizers]
        done = self._updates_done()
        self._let_go()
        lease = Lease(
            type(self).__name__, self.moves, optimizers, self.params, self._observes
        )
        lease.take(self._intervals)
        self._lease = lease
        if not (is_same and self._has_trained):
            self._firsts = [
                first_update(self._params, optimizer, epoch, done)
                for optimizer in optimizers
            ]
        if self._needs_lease:
            TrainFunction.of(self.model, self.params).add(lease)
        self._begin(epoch)

    def _let_go(self) -> None:
        """Ends the lease, if there is one."""
        if self._lease is not None:
            self._lease.end()
            present = self.model.train_function
            if isinstance(present, TrainFunction):
                present.drop(self._lease)

    def _updates_done(self) -> int | None:
        """How many updates the run has done, in optimizers that it began with."""
        if self._lease is None or not self._firsts:
            return None
        return max(
            int(number(optimizer.iterations)) - first
            for optimizer, first in zip(
                self._lease.optimizers, self._firsts, strict=True
            )
        )

    @property
    def _params(self) -> dict[str, Any]:
        """The parameters of the run; in a loop of one's own there may be none."""
        return self.params or {}

    def _counts(self, optimizer: MomentumOptimizer) -> list[int]:
        """Counts of which the last one grows if there is something to be seen."""
        return [optimizer.skipped_steps, int(number(optimizer.iterations))]

    def _warn(self, about: str, message: str) -> None:
        """Warns once a fit."""
        if about not in self._warned:
            self._warned.add(about)
            warnings.warn(message, stacklevel=2)

    def _say(self, message: str) -> None:
        """Prints a line, if `verbose` asks for it."""
        if self.verbose:
            print(f"\n{message}")


def named_among(model: Any, optimizers: list[Any]) -> list[Any]:
    """The optimizers of a callback, or all of the model's, if these are more."""
    return max(optimizers, unwrapped(getattr(model, "optimizer", None)), key=len)


def in_logs(name: str, optimizer: MomentumOptimizer, among: list[Any]) -> str:
    """The key of a value in `logs`; of several optimizers each has one, as in Keras.

    Args:
        name: The name of the value.
        optimizer: The optimizer whose value it is.
        among: What `named_among` returns.
    """
    return name if len(among) == 1 else f"{name}_{optimizer.name}"


def _reason(optimizer: MomentumOptimizer, before: list[int], after: list[int]) -> str:
    if not optimizer.built:
        return (
            "it has no weights; a pattern of a keras.optimizers.OptimizerMap has to "
            "match whole paths of weights"
        )
    skipped, updates = after[0] - before[0], after[1] - before[1]
    if updates:
        return (
            f"its {updates} updates were made where they can't be measured, for "
            "example in a tf.function of the model's own `train_step`"
        )
    if skipped:
        return f"it skipped {skipped} steps with gradients that are not finite"
    if (optimizer.gradient_accumulation_steps or 1) > 1:
        return (
            "it accumulates the gradients of "
            f"{optimizer.gradient_accumulation_steps} batches"
        )
    return (
        "something else trains the model; what does is passed as the argument "
        "`optimizer`"
    )
