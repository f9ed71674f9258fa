"""train_fruits.py as a person would run it who has more devices, and as it may end.

    python tests/examples/many_workers.py DEVICES SIGNAL BATCH ARGUMENT ...

The machine seems to have DEVICES devices. After so many batches the process gets the
SIGNAL, if it is not 0. The arguments are those of train_fruits.py.
"""

import os
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"


def seem_to_have(devices: int) -> None:
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    import tensorflow as tf
    from tensorflow.python.distribute import collective_all_reduce_strategy

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * devices,
    )

    def all_of_them(_: Any, resolver: Any, worker: str) -> tuple[tuple[str, ...], str]:
        return tuple(f"{worker}/device:CPU:{i}" for i in range(devices)), "CPU"

    # MultiWorkerMirroredStrategy takes all GPUs of a process, but only one CPU.
    extended = collective_all_reduce_strategy.CollectiveAllReduceExtended
    extended._initialize_local_devices = all_of_them


def signal_after(batches: int, number: int) -> None:
    from fruits import training
    from fruits.monitor import Monitor

    class Signal(Monitor):
        batches = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            super().on_train_batch_end(batch, logs)
            self.batches += 1
            if self.batches == batches:
                os.kill(os.getpid(), number)

    training.Monitor = Signal  # type: ignore[attr-defined]


def main() -> int:
    devices, number, batches = map(int, sys.argv[1:4])
    del sys.argv[1:4]
    seem_to_have(devices)
    import train_fruits
    from fruits.entry import import_keras

    import_keras()
    if number:
        signal_after(batches, number)
    return train_fruits.main()


if __name__ == "__main__":
    sys.path.insert(0, str(EXAMPLES))
    from fruits.entry import run

    run(main)
