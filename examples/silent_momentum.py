"""Shows what happens when a callback sets the momentum: in Keras nothing, here this.

    python examples/silent_momentum.py [PICTURE]

The same model is trained on the same narrow valley three times: with Keras's SGD, with
Keras's SGD and a callback that sets `momentum` to 0.9 half-way, and with
`keras_momentum.Momentum` and the same callback.
"""

from typing import Any

import numpy as np

from fruits.command_line import CommandLine, picture_file
from fruits.entry import import_keras, run

STEPS, HALF_WAY = 120, 40


def set_momentum() -> Any:
    """A callback that sets the optimizer's momentum to 0.9 half-way."""
    import keras

    class SetMomentum(keras.callbacks.Callback):
        def on_epoch_begin(
            self, epoch: int, logs: dict[str, Any] | None = None
        ) -> None:
            if epoch == HALF_WAY:
                self.model.optimizer.momentum = 0.9

    return SetMomentum()


def losses(optimizer: Any, *callbacks: Any) -> np.ndarray:
    """Trains a linear model, one step an epoch, and returns its losses."""
    import keras

    keras.utils.set_random_seed(0)
    x = np.diag(np.sqrt([60.0, 2.0, 0.6])).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer, "mse")
    model.set_weights([np.ones((3, 1), np.float32)])
    history = model.fit(
        x, np.zeros((3, 1)), epochs=STEPS, verbose=0, callbacks=list(callbacks)
    )
    return np.array(history.history["loss"])


def main() -> None:
    """Trains three times, draws the losses and prints what differs."""
    parser = CommandLine(__doc__)
    parser.add_argument(
        "picture", type=picture_file, nargs="?", default="silent_momentum.png"
    )
    path = parser.parse_args().picture
    # TensorFlow takes seconds to import: not for --help or a wrong argument.
    import_keras()
    import keras

    import keras_momentum
    from keras_momentum import drawing

    plain = losses(keras.optimizers.SGD(0.02, momentum=0.5))
    silent = losses(keras.optimizers.SGD(0.02, momentum=0.5), set_momentum())
    ours = losses(keras_momentum.Momentum(0.02, momentum=0.5), set_momentum())

    title = (
        "A callback that sets the momentum in mid-fit changes Keras's losses by "
        f"{np.abs(silent - plain).max():g}, and those of keras_momentum from there on."
    )
    with drawing.picture(path, title, height=4) as figure:
        axes, steps = figure.subplots(), np.arange(STEPS)
        drawing.line(axes, steps, plain, "Keras's SGD, momentum 0.5", linewidth=6)
        drawing.line(
            *(axes, steps, silent, "Keras's SGD, and the callback", drawing.VERMILLION),
            linestyle="--",
        )
        drawing.line(axes, steps, ours, "Momentum, and the callback", drawing.BLUE)
        axes.axvline(HALF_WAY, color="black", linewidth=0.8, linestyle=":")
        axes.text(HALF_WAY + 1, plain[0], "optimizer.momentum = 0.9", va="top")
        axes.set(xlabel="step", ylabel="loss", yscale="log")
    print(
        f"Largest difference that the callback makes to Keras's losses: "
        f"{np.abs(silent - plain).max()}"
    )
    print(f"Last loss: Keras {silent[-1]:.1e}, keras_momentum {ours[-1]:.1e}")
    print(f"Picture: {path}")


if __name__ == "__main__":
    run(main)
