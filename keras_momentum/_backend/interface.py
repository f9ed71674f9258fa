"""What each backend has: the functions, and what they promise."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, Protocol

from keras_momentum._backend.pack import Kind, Pack


class Computation(Protocol):
    """The formula and the weight decay, for the weights of a pack.

    Attributes:
        dtype: The type in which it is computed.
        alike: What is the same for two packs only if their computation is, in one
            update.
        is_uniform: Whether its scalars are the same for all elements.
    """

    @property
    def dtype(self) -> str: ...

    @property
    def alike(self) -> Hashable: ...

    @property
    def is_uniform(self) -> bool: ...

    def __call__(
        self, gradient: Any, slots: Mapping[str, Any], weight: Callable[[], Any]
    ) -> tuple[Any, dict[str, Any]]:
        """What is subtracted, and the new slots by name; all are values.

        Args:
            gradient: The gradient.
            slots: The slots, by name.
            weight: Returns the weight, if it is needed.
        """


class Backend(Protocol):
    """The functions of a backend's file.

    A *value* is what a formula computes with: a tensor, also a vector of several small
    weights, on PyTorch also a symbol that stands for one. A
    *scalar* belongs to an update: a tensor where the update is compiled, a number of
    Python on PyTorch.

    Attributes:
        scalar_ops: `keras.ops`, or NumPy, for scalars.
        traces: Whether a step is traced once, and then runs without Python.
    """

    scalar_ops: ModuleType
    traces: bool

    # Elementwise functions of values, for formulas.
    sqrt: Callable[[Any], Any]
    square: Callable[[Any], Any]
    maximum: Callable[[Any, Any], Any]
    minimum: Callable[[Any, Any], Any]
    finite: Callable[[Any], Any]

    def cast(self, value: Any, dtype: str) -> Any:
        """A value or scalar in another dtype; numbers of Python have none."""

    def whole(self, scalar: Any) -> Any:
        """A scalar, or a vector of them, as an integer."""

    def real(self, scalar: Any) -> Any:
        """A scalar, or a vector of them, as a float."""

    def inner(self, one: Any, other: Any) -> Any:
        """The sum of the products of all elements, in float32 at least; a scalar."""

    def squared_norm(self, value: Any) -> Any:
        """The sum of the squares of all elements, in float32 at least; a scalar."""

    def product_type(self, tensor: Any) -> str:
        """The dtype in which matrices are multiplied, on the device of a tensor."""

    # Variables.

    def is_distributed(self) -> bool:
        """Whether variables made now belong to a distribution.

        Such variables may be mirrored or sharded, each with its own layout, and Keras
        updates them one by one in their own place.
        """

    def creation(self) -> AbstractContextManager[Any]:
        """Around the creation of slots, which may happen while a step is traced."""

    def control_creation(self) -> AbstractContextManager[Any]:
        """Around the creation of what the host reads at each step."""

    def peek(self, variable: Any) -> Any:
        """Its value for the host, also while a step is traced, if it is known then."""

    def unstack(self, variable: Any, count: int) -> list[Any]:
        """The first `count` elements of a vector, scalars."""

    def write_head(self, variable: Any, scalars: Sequence[Any]) -> None:
        """Sets the first elements of a vector."""

    def write_slice(self, variable: Any, begin: int, values: Sequence[Any]) -> None:
        """Sets elements of a vector to scalars, in a step."""

    def elements(self, variable: Any, places: Any) -> Any:
        """The elements of a vector at places known only in the step, a vector."""

    def is_known(self, scalar: Any) -> bool:
        """Whether a scalar has a value now, and not only when the step runs."""

    def stacked(self, scalars: Sequence[Any]) -> Any:
        """A vector of scalars."""

    def parts(self, vector: Any) -> list[Any]:
        """The scalars of a vector; the inverse of `stacked`."""

    def assign_scalar(self, variable: Any, value: Any) -> None:
        """Sets a variable of shape (), in a step."""

    def scalar(self, variable: Any) -> Any:
        """A variable of shape (), or a scalar, as a scalar."""

    def select(self, predicate: Any, value: Callable[[], Any], otherwise: Any) -> Any:
        """`value()` if a scalar is true, else `otherwise`."""

    def rows(self, variable: Any) -> list[Any]:
        """The rows of a matrix, vectors of scalars."""

    def write_rows(self, variable: Any, rows: Sequence[Any]) -> None:
        """Sets a matrix to what are scalars, or vectors of them, for its rows."""

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Any:
        """A tensor of zeros."""

    # Packs.

    def plan(
        self, weights: Mapping[int, Any], kind: Callable[[Any], Kind]
    ) -> list[Pack]:
        """Sorts weights, given by their numbers, into packs.

        Args:
            weights: The weights.
            kind: Returns the kind of a weight, which is the same in a pack.
        """

    def workspace(self, pack: Pack) -> Any:
        """Memory for updates of a pack that shares slots; `None` if there is no use."""

    def gather(self, pack: Pack, tensors: Sequence[Any], workspace: Any = None) -> Any:
        """The value of tensors or variables, one for each weight of the pack.

        Args:
            pack: The pack.
            tensors: The tensors.
            workspace: Where the value may lie until the next one is gathered there.
        """

    def scatter(self, pack: Pack, value: Any) -> list[Any]:
        """The tensors of a value, one for each weight; the inverse of `gather`."""

    def slot_value(self, pack: Pack, variables: Sequence[Any]) -> Any:
        """The value of a slot, of the variable of a pack or of one for each weight."""

    def make_update(
        self,
        pack: Pack,
        computation: Computation,
        gradient: Any,
        slots: Mapping[str, Sequence[Any]],
        weights: Sequence[Any],
        missing: frozenset[int],
        absent: Callable[[Mapping[str, Any]], dict[str, Any]],
        late_slots: Callable[[Any], dict[str, Any]] | None,
        memory: dict[Hashable, Any],
        workspace: Any,
    ) -> None:
        """Subtracts from the weights of a pack, and sets its slots.

        Args:
            pack: The pack.
            computation: What is to be subtracted and set. The values that it is given
                need not be those of whole weights.
            gradient: The gradients, a value; 0 for missing ones.
            slots: The variables of each slot, by its name.
            weights: The variables of the weights.
            missing: The numbers of weights without a gradient, which stay.
            absent: What becomes of the slots of those weights, of values by name.
            late_slots: `None`, or computes the new slots again, in a way that XLA can't
                before it has changed the weight that it is given.
            memory: What calls for other packs in the same update may want to know.
            workspace: What `workspace` returned for the pack.
        """

    def spread(
        self,
        vector: Any,
        packs: Sequence[Pack],
        is_apart: Any,
        was_apart: Callable[[], bool],
    ) -> list[Any]:
        """Of scalars, one for each weight, those of each pack.

        Args:
            vector: One scalar for each weight of the optimizer.
            packs: The packs.
            is_apart: Whether weights of a pack may have different ones, a scalar that
                is above 0 then.
            was_apart: The same as the host knows it now.

        Returns:
            For each pack a scalar, or one for each of its elements or weights.
        """

    def together(
        self, own: Mapping[str, Any], is_apart: Any, was_apart: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """Of vectors of scalars one scalar each, if a step needs to be traced so.

        Such a step gives NaN if it runs when weights have gone apart.

        Args:
            own: The vectors, by name.
            is_apart: Whether weights have different ones, above 0 then.
            was_apart: The same as the host knows it now.
        """

    def average(
        self, pack: Pack, averages: Sequence[Any], weights: Sequence[Any], kept: Any
    ) -> None:
        """average = kept · average + (1 − kept) · weight, for all weights of a pack."""

    # Gradients.

    def dense(self, gradient: Any) -> Any:
        """A gradient as a tensor with all of its rows."""

    def norms(self, pack: Pack, gradient: Any) -> Any:
        """The norm of each weight's gradient, as a factor of the value."""

    def limited(self, norm: Any, limit: float) -> Any:
        """The factor by which a gradient of this norm gets one of at most `limit`."""

    def computed_first(self, gradients: Any) -> Any:
        """Values whose last bits don't depend on what is done with them."""

    def all_finite(
        self, gradients: Sequence[Any], limit: Callable[[str], float]
    ) -> Any:
        """Whether no gradient, in no replica, has a NaN or more than a limit.

        Args:
            gradients: The gradients, `None` where there is none.
            limit: Returns the largest element of a dtype.
        """

    def summed_over_replicas(self, tensors: Sequence[Any]) -> list[Any]:
        """The sums over all replicas; elsewhere the tensors themselves."""

    # Steps.

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` compiled on its own, where the step around it may not be."""

    def once(self, scalars: Any, iteration: Any) -> Any:
        """Scalars that are not computed again for each weight."""

    def twin(self, scalar: Any, iteration: Any) -> Any:
        """The same scalar, of which XLA for CPUs doesn't know that; elsewhere `None`.

        Args:
            scalar: A scalar.
            iteration: The number of updates.
        """

    def after(self, weight: Any, scalar: Any, twin: Any) -> Any:
        """`scalar`, in a way that XLA can't compute before it has changed `weight`.

        Args:
            weight: A variable that has just been assigned to.
            scalar: A scalar.
            twin: Its twin.
        """

    def after_batch(self, gradients: Sequence[Any]) -> AbstractContextManager[Any]:
        """Around what is done only if the batch comes.

        Where data end without notice, `fit` may begin a step too many.
        """

    def no_gradient(self) -> AbstractContextManager[Any]:
        """Around operations that are not differentiated."""

    def conditional(
        self,
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
