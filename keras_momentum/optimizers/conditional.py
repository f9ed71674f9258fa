"""A condition around an update, on each backend."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops


def conditional(
    predicate: Any,
    update: Callable[..., None],
    otherwise: Callable[[], None],
    arguments: tuple[Any, ...],
    variables: Sequence[Any],
) -> None:
    """Calls `update(*arguments)` or `otherwise()`, which change `variables`.

    Args:
        predicate: A boolean scalar, the same in all replicas.
        update: What happens if it is true.
        otherwise: What happens if it is false.
        arguments: The arguments of `update`, tensors and variables; under
            `tf.distribute` each replica has its own.
        variables: All variables that the two may change.
    """
    if keras.backend.backend() == "jax":
        _functional_conditional(
            predicate, lambda: update(*arguments), otherwise, variables
        )
    elif _needs_merge_call():
        # A condition around the merge call of an update can't stand in a replica.
        import tensorflow as tf

        def across(distribution: Any, predicate: Any, arguments: Any) -> None:
            ops.cond(
                distribution.experimental_local_results(predicate)[0],
                _without_result(
                    distribution.extended.call_for_each_replica, update, arguments
                ),
                otherwise,
            )

        tf.distribute.get_replica_context().merge_call(
            across, args=(predicate, arguments)
        )
    else:
        ops.cond(predicate, _without_result(update, *arguments), otherwise)


def _without_result(function: Callable[..., Any], *arguments: Any) -> Any:
    """A branch without an output, as both must have the same."""

    def branch() -> None:
        function(*arguments)

    return branch


def _needs_merge_call() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return (
        tf.distribute.has_strategy()
        and not tf.__internal__.distribute.strategy_supports_no_merge_call()
    )


def _functional_conditional(
    predicate: Any,
    update: Callable[[], None],
    otherwise: Callable[[], None],
    variables: Sequence[Any],
) -> None:
    """`jax.lax.cond` on the values of `variables`: a branch can't assign to them."""

    def values_after(branch: Callable[[], None]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            mapping = [(variable, variable.value) for variable in variables]
            with keras.StatelessScope(state_mapping=mapping) as scope:
                branch()
            return [scope.get_current_value(variable) for variable in variables]

        return run

    values = ops.cond(predicate, values_after(update), values_after(otherwise))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
