"""What TensorBoard shows of a comparison: HParams and Custom Scalars."""

from pathlib import Path
from typing import Any

from keras_momentum.comparison.run import Run

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
    from tensorboard.plugins.custom_scalar import layout_pb2, summary
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
    charts = [
        layout_pb2.Chart(
            title=title,
            multiline=layout_pb2.MultilineChartContent(tag=[f"^epoch_{tag}$"]),
        )
        for title, tag in dict.fromkeys(
            [(name, name), ("loss", "loss"), ("gamma", "gamma")]
        )
    ]
    layout = layout_pb2.Layout(
        category=[layout_pb2.Category(title="Comparison", chart=charts)]
    )
    with _writer(tf, log_dir).as_default():
        hp.hparams_config(
            hparams=[hp.HParam(name) for name in _HYPERPARAMETERS],
            metrics=list(metrics.values()),
        )
        tf.summary.experimental.write_raw_pb(
            summary.pb(layout).SerializeToString(), step=0
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


def _writer(tf: Any, folder: Path) -> Any:
    # All at once, when it is closed.
    return tf.summary.create_file_writer(str(folder), flush_millis=10_000_000)
