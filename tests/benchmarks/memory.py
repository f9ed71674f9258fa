"""Memory: of the slots, of a process that trains, and of JAX's compiled update."""

import json
import resource
import sys

import keras
from keras import ops

import keras_momentum
from tests.benchmarks import own_process
from tests.benchmarks.models import MODELS
from tests.benchmarks.optimizers import TWINS, Twins
from tests.benchmarks.table import Table
from tests.benchmarks.training import Training, donating_update

TRAINED = ("mlp", "transformer", "resnet")
FORMULAS = {
    **TWINS,
    "bfloat16": Twins(
        TWINS["momentum"].keras,
        lambda: keras_momentum.Momentum(0.001, velocity_dtype="bfloat16"),
    ),
}


def run(models: list[str], formulas: list[str], jit_compile: list[bool]) -> None:
    """Measures all, a process each, and writes the table."""
    table = Table(
        "memory",
        "Peak memory of a process that trained 10 steps, MB; bytes of the slots as a "
        "multiple of the weights'; temporary MB of JAX's compiled update; the last "
        "formula is momentum with a velocity in bfloat16.",
        [
            *("model", "jit", "formula", "peak Keras", "peak ours", "ratio"),
            *("slots Keras", "slots ours", "temporary Keras", "temporary ours"),
        ],
    )
    for model in models:
        for jit in jit_compile:
            for formula in formulas:
                theirs, ours = (
                    measured(model, formula, whose, jit) for whose in ("keras", "ours")
                )
                table.add(
                    *(model, str(jit), formula, theirs["peak"], ours["peak"]),
                    ours["peak"] / theirs["peak"],
                    *(theirs["slots"], ours["slots"]),
                    *(each.get("temporary", "") for each in (theirs, ours)),
                )
    table.show()


def measured(model: str, formula: str, whose: str, jit: bool) -> dict[str, float]:
    """What a process of its own says of its memory."""
    return own_process.figures("memory", model, formula, whose, str(int(jit)))


def work(model: str, formula: str, whose: str, jit: bool) -> None:
    """Trains and prints the figures."""
    optimizer = getattr(FORMULAS[formula], whose)()
    training = Training(MODELS[model], optimizer, jit)
    training.fit(10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    of_slots, of_weights = (
        sum(ops.convert_to_numpy(variable).nbytes for variable in variables)
        for variables in (optimizer.variables, training.model.trainable_variables)
    )
    figures = {"peak": peak, "slots": of_slots / of_weights}
    if keras.backend.backend() == "jax":
        values = [w.value for w in training.model.trainable_variables]
        state = [v.value for v in optimizer.variables]
        lowered = donating_update(optimizer).lower(values, state, values)
        analysis = lowered.compile().memory_analysis()
        figures["temporary"] = analysis.temp_size_in_bytes / 1e6
    print(json.dumps(figures))


if __name__ == "__main__":
    model, formula, whose, jit = sys.argv[1:]
    work(model, formula, whose, jit == "1")
