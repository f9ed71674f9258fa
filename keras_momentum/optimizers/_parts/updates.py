"""Where a formula meets the weights: in packs, or one by one under a distribution."""

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from keras_momentum._backend import Pack, backend
from keras_momentum._backend.dtypes import computed
from keras_momentum._hyperparameters import Control
from keras_momentum.optimizers._parts.clipping import clipped
from keras_momentum.optimizers._parts.computation import PackFormula, rate_of
from keras_momentum.optimizers._parts.formula import Formula
from keras_momentum.optimizers._parts.slots import Slots
from keras_momentum.optimizers._parts.step import PackStep, Step, Values
from keras_momentum.optimizers._parts.weight_scalars import WeightScalars


class Preview(NamedTuple):
    """What an update is going to do to the weights of a pack.

    Attributes:
        pack: The pack.
        gradient: g_t, a value.
        velocity: v_t, a value.
        difference: What is subtracted from the weights, a value.
        weights: Their variables.
    """

    pack: Pack
    gradient: Any
    velocity: Any
    difference: Any
    weights: list[Any]


class Updates:
    """Computes a formula on all weights.

    Args:
        optimizer: The optimizer that has the formula.
        control: Its control, which knows whether weights are apart.
        slots: Its slots.
        weight_scalars: Its scalars of which each weight has its own.
    """

    def __init__(
        self,
        optimizer: Any,
        control: Control,
        slots: Slots,
        weight_scalars: WeightScalars,
    ):
        self._optimizer = optimizer
        self._formula: Formula = optimizer
        self._control = control
        self._slots = slots
        self._weight_scalars = weight_scalars
        # Whether an update that leaves weights out was done, or traced.
        self._goes_apart = False
        self._workspaces: dict[Pack, Any] = {}
        self._make_compiled = backend.compiled(self._make_large)
        self._average_compiled = backend.compiled(self._average_large)

    def gradients(
        self, gradients: Sequence[Any], weights: Sequence[Any]
    ) -> dict[Pack, Any]:
        """The gradients of packs, clipped if Keras's arguments ask for it.

        Args:
            gradients: One for each weight that has one.
            weights: Those weights.
        """
        index_of = self._optimizer._get_variable_index
        given = dict(zip(map(index_of, weights), gradients, strict=True))
        packs: dict[Pack, Any] = {}
        for pack in self._slots.packs:
            if not pack.shares_slots:
                pack = pack.without(frozenset(pack.indices) - given.keys())
            if any(index in given for index in pack.indices):
                of_pack = [
                    backend.cast(given[index], pack.dtype)
                    if index in given
                    else backend.zeros(shape, pack.dtype)
                    for index, shape in zip(pack.indices, pack.shapes, strict=True)
                ]
                packs[pack] = backend.gather(pack, of_pack, self._workspace(pack))
        if not backend.is_distributed():
            packs = clipped(self._optimizer, packs)
        values = backend.computed_first(list(packs.values()))
        return dict(zip(packs, values, strict=True))

    def missing(self, weights: Sequence[Any]) -> frozenset[int]:
        """The numbers of the weights without a gradient, which are not `weights`."""
        given = set(map(self._optimizer._get_variable_index, weights))
        missing = frozenset(i for p in self._slots.packs for i in p.indices) - given
        self._goes_apart = self._goes_apart or bool(missing)
        return missing

    def preview(self, gradients: Mapping[Pack, Any], step: Step) -> Iterator[Preview]:
        """What the update is going to do, pack by pack."""
        summed = backend.summed_over_replicas(list(gradients.values()))
        steps = self._steps(list(gradients), step)
        for pack, gradient, of_pack in zip(gradients, summed, steps, strict=True):
            slots = self._values(pack)
            weights = pack.chosen(self._optimizer._trainable_variables)
            computation = self._computation(pack, of_pack)
            weight = functools.partial(backend.gather, pack, weights)
            difference, new_slots = computation(gradient, slots, weight)
            slots_after = Values(new_slots)
            velocity = self._formula.velocity_of(slots_after, computation.step)
            yield Preview(pack, gradient, velocity, difference, weights)

    def make(
        self, gradients: Mapping[Pack, Any], step: Step, missing: frozenset[int]
    ) -> None:
        """Changes the weights and the slots of all packs.

        Args:
            gradients: The gradients of packs.
            step: The scalars of the update.
            missing: The numbers of weights without a gradient.
        """
        iteration = backend.scalar(self._optimizer.iterations)
        step = step.once(iteration, self._was_apart)
        of_packs = dict(gradients)
        for pack in self._slots.packs:
            absent = pack if pack.shares_slots else _only(pack, missing)
            if missing.issuperset(absent.indices) and absent.indices:
                of_packs[absent] = None
        small = {p: g for p, g in of_packs.items() if not p.is_large}
        self._make(list(small), list(small.values()), missing, step.shared, step.own)
        # Only their numbers, as the call is known by its arguments.
        large = {
            number: of_packs[pack]
            for number, pack in enumerate(self._slots.packs)
            if pack.is_large and pack in of_packs
        }
        if large:
            self._make_compiled(
                tuple(large),
                list(large.values()),
                tuple(missing),
                step.shared,
                step.own,
            )

    def make_one(self, gradient: Any, weight: Any, step: Step) -> None:
        """Changes one weight, in its own place under a distribution."""
        pack = self._slots.pack_of(self._optimizer._get_variable_index(weight))
        (of_pack,) = self._steps([pack], step)
        slots = self._slots.variables(pack)
        computation = self._computation(pack, of_pack)
        difference, new_slots = computation(
            gradient, self._values(pack), lambda: weight
        )
        for name, value in new_slots.items():
            variable = slots[name][0]
            self._optimizer.assign(variable, backend.cast(value, variable.dtype))
        self._optimizer.assign_sub(weight, backend.cast(difference, pack.dtype))

    def average(self, kept: Any) -> None:
        """Moves Keras's moving averages of the weights (`use_ema`)."""
        small = [pack for pack in self._slots.packs if not pack.is_large]
        self._average(small, kept)
        large = [n for n, pack in enumerate(self._slots.packs) if pack.is_large]
        if large:
            self._average_compiled(tuple(large), kept)

    def _make_large(
        self,
        numbers: tuple[int, ...],
        gradients: list[Any],
        missing: tuple[int, ...],
        shared: dict[str, Any],
        own: dict[str, Any],
    ) -> None:
        packs = [self._slots.packs[number] for number in numbers]
        self._make(packs, gradients, frozenset(missing), shared, own)

    def _make(
        self,
        packs: list[Pack],
        gradients: list[Any],
        missing: frozenset[int],
        shared: dict[str, Any],
        own: dict[str, Any],
    ) -> None:
        step = Step(shared, own)
        orders = self._formula.reads_last_slots and any(p.is_large for p in packs)
        twin = backend.twin(step.gamma, self._optimizer.iterations) if orders else None
        memory: dict[Hashable, Any] = {}
        for pack, gradient, of_pack in zip(
            packs, gradients, self._steps(packs, step), strict=True
        ):
            late_slots = None
            if twin is not None and pack.is_large and gradient is not None:
                late_slots = self._late(pack, of_pack, gradient, step.gamma, twin)
            backend.make_update(
                pack,
                self._computation(pack, of_pack),
                gradient,
                self._slots.variables(pack),
                pack.chosen(self._optimizer._trainable_variables),
                missing,
                self._absent(pack, of_pack),
                late_slots,
                memory,
                self._workspace(pack),
            )

    def _average_large(self, numbers: tuple[int, ...], kept: Any) -> None:
        self._average([self._slots.packs[number] for number in numbers], kept)

    def _average(self, packs: list[Pack], kept: Any) -> None:
        averages = self._optimizer._model_variables_moving_average
        for pack in packs:
            weights = pack.chosen(self._optimizer._trainable_variables)
            backend.average(pack, pack.chosen(averages), weights, kept)

    def _workspace(self, pack: Pack) -> Any:
        if not pack.shares_slots:
            return None
        if pack not in self._workspaces:
            self._workspaces[pack] = backend.workspace(pack)
        return self._workspaces[pack]

    def _steps(self, packs: list[Pack], step: Step) -> list[PackStep]:
        return step.of_packs(packs, step.apart, self._was_apart)

    def _was_apart(self) -> bool:
        """Whether weights are apart, as far as it is known while a step is traced."""
        return self._goes_apart or self._control.peek("apart") > 0

    def _values(self, pack: Pack) -> dict[str, Any]:
        return {
            name: backend.slot_value(pack, variables)
            for name, variables in self._slots.variables(pack).items()
        }

    def _computation(
        self, pack: Pack, step: PackStep, decays: bool = True, **replaced: Any
    ) -> PackFormula:
        dtype = computed(pack.dtype)
        decay = self._decay(pack, step) if decays else None
        of_pack = step.cast(dtype, kind=pack.kind, **replaced)
        stacked = None if pack.is_elementwise else pack.shapes[0]
        return PackFormula(self._formula, of_pack, dtype, decay, stacked)

    def _decay(self, pack: Pack, step: PackStep) -> str | None:
        """The name of a pack's decay, of which all weights decay or none does."""
        name = self._formula.weight_decay_of(pack.kind)
        weight = self._optimizer._trainable_variables[pack.indices[0]]
        decays = step.has(rate_of(name)) and self._optimizer._use_weight_decay(weight)
        return name if decays else None

    def _late(
        self, pack: Pack, step: PackStep, gradient: Any, gamma: Any, twin: Any
    ) -> Callable[[Any], dict[str, Any]]:
        def late(weight: Any) -> dict[str, Any]:
            later = backend.after(weight, gamma, twin)
            computation = self._computation(pack, step, decays=False, gamma=later)
            return computation(gradient, self._values(pack), lambda: weight)[1]

        return late

    def _absent(
        self, pack: Pack, step: PackStep
    ) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        of_pack = step.cast(computed(pack.dtype), kind=pack.kind)

        def absent(slots: Mapping[str, Any]) -> dict[str, Any]:
            values = {
                n: backend.cast(v, computed(pack.dtype)) for n, v in slots.items()
            }
            return self._formula.slots_of_absent(Values(values), of_pack)

        return absent


def _only(pack: Pack, indices: frozenset[int]) -> Pack:
    return pack.without(frozenset(pack.indices) - indices)
