"""Runs read back, from a comparison or from logs of Keras's TensorBoard callback."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_momentum.comparison.comparing import SETTINGS, default_metric
from keras_momentum.comparison.comparison import Comparison
from keras_momentum.comparison.run import FILE, Run

_PARTS = {"train": "", "validation": "val_"}


def load_comparison(
    path: str | Path,
    metric: str | None = None,
    mode: str | None = None,
    target: float | None = None,
) -> Comparison:
    """Reads a comparison from its folder; nothing is trained.

    Folders that `keras_momentum.comparison.compare` wrote are read, and those with logs
    of `keras.callbacks.TensorBoard`: a run is a folder with `train`, and perhaps
    `validation`, in it. The last part of its path is the seed if it is a number,
    perhaps behind a word (`seed-1`, `run_2`, `3`); what stands before it is the name of
    the optimizer. Of such logs, the number of updates is known only where there was
    validation, and else that of epochs takes its place; times are those of the clock
    since the end of the first epoch, and the first step's is not known.

    Args:
        path: The folder.
        metric: `None` or the name of a metric. Defaults to what the comparison was
            judged by; for other logs to the first validation metric, or the loss.
        mode: `None`, `"auto"`, `"min"` or `"max"`. Defaults likewise; for other logs to
            `"auto"`.
        target: `None` or a float. Defaults likewise; for other logs there is none.

    Returns:
        A `Comparison`.

    Raises:
        ImportError: If TensorBoard is missing and needed.
        ValueError: If there is no run in the folder.

    Example:

    ```python
    comparison = keras_momentum.comparison.load_comparison("runs/comparison")
    print(comparison)
    ```
    """
    root = Path(path)
    found = list(_runs(root))
    if not found:
        raise ValueError(
            "Argument `path` must be a folder with runs of `compare` or logs of "
            f"keras.callbacks.TensorBoard. Received: path={str(path)!r}"
        )
    settings: dict[str, Any] = {}
    if (root / SETTINGS).exists():
        settings = json.loads((root / SETTINGS).read_text("utf-8"))
    return Comparison(
        found,
        metric or settings.get("metric") or default_metric(found),
        mode or settings.get("mode", "auto"),
        settings.get("target") if target is None else target,
    )


def _runs(root: Path) -> Iterator[Run]:
    for folder in sorted({root, *(each for each in root.rglob("*") if each.is_dir())}):
        if (folder / FILE).exists():
            yield Run.load(folder)
        elif _has_events(folder / "train"):
            run = _from_events(folder, *_name_and_seed(folder, root))
            if run.steps:
                yield run


def _has_events(folder: Path) -> bool:
    return any(folder.glob("events.out.tfevents.*"))


def _name_and_seed(folder: Path, root: Path) -> tuple[str, int]:
    parts = folder.relative_to(root).parts or (root.resolve().name,)
    seed = re.fullmatch(r"(?:[A-Za-z]+[-_ ]?)?(\d{1,9})", parts[-1])
    if seed and len(parts) > 1:
        return "/".join(parts[:-1]), int(seed.group(1))
    return "/".join(parts), 0


def _from_events(folder: Path, name: str, seed: int) -> Run:
    history: dict[str, list[float]] = {}
    times: list[float] = []
    steps: list[int] = []
    for part, prefix in _PARTS.items():
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
