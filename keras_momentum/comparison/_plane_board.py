"""The plane of gammas and learning rates in TensorBoard."""

import math
import tempfile
from pathlib import Path
from typing import Any


def write_plane(log_dir: Path, search: Any) -> None:
    """Writes a run for each pair, with HParams, and the picture beside them.

    Args:
        log_dir: A folder.
        search: A `GammaSearch`.
    """
    import tensorflow as tf
    from tensorboard.plugins.hparams import api as hp

    for trial in search.trials:
        name = f"gamma={trial.pair.gamma:g},learning_rate={trial.pair.learning_rate:g}"
        with tf.summary.create_file_writer(str(log_dir / name)).as_default():
            hp.hparams(
                {**trial.pair._asdict(), "effective_rate": trial.effective_rate},
                trial_id=name,
            )
            for step, loss in enumerate(trial.losses[: trial.steps]):
                tf.summary.scalar("batch_loss", loss, step=step)
            if math.isfinite(trial.loss):
                tf.summary.scalar("final_loss", trial.loss, step=trial.steps)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plane.png"
        search.draw(file)
        image = tf.io.decode_png(file.read_bytes(), channels=3)
    with tf.summary.create_file_writer(str(log_dir)).as_default():
        hp.hparams_config(
            hparams=[
                hp.HParam(name) for name in ("gamma", "learning_rate", "effective_rate")
            ],
            metrics=[hp.Metric("final_loss")],
        )
        tf.summary.image("plane", image[None], step=0)
        tf.summary.text("verdict", search.verdict(), step=0)
