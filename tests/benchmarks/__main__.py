"""Our optimizers beside Keras's, optax's and PyTorch's: tables of times and memory.

    python -m tests.benchmarks steps|big|memory|gamma|search|regret|extras|optax|stacks
    python -m tests.benchmarks pictures|pass

Each topic prints a table and writes it to `tests/benchmarks/results/`. What is compared
runs in turn; medians are shown. `KERAS_BACKEND` chooses the backend.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tests.benchmarks import (
    a_pass,
    beside_optax,
    big,
    extras,
    gamma_search,
    memory,
    moving_gamma,
    pictures,
    recommendation,
    stacks,
    steps,
)
from tests.benchmarks.models import MODELS
from tests.benchmarks.optimizers import TWINS

JIT = {"off": [False], "on": [True], "both": [False, True]}
FORMULAS = list(big.TRANSFERS)


def main() -> None:
    """Reads the command line and runs one topic."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    topics = parser.add_subparsers(dest="topic", required=True)

    def add(name: str, about: str, models: list[str]) -> argparse.ArgumentParser:
        topic = topics.add_parser(name, help=about, description=about)
        if models:
            topic.add_argument(
                "--models", nargs="+", choices=list(MODELS), default=models
            )
        return topic

    all_steps = add("steps", "First and later steps of models.", list(MODELS))
    tensors = add("big", "The update of big tensors.", [])
    memories = add("memory", "Peak memory and slots.", list(memory.TRAINED))
    gammas = add("gamma", "What a moving gamma costs.", ["mlp", "resnet"])
    searches = add("search", "Gammas and rates on one compiled step.", [])
    regrets = add("regret", "What find_gamma names, in ten times the steps.", [])
    regrets.add_argument("--steps", type=int, default=100)
    regrets.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 1000])
    regrets.add_argument("--seeds", type=int, default=2)
    arguments = add("extras", "Weight decay, clipping and EMA.", ["mlp"])
    for topic in (all_steps, tensors, gammas, searches, arguments):
        topic.add_argument("--rounds", type=int, default=5)
    for topic in (all_steps, memories, searches, arguments):
        topic.add_argument("--jit", choices=list(JIT), default="both")
    all_steps.add_argument(
        "--formulas", nargs="+", choices=list(TWINS), default=FORMULAS
    )
    for topic, formulas in ((tensors, FORMULAS), (memories, list(memory.FORMULAS))):
        topic.add_argument("--formulas", nargs="+", choices=formulas, default=formulas)
    tensors.add_argument(
        "--sizes", nargs="+", choices=list(big.SIZES), default=list(big.SIZES)[:2]
    )
    tensors.add_argument(
        "--updates",
        nargs="+",
        choices=big.CONFIGURATIONS,
        default=list(big.CONFIGURATIONS),
    )
    searches.add_argument("--model", choices=list(MODELS), default="mlp")
    searches.add_argument("--steps", type=int, nargs="+", default=[20, 100])
    arguments.add_argument("--formula", choices=list(TWINS), default="momentum")
    besides = add("optax", "Muon and AdEMAMix beside optax's (JAX).", ["transformer"])
    stacked = add("stacks", "Muon's matrices at once and one by one.", ["mlp"])
    for topic in (besides, stacked):
        topic.add_argument("--rounds", type=int, default=5)
    loaded = add("pictures", "From a folder to the first step, beside Keras's.", [])
    for name, default in (("count", 20_000), ("classes", 50), ("side", 64)):
        loaded.add_argument(f"--{name}", type=int, default=default)
    loaded.add_argument("--rounds", type=int, default=3)
    passed = add("pass", "Memory in a pass through very many pictures.", [])
    passed.add_argument("--count", type=int, default=1_000_000)
    passed.add_argument("--side", type=int, default=32)
    a = parser.parse_args()
    match a.topic:
        case "steps":
            steps.run(a.models, a.formulas, JIT[a.jit], a.rounds)
        case "big":
            big.run(a.sizes, a.formulas, a.updates, a.rounds)
        case "memory":
            memory.run(a.models, a.formulas, JIT[a.jit])
        case "gamma":
            moving_gamma.run(a.models, a.rounds)
        case "search":
            gamma_search.run(a.model, a.steps, JIT[a.jit], a.rounds)
        case "regret":
            recommendation.run(a.steps, a.batch_sizes, a.seeds)
        case "optax":
            beside_optax.run(a.models, a.rounds)
        case "stacks":
            stacks.run(a.models, a.rounds)
        case "pictures":
            pictures.run(a.count, a.classes, a.side, a.rounds)
        case "pass":
            a_pass.run(a.count, a.side)
        case "extras":
            extras.run(a.models, a.formula, JIT[a.jit], a.rounds)


if __name__ == "__main__":
    main()
