"""A comparison that is killed, for tests that run it in a process of its own.

python -m tests.comparison.killed FOLDER
"""

import sys
from pathlib import Path
from typing import Any

import keras

import keras_momentum as km
from keras_momentum.comparison import Candidate, Comparison
from tests.comparison.problem import build_model, compared


def candidates() -> dict[str, Any]:
    """Optimizers and callbacks with state in all the places where it can be."""
    plateau = keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=1.0)
    stopping = keras.callbacks.EarlyStopping(patience=5, min_delta=9.0)
    return {
        "adam": Candidate("adam", [plateau, stopping]),
        "ramp": Candidate(km.NAG(0.05), [km.callbacks.GammaRamp(0.2, 0.9)]),
        "restarts": Candidate(
            km.MomentumAdam(0.01, restart_every=7),
            [km.callbacks.RestartOnPlateau("loss", patience=1)],
        ),
        "cycle": Candidate(km.Momentum(0.05), [km.callbacks.OneCycle(0.1)]),
        "guard": Candidate(km.Momentum(0.3), [km.callbacks.OvershootGuard()]),
    }


def compare(folder: Path, **arguments: Any) -> Comparison:
    """The comparison, as far as it has not been done."""
    arguments = {"optimizers": candidates(), "epochs": 7, "seeds": (0,), **arguments}
    return compared(folder, build_model=build_model, **arguments)


if __name__ == "__main__":
    compare(Path(sys.argv[1]), seeds=(0, 1))
