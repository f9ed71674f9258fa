"""From a folder of pictures to the first step: time and memory, beside Keras's."""

import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tests.benchmarks import own_process
from tests.benchmarks.table import Table

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from fruits.config import Config
from fruits.data import FruitData

BATCH_SIZE = 32
STEPS = 100
WHO = ("keras", "ours, to be prepared", "ours, prepared")


def run(count: int, classes: int, side: int, rounds: int) -> None:
    """Draws the pictures, measures all, a process each, and writes the table."""
    table = Table(
        f"pictures-{count}",
        f"{count} JPEGs of {side} x {side} in {classes} classes, batches of "
        f"{BATCH_SIZE}; medians of {rounds} processes each. Seconds from the folder to "
        "the data set and to the end of the first step of `fit`, for which a small "
        "network is traced as well, and the processor's seconds of that; a later step "
        f"(median of {STEPS}); peak memory.",
        ["", "to data", "to first step", "of them CPU", "step, ms", "peak, MB"],
    )
    with tempfile.TemporaryDirectory() as place:
        draw(Path(place) / "pictures", count, classes, side)
        found: dict[str, list[dict[str, float]]] = {who: [] for who in WHO}
        for number in range(rounds):
            for who in WHO:
                cache = f"{place}/cache{number}"
                found[who].append(measured(f"{place}/pictures", cache, side, who))
    for who, figures in found.items():
        table.add(
            who,
            *(
                statistics.median(figure[name] for figure in figures)
                for name in ("data", "first", "cpu", "step", "peak")
            ),
        )
    table.show()


def draw(folder: Path, count: int, classes: int, side: int) -> None:
    """Writes blurred noise, in the colour of its class."""
    rng = np.random.default_rng(0)
    for number in range(classes):
        (folder / f"class{number:03}").mkdir(parents=True)
    for number in range(count):
        label = number % classes
        noise = rng.integers(0, 255, (8, 8, 3), np.uint8)
        noise[..., 0] = label * 255 // classes
        path = folder / f"class{label:03}" / f"{number:07}.jpg"
        Image.fromarray(noise).resize((side, side)).save(path, quality=85)


def measured(folder: str, cache: str, side: int, who: str) -> dict[str, float]:
    """What a process of its own says of its time and memory."""
    return own_process.figures("pictures", folder, cache, str(side), who)


class Clock(keras.callbacks.Callback):
    """When each step has ended, also by the clock of the processor."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []
        self.cpu: list[float] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.ends.append(time.perf_counter())
        self.cpu.append(time.process_time())


def work(folder: str, cache: str, side: int, who: str) -> None:
    """Trains some steps and prints the figures."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    batches = _of_keras(folder, side) if who == "keras" else _ours(folder, cache, side)
    classes = next(iter(batches.element_spec[1:])).shape[-1]
    of_data = time.perf_counter()
    model = keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes),
        ]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss)
    clock = Clock()
    model.fit(
        batches, steps_per_epoch=STEPS + 1, shuffle=False, verbose=0, callbacks=[clock]
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    figures = {
        "data": of_data - begin,
        "first": clock.ends[0] - begin,
        "cpu": clock.cpu[0] - begin_cpu,
        "step": statistics.median(np.diff(clock.ends)) * 1e3,
        "peak": peak,
    }
    print(json.dumps(figures))


def _of_keras(folder: str, side: int) -> tf.data.Dataset:
    training, _ = keras.utils.image_dataset_from_directory(
        folder,
        label_mode="categorical",
        batch_size=BATCH_SIZE,
        image_size=(side, side),
        validation_split=0.2,
        subset="both",
        seed=0,
        verbose=False,
    )
    return training.repeat()


def _ours(folder: str, cache: str, side: int) -> tf.data.Dataset:
    data = {"source": "folder", "path": folder, "cache_dir": cache, "image_size": side}
    changes = {"flip": False}
    config = Config.model_validate(
        {"data": {**data, "batch_size": BATCH_SIZE}, "augmentation": changes}
    )
    return FruitData(config).training(seed=0)


if __name__ == "__main__":
    folder, cache, side, who = sys.argv[1:]
    work(folder, cache, int(side), who)
