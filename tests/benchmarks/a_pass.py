"""A pass through very many pictures: how memory grows, and pictures a second."""

import resource
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from tests.benchmarks.table import Table

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from fruits.augmentation import Augmentation
from fruits.pipeline import training_batches
from fruits.rendering import KINDS, draw_fruit
from fruits.squares import Squares
from fruits.stored import StoredExamples

BATCH_SIZE = 32
LOOKS = 10
_DRAWN = 2_000
_SHARDS = 8


def run(count: int, side: int) -> None:
    """Draws fruits, takes each `count / 2000` times, and passes through all of them."""
    table = Table(
        f"pass-{count}",
        f"A pass through {count:,} records of drawn fruits of {side} x {side} "
        f"({_DRAWN:,} different ones), batches of {BATCH_SIZE}, shuffled and mirrored, "
        "without a network. Memory of the process in MB, and pictures a second since "
        "the row above.",
        ["pictures", "memory, MB", "pictures/s"],
    )
    with tempfile.TemporaryDirectory() as place:
        batches = training_batches(
            Squares(
                StoredExamples(write(Path(place), count, side), count),
                _decode,
                classes=len(KINDS),
                side=side,
                folder=place,
            ),
            image_size=side,
            batch_size=BATCH_SIZE,
            how=Augmentation(),
            seed=0,
        )
        steps = count // BATCH_SIZE
        looks = {1, *(steps * look // LOOKS for look in range(1, LOOKS + 1))}
        last, begin = 0, time.perf_counter()
        for step, _ in enumerate(batches.take(steps), start=1):
            if step in looks:
                now = time.perf_counter()
                rate = (step - last) * BATCH_SIZE / (now - begin)
                table.add(f"{step * BATCH_SIZE:,}", f"{_memory():.0f}", rate)
                last, begin = step, now
    table.show()


def write(folder: Path, count: int, side: int) -> list[Path]:
    """Writes the records: the number of the kind, and a PNG."""
    drawn = []
    for number in range(_DRAWN):
        kind = number % len(KINDS)
        picture = draw_fruit(KINDS[kind], side, (0, 0, number))
        drawn.append(bytes([kind]) + tf.io.encode_png(picture).numpy())
    paths = [folder / f"{shard}.tfrecord" for shard in range(_SHARDS)]
    for shard, path in enumerate(paths):
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in range(shard, count, _SHARDS):
                writer.write(drawn[number % _DRAWN])
    return paths


def _decode(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    picture = tf.io.decode_png(tf.strings.substr(example, 1, -1), 3)
    return picture, tf.io.decode_raw(tf.strings.substr(example, 0, 1), tf.uint8)[0]


def _memory() -> float:
    """What the process holds now, as Linux says it."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6
