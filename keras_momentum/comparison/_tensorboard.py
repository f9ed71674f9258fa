"""TensorBoard's logs of a comparison: scalars, HParams and Custom Scalars."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_momentum.callbacks._tensorboard_layout import custom_scalars
from keras_momentum.comparison._event_files import PARTS, as_record, events_of, files_in
from keras_momentum.comparison._files import write_whole
from keras_momentum.comparison._runs import Run

_HYPERPARAMETERS = (
    "optimizer",
    "gamma",
    "schedule",
    "restart",
    "learning_rate",
    "seed",
)


def write_overview(log_dir: Path, metric: str) -> None:
    """Writes which hyper-parameters and metrics there are, and a page of charts.

    Args:
        log_dir: The folder of the comparison.
        metric: The metric by which it judges, for example `"val_accuracy"`.
    """
    import tensorflow as tf
    from tensorboard.plugins.hparams import api as hp

    name = metric.removeprefix("val_")
    metrics = {
        (group, tag): hp.Metric(f"epoch_{tag}", group=group, display_name=display)
        for group, tag, display in (
            ("validation", name, f"validation {name}"),
            ("validation", "loss", "validation loss"),
            ("train", "loss", "training loss"),
        )
    }
    charts = {tag: f"^epoch_{tag}$" for tag in (name, "loss", "gamma")}
    with _writer(tf, log_dir).as_default():
        hp.hparams_config(
            hparams=[hp.HParam(name) for name in _HYPERPARAMETERS],
            metrics=list(metrics.values()),
        )
        tf.summary.experimental.write_raw_pb(
            custom_scalars("Comparison", charts), step=0
        )


def write_hyperparameters(folder: Path, run: Run) -> None:
    """Writes the hyper-parameters of a run, which has ended, into its folder."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api as hp
    from tensorboard.plugins.hparams import api_pb2, summary

    status = api_pb2.STATUS_FAILURE if run.diverged else api_pb2.STATUS_SUCCESS
    with _writer(tf, folder).as_default():
        hp.hparams(
            {**run.hyperparameters, "seed": run.seed},
            trial_id=f"{run.name}/seed-{run.seed}",
        )
        tf.summary.experimental.write_raw_pb(
            summary.session_end_pb(status).SerializeToString(), step=0
        )


class Board(keras.callbacks.TensorBoard):
    """Keras's callback, for logs that may be vectors, and written when an epoch ends.

    Args:
        folder: The folder of the run.
    """

    def __init__(self, folder: Path):
        super().__init__(str(folder), write_graph=False)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_end(batch, _scalars_of(logs))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_test_end(_scalars_of(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, _scalars_of(logs))
        # What is kept of a run is never ahead of its logs.
        for writer in self._writers.values():
            writer.flush()


def keep_until(folder: Path, time: float) -> None:
    """Leaves out of the logs of a run what was written after a time.

    Args:
        folder: The folder of the run.
        time: Seconds since 1970.
    """
    for part in PARTS:
        files = files_in(folder / part)
        kept: dict[bytes, None] = {}
        for file in files:
            for event in events_of(file):
                if event.wall_time <= time:
                    # Two files have the same only if this was killed in between.
                    kept[event.SerializeToString()] = None
        if files:
            write_whole(files[0], b"".join(map(as_record, kept)))
            for file in files[1:]:
                file.unlink()


def _writer(tf: Any, folder: Path) -> Any:
    # All at once, when it is closed.
    return tf.summary.create_file_writer(str(folder), flush_millis=10_000_000)


def _scalars_of(logs: dict[str, Any] | None) -> dict[str, Any]:
    return {name: x for name, x in (logs or {}).items() if not np.ndim(x)}
