"""Trains with some of this machine's devices, as a person would with all of them.

    python tests/examples/many_workers.py DEVICES ARGUMENT ...

The machine seems to have so many devices; the arguments are those of train_fruits.py.
"""

import os
import sys
from pathlib import Path


def main() -> int:
    devices = int(sys.argv.pop(1))
    flag = f"--xla_force_host_platform_device_count={devices}"
    os.environ["XLA_FLAGS"] = flag
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * devices,
    )
    import train_fruits

    return train_fruits.main()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    from fruits.entry import run

    run(main)
