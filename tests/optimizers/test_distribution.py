"""Distributed weights are updated one by one, to the same result."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.optimizers.family import OURS, PLAIN

# Each test starts processes.
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def together(
    program: str, environments: list[dict[str, str]], *names: str
) -> list[str]:
    """Runs one process for each environment; returns what they printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"tests.optimizers.distributed.{program}", *names],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in environments
    ]
    results = [process.communicate(timeout=300) for process in processes]
    for process, (output, errors) in zip(processes, results, strict=True):
        assert process.returncode == 0, output[-300:] + errors[-3000:]
    return [output for output, _ in results]


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's"
)
on_jax = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="keras.distribution is JAX's"
)
some_of_the_family = pytest.mark.parametrize("name", ["NAG", "MomentumAdam", "Muon"])


@on_tensorflow
def test_mirrored_strategy_trains_as_one_device_does() -> None:
    together("mirrored", [{}], *OURS)


@on_tensorflow
@some_of_the_family
def test_two_workers_train_as_one_does(name: str) -> None:
    cluster = {"worker": [free_address() for _ in range(2)]}
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    configs = [json.dumps({"cluster": cluster, "task": task}) for task in tasks]
    together("workers", [{"TF_CONFIG": config} for config in configs], name)


@on_jax
def test_two_devices_train_as_one_does() -> None:
    flags = "--xla_force_host_platform_device_count=2"
    together("devices", [{"XLA_FLAGS": flags}], *OURS)


@on_jax
@some_of_the_family
def test_two_processes_fit_the_same_model(name: str) -> None:
    address = free_address()
    pair = [{"ADDRESS": address, "PROCESS": str(i), "COUNT": "2"} for i in range(2)]
    outputs = together("processes", pair, name)
    outputs += together("processes", [{"PROCESS": "0", "COUNT": "1"}], name)
    first, second, expected = (
        [float(word) for word in output.split("losses")[1].split()]
        for output in outputs
    )
    assert first == second
    np.testing.assert_allclose(first, expected, rtol=PLAIN[name].tolerance)
