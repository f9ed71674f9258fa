"""The Momentum group of TensorBoard."""

from pathlib import Path
from typing import Any

from keras import ops

from keras_momentum._numbers import number
from keras_momentum.callbacks._tensorboard_layout import custom_scalars
from keras_momentum.optimizers import MomentumOptimizer

GROUP = "Momentum"
# What is worth a chart of its own, where runs are compared.
CHARTS = ("gamma", "effective_learning_rate", "velocity_norm", "cosine", "restarts")


class MomentumBoard:
    """Writes scalars and histograms of momentum into a folder of a run.

    Args:
        log_dir: The folder of the run; its subfolder `momentum` is written to.

    Raises:
        ImportError: If TensorFlow or TensorBoard is not installed.
    """

    def __init__(self, log_dir: str | Path):
        # Of several optimizers each has a line.
        charts = {name.replace("_", " "): rf"^{GROUP}/{name}(_.*)?$" for name in CHARTS}
        try:
            import tensorflow as tf

            layout = custom_scalars(GROUP, charts)
        except ImportError as error:
            raise ImportError(
                "MomentumMonitor with a `log_dir` needs TensorFlow and TensorBoard: "
                'pip install "tensorflow" "tensorboard"'
            ) from error
        self._tf = tf
        self._writer = tf.summary.create_file_writer(str(Path(log_dir) / "momentum"))
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(layout, step=0)

    def write(self, values: dict[str, float], step: int) -> None:
        """Writes scalars.

        Args:
            values: Values by their names.
            step: The number of updates.
        """
        with self._writer.as_default(step):
            for name, value in values.items():
                self._tf.summary.scalar(f"{GROUP}/{name}", value)

    def write_norms(self, optimizer: MomentumOptimizer) -> None:
        """Writes the norm of each weight's velocity, and that over the weight's."""
        with self._writer.as_default(self._step(optimizer)):
            for name, weight, velocity in _velocities(optimizer):
                norm, of_weight = (
                    number(ops.norm(ops.cast(value, "float32")))
                    for value in (velocity, weight)
                )
                self._tf.summary.scalar(f"{GROUP} velocity norm/{name}", norm)
                if of_weight:
                    ratio = norm / of_weight
                    self._tf.summary.scalar(f"{GROUP} velocity ratio/{name}", ratio)

    def write_histograms(self, optimizer: MomentumOptimizer) -> None:
        """Writes a histogram of each weight's velocity."""
        with self._writer.as_default(self._step(optimizer)):
            for name, _, velocity in _velocities(optimizer):
                numbers = ops.convert_to_numpy(ops.cast(velocity, "float32"))
                self._tf.summary.histogram(f"{GROUP} velocity/{name}", numbers)

    def close(self) -> None:
        self._writer.close()

    def _step(self, optimizer: MomentumOptimizer) -> int:
        return int(number(optimizer.iterations))


def _velocities(optimizer: MomentumOptimizer) -> list[tuple[str, Any, Any]]:
    """Each weight with its name and its velocity."""
    return [
        (getattr(weight, "path", weight.name), weight, optimizer.velocity(weight))
        for weight in optimizer.weights_with_velocity
    ]
