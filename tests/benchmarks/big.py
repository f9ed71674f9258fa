"""The update of big tensors beside `torch.optim`'s fused one and the memory floor.

On the GPU where JAX and PyTorch find one.

Every configuration is a process of its own, which stays idle while another is timed;
chunks of updates alternate between it and PyTorch's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

from tests.benchmarks.table import Table

SIZES: dict[str, list[tuple[int, ...]]] = {
    "2 x 4096 x 4096": [(4096, 4096)] * 2,
    "100 M": [(10_000, 1_000)] * 10,
    "1 G": [(10_000, 10_000)] * 10,
}
# Tensors that are read and written at least: weights, gradient and slots.
TRANSFERS = {"momentum": 5, "nesterov": 5, "adam": 7}
CONFIGURATIONS = (
    "tensorflow keras",
    "tensorflow ours",
    "tensorflow-jit keras",
    "tensorflow-jit ours",
    "jax keras",
    "jax ours",
    "jax optax",
)
UPDATES = 8
COMMAND = (sys.executable, "-m", "tests.benchmarks.big")


class Worker:
    """A process that holds one configuration and times its updates on demand."""

    def __init__(self, configuration: str, formula: str, size: str):
        backend = configuration.split()[0].split("-")[0]
        self._process = subprocess.Popen(
            [*COMMAND, configuration, formula, size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.milliseconds()

    def milliseconds(self) -> list[float]:
        """Times of some updates; for PyTorch's worker a copy's time comes last."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer: list[float] = json.loads(self._process.stdout.readline())
        return answer

    def stop(self) -> None:
        """Ends the process."""
        self._process.communicate()


def run(
    sizes: list[str], formulas: list[str], configurations: list[str], rounds: int
) -> None:
    """Measures all and writes the table."""
    table = Table(
        "-".join(["big", *(size.replace(" ", "") for size in sizes)]),
        f"Milliseconds of one update, float32; medians of {rounds} rounds alternating "
        "with torch.optim(fused=True). Floor: the bytes that must move at the speed of "
        "a copy of the weights by PyTorch, in the same run.",
        [
            *("size", "formula", "update", "ms", "torch fused", "ratio"),
            *("copy", "floor", "floor / ms"),
        ],
    )
    for size in sizes:
        for formula in formulas:
            fused = Worker("torch fused", formula, size)
            for configuration in configurations:
                worker = Worker(configuration, formula, size)
                theirs, ours, copies = [], [], []
                for _ in range(rounds):
                    *times, copy = fused.milliseconds()
                    theirs.append(median(times))
                    copies.append(copy)
                    ours.append(median(worker.milliseconds()))
                worker.stop()
                floor = TRANSFERS[formula] / 2 * median(copies)
                table.add(
                    *(size, formula, configuration, median(ours), median(theirs)),
                    *(median(ours) / median(theirs), median(copies), floor),
                    floor / median(ours),
                )
            fused.stop()
    table.show()


def torch_update(formula: str, shapes: list[tuple[int, ...]]) -> Callable[[], Any]:
    """One step of PyTorch's fused optimizer."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = [torch.zeros(s, requires_grad=True, device=device) for s in shapes]
    for weight in weights:
        weight.grad = torch.full_like(weight, 1e-3)
    optimizer: torch.optim.Optimizer
    if formula == "adam":
        optimizer = torch.optim.Adam(weights, 1e-3, fused=True)
    else:
        nesterov = formula == "nesterov"
        optimizer = torch.optim.SGD(
            weights, 1e-3, momentum=0.9, nesterov=nesterov, fused=True
        )
    return waited_for(optimizer.step)


def torch_copy(shapes: list[tuple[int, ...]]) -> Callable[[], Any]:
    """A copy of as many floats."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = [torch.zeros(shape, device=device) for shape in shapes]
    target = [torch.zeros_like(each) for each in source]
    return waited_for(lambda: [b.copy_(a) for a, b in zip(source, target, strict=True)])


def waited_for(function: Callable[[], Any]) -> Callable[[], Any]:
    """`function`, done when it returns."""
    import torch

    def call() -> None:
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return call


def optax_update(formula: str, shapes: list[tuple[int, ...]]) -> Callable[[], Any]:
    """One compiled step of optax, weights and state donated."""
    import jax
    import optax  # type: ignore[import-untyped]

    optimizer = {
        "momentum": optax.sgd(1e-3, momentum=0.9),
        "nesterov": optax.sgd(1e-3, momentum=0.9, nesterov=True),
        "adam": optax.adam(1e-3),
    }[formula]
    gradients = [jax.numpy.full(shape, 1e-3) for shape in shapes]
    weights = [jax.numpy.zeros(shape) for shape in shapes]

    def step(weights: Any, state: Any, gradients: Any) -> Any:
        updates, state = optimizer.update(gradients, state, weights)
        return optax.apply_updates(weights, updates), state

    compiled = jax.jit(step, donate_argnums=(0, 1))
    held = [weights, optimizer.init(weights)]

    def update() -> None:
        held[:] = compiled(*held, gradients)
        jax.block_until_ready(held)

    return update


def keras_update(
    formula: str, whose: str, shapes: list[tuple[int, ...]], jit_compile: bool
) -> Callable[[], Any]:
    """One compiled update of Keras's optimizer or of ours."""
    import keras

    from tests.benchmarks.optimizers import TWINS
    from tests.benchmarks.training import compiled_update

    weights = [keras.Variable(keras.ops.zeros(shape)) for shape in shapes]
    gradients = [keras.ops.full(shape, 1e-3) for shape in shapes]
    optimizer = getattr(TWINS[formula], whose)()
    return compiled_update(optimizer, gradients, weights, jit_compile)


def work(configuration: str, formula: str, size: str) -> None:
    """Answers each line of input with the milliseconds of some updates."""
    from tests.benchmarks.training import seconds

    backend, whose = configuration.split()
    copy = None
    if whose == "fused":
        update = torch_update(formula, SIZES[size])
        copy = torch_copy(SIZES[size])
    elif whose == "optax":
        update = optax_update(formula, SIZES[size])
    else:
        update = keras_update(formula, whose, SIZES[size], backend != "tensorflow")
    for _ in sys.stdin:
        update()
        times = [1e3 * seconds(update) for _ in range(UPDATES)]
        if copy is not None:
            copy()
            times.append(1e3 * median(seconds(copy) for _ in range(UPDATES)))
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    work(*sys.argv[1:])
