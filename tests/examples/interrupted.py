"""Trains in one process after the other, each of which is interrupted, to the end.

    python tests/examples/interrupted.py CONFIG FINAL SIGNAL COUNT

Each of COUNT processes gets SIGNAL at a random moment, some while they prepare, most
while they train. What the variables are at the end is left in FINAL.
"""

import os
import random
import shutil
import signal
import sys
import threading
import tomllib
import traceback
from pathlib import Path
from typing import Any

from fruits import entry, report, training
from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import Terminated
from fruits.keeping import Keeper
from fruits.lost_interrupts import repeat_lost_interrupts
from fruits.run import FINISHED
from keras_momentum._hyperparameters.plan import Plan

# That of a plan, so that a run of some hundred updates has several.
CAPACITY = 100


def train(config: Config, final: Path, number: int, moment: float | None) -> int:
    """Trains in a process of its own, which gets a signal at a moment.

    Args:
        config: What to train.
        final: Where the variables go at the end.
        number: The signal.
        moment: In seconds, after the first batch, or for a negative one after the
            beginning; `None` for no signal.
    """
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def send() -> None:
        assert moment is not None
        timer = threading.Timer(abs(moment), os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    if moment is not None and moment < 0:
        send()
    end = Keeper.on_train_batch_end
    repeat_lost_interrupts()
    waiting = moment is not None and moment >= 0

    def on_train_batch_end(self: Keeper, batch: int, logs: Any = None) -> None:
        nonlocal waiting
        if waiting and batch >= self._batch:  # It was not passed by.
            waiting = False
            send()
        end(self, batch, logs)

    Keeper.on_train_batch_end = on_train_batch_end  # type: ignore[method-assign]
    try:
        run = training.train("run", config, FruitData(config))
        assert run is not None
        if run.state == FINISHED:
            shutil.copy(run.folder.path / "checkpoint.npz", final)
        report.write_report(run)
        run.close()
        code = run.exit_code
    except Terminated:
        code = entry.TERMINATED
    except KeyboardInterrupt:
        code = entry.INTERRUPTED
    except BaseException:
        traceback.print_exc()
        code = entry.FAILED
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    file, final, name, count = sys.argv[1:]
    number = signal.Signals[name]
    Plan.capacity = CAPACITY
    config = Config.model_validate(tomllib.loads(Path(file).read_text("utf-8")))
    rng = random.Random(file)
    codes = []
    for _ in range(int(count)):
        early = rng.random() < 0.2
        moment = -rng.uniform(0, 3) if early else rng.uniform(0, 0.2)
        codes.append(train(config, Path(final), number, moment))
    while not Path(final).exists():
        codes.append(train(config, Path(final), number, None))
    print(*codes, sep=",")


if __name__ == "__main__":
    main()
