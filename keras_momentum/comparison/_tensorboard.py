"""TensorBoard's logs: HParams and Custom Scalars are written, scalars are read."""

from pathlib import Path
from typing import Any

from keras_momentum.callbacks._tensorboard_layout import custom_scalars
from keras_momentum.comparison._runs import Run

_PREFIXES = {"train": "", "validation": "val_"}
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


def is_logged(folder: Path) -> bool:
    """Whether Keras's TensorBoard callback has logged a training into a folder."""
    return any((folder / "train").glob("events.out.tfevents.*"))


def run_from_logs(folder: Path, name: str, seed: int) -> Run:
    """A run from the logs of Keras's TensorBoard callback.

    Args:
        folder: The folder of the run.
        name: The name that the run gets.
        seed: The seed that the run gets.
    """
    history: dict[str, list[float]] = {}
    times: list[float] = []
    steps: list[int] = []
    for part, prefix in _PREFIXES.items():
        for tag, events in _scalars(folder / part).items():
            if tag.startswith("epoch_"):
                key = prefix + tag.removeprefix("epoch_")
                history[key] = [value for _, _, value in events]
                if tag == "epoch_loss" and not prefix:
                    times = [time for time, _, _ in events]
            elif tag == "evaluation_loss_vs_iterations":
                steps = [step for _, step, _ in events]
    epochs = len(history.get("loss", []))
    return Run(
        name=name,
        seed=seed,
        history=history,
        steps=steps if len(steps) == epochs else list(range(1, epochs + 1)),
        seconds=[time - times[0] for time in times],
    )


def _writer(tf: Any, folder: Path) -> Any:
    # All at once, when it is closed.
    return tf.summary.create_file_writer(str(folder), flush_millis=10_000_000)


def _scalars(folder: Path) -> dict[str, list[tuple[float, int, float]]]:
    """Time, step and value of each scalar, by its tag."""
    from tensorboard.backend.event_processing import event_accumulator as events
    from tensorboard.util import tensor_util

    if not folder.is_dir():
        return {}
    everything = {events.TENSORS: 0}
    log = events.EventAccumulator(str(folder), size_guidance=everything)
    log.Reload()
    return {
        tag: [
            (event.wall_time, event.step, float(value))
            for event in log.Tensors(tag)
            if (value := tensor_util.make_ndarray(event.tensor_proto)).size == 1
        ]
        for tag in log.Tags()[events.TENSORS]
        if tag.startswith(("epoch_", "evaluation_"))
    }
