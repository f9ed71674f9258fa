"""Many workers train as one does, also if one of them is killed."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fruits import many_workers
from fruits.errors import RefusedError
from fruits.many_workers import workers_of
from fruits.replicas import Alone, Workers
from fruits.sharded import Sharded
from tests.examples.times import TIMES
from tests.once import once

PROGRAM = Path(__file__).parent / "many_workers.py"
# Neither pictures for validation nor those in an epoch can be shared evenly.
CONFIG = """
[data]
image_size = 32
batch_size = 8
train_images = 105
validation_images = 27
test_images = 26

[augmentation]
zoom = 0.2

[model]
width = 4
stages = 2
dropout = 0.0

[optimizer]
restart_every = 5

[gamma_ramp]
initial = 0.2
final = 0.8

[training]
epochs = 2
"""
KILLED = -signal.SIGKILL
JOB = ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG)
    return path


def start(
    folder: Path,
    *arguments: str,
    devices: int = 1,
    ends: tuple[int, int] = (0, 0),
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Starts a process.

    Args:
        folder: Where its files go.
        *arguments: Of train_fruits.py.
        devices: How many the machine seems to have.
        ends: A signal that the process gets, and after how many batches.
        environment: What is added to it.
    """
    words = [str(devices), str(int(ends[0])), str(ends[1]), "tiny.toml", *arguments]
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=400)
    return process.returncode, output


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def job(addresses: list[str], number: int) -> dict[str, str]:
    """The environment of a worker, as each backend reads it."""
    task = {"type": "worker", "index": number}
    values = (addresses[0], str(len(addresses)), str(number))
    host, _, port = addresses[0].rpartition(":")
    return {
        "RANK": str(number),
        "LOCAL_RANK": str(number),
        "WORLD_SIZE": str(len(addresses)),
        "MASTER_ADDR": host,
        "MASTER_PORT": port,
        "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task}),
        **{
            f"KERAS_DISTRIBUTION_{name}": value
            for name, value in zip(JOB, values, strict=True)
        },
    }


def pair(
    folder: Path, *ends: tuple[int, int], devices: int = 1
) -> list[tuple[int, str]]:
    """Runs two processes that train together, each with so many devices."""
    addresses = [free_address() for _ in range(2)]
    processes = [
        start(
            folder,
            "--folder=many",
            "--workers=processes",
            devices=devices,
            ends=end,
            environment=job(addresses, number),
        )
        for number, end in enumerate(ends or ((0, 0), (0, 0)))
    ]
    return [ended(process) for process in processes]


def check_same_curves(folder: Path) -> None:
    """The run in many/ has the curves of one in alone/."""
    code, output = ended(start(folder, "--folder=alone"))
    assert code == 0, output
    expected, found = (
        list(csv.DictReader((folder / name / "history.csv").open()))
        for name in ("alone", "many")
    )
    for name in expected[0]:
        if name not in TIMES:
            np.testing.assert_allclose(
                [float(row[name]) for row in found],
                [float(row[name]) for row in expected],
                rtol=1e-4,
                err_msg=name,
            )
    model = keras.saving.load_model(folder / "many" / "best.keras", compile=False)
    assert not any(getattr(layer, "synchronized", False) for layer in model.layers)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="it is refused")
def test_two_devices_train_as_one_does_and_go_on(config: Path, tmp_path: Path) -> None:
    arguments = ("--folder=many", "--workers=devices")
    first = start(tmp_path, *arguments, devices=2, ends=(signal.SIGTERM, 17))
    code, output = ended(first)
    assert code == 128 + signal.SIGTERM, output
    code, output = ended(start(tmp_path, *arguments, devices=2))
    assert code == 0, output
    assert "after 1 epochs and 4 batches" in output
    check_same_curves(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="it is refused")
def test_two_processes_of_two_devices_train_as_one_device_does(
    config: Path, tmp_path: Path
) -> None:
    results = pair(tmp_path, devices=2)
    assert [code for code, _ in results] == [0, 0], results
    assert "4 devices of 2 processes" in results[0][1]
    check_same_curves(tmp_path)


@pytest.mark.slow
def test_processes_train_as_one_does_also_if_some_are_killed(
    config: Path, tmp_path: Path
) -> None:
    # A signal to one of them ends both, after the same batch.
    results = pair(tmp_path, (0, 0), (signal.SIGTERM, 5))
    assert [code for code, _ in results] == [128 + signal.SIGTERM] * 2, results
    # One that is killed ends the job. What was saved is kept.
    (code, _), (killed, _) = pair(tmp_path, (0, 0), (signal.SIGKILL, 16))
    assert killed == KILLED
    assert code != 0
    results = pair(tmp_path)
    assert [code for code, _ in results] == [0, 0], results
    assert "after 1 epochs and 0 batches" in results[0][1]
    check_same_curves(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="of PyTorch")
def test_processes_of_pytorch_have_the_same_weights_whatever_they_begin_with(
    tmp_path: Path,
) -> None:
    address = free_address()
    processes = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM.with_name("own_seed.py")), "weights"],
            cwd=tmp_path,
            env={**os.environ, **job([address, address], number)},
        )
        for number in range(2)
    ]
    assert [process.wait(400) for process in processes] == [0, 0]
    first, second = (np.load(tmp_path / f"weights{number}.npy") for number in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first)) > 12


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_waits_for_others_can_be_ended(
    number: signal.Signals, config: Path, tmp_path: Path
) -> None:
    if (keras.backend.backend(), number) == ("tensorflow", signal.SIGTERM):
        pytest.skip("TensorFlow handles it while it waits")
    process = start(
        tmp_path,
        "--folder=many",
        "--workers=processes",
        environment=job([free_address() for _ in range(2)], 0),
    )
    assert process.stdout is not None
    try:
        assert any("Waits until all 2" in line for line in process.stdout)
        time.sleep(2)  # Until the wait has begun.
        process.send_signal(number)
        assert process.wait(10) in (-number, 128 + number)
    finally:
        process.kill()
        process.communicate()
    assert not (tmp_path / "many").exists()


class Four(Alone):
    replicas = 4


@once
@pytest.mark.parametrize("size", [4, 8, 400])
def test_batches_that_can_be_shared_are_taken(size: int) -> None:
    Four().check_batch_size(size)


@once
@pytest.mark.parametrize("size", [1, 2, 6, 401])
def test_batches_that_can_not_be_shared_evenly_are_refused(size: int) -> None:
    with pytest.raises(RefusedError, match=rf"data.batch_size: .* of 4.*: {size}$"):
        Four().check_batch_size(size)


def sharded(process: int, processes: int, replicas: int) -> Workers:
    """One of several processes of JAX, of which there is only this one."""
    workers = object.__new__(Sharded)
    workers.process, workers.processes = process, processes
    workers.replicas = replicas
    return workers


def rows_of(batches: Any) -> list[list[int]]:
    return [batch[0].tolist() for batch in batches.as_numpy_iterator()]


@once
def test_processes_have_the_rows_of_every_batch_once_and_in_order() -> None:
    rows = np.arange(24)
    batches = tf.data.Dataset.from_tensor_slices((rows, -rows)).batch(8)
    shares = [rows_of(sharded(i, 4, 8).shared(batches)) for i in range(4)]
    for number, batch in enumerate(rows_of(batches)):
        assert [row for share in shares for row in share[number]] == batch


@once
@pytest.mark.parametrize("count", [1, 5, 8, 13, 16, 20])
def test_pictures_for_evaluation_count_equally(count: int) -> None:
    batches = tf.data.Dataset.range(count).map(lambda i: (i, i)).batch(8)
    shares = [rows_of(sharded(i, 2, 4).evaluated(batches, count, 8)) for i in range(2)]
    assert len(shares[0]) == len(shares[1])
    rows = [row for share in shares for batch in share for row in batch]
    seen = np.bincount(rows, minlength=count)
    assert set(seen) == ({1} if count % 4 == 0 else {4})
    # Each device has its part of each batch.
    assert all(len(batch) % 2 == 0 for share in shares for batch in share)


@once
def test_a_number_of_pictures_that_can_be_shared_is() -> None:
    batches = tf.data.Dataset.range(12).map(lambda i: (i, i)).batch(8)
    share = sharded(1, 2, 4).evaluated(batches, 12, 8)
    assert rows_of(share) == [[4, 5, 6, 7], [10, 11]]


@once
def test_a_training_that_workers_have_different_ideas_of_is_refused() -> None:
    class Second(Alone):
        process, processes = 1, 2

        def from_chief(self, value: Any) -> Any:
            return {"name": "tiny", "data": "fruit"}

    Second().check_same({"name": "tiny", "data": "fruit"})
    with pytest.raises(RefusedError, match="another data than the first"):
        Second().check_same({"name": "tiny", "data": "vegetables"})


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def set_job(patch: pytest.MonkeyPatch, processes: int) -> None:
    for name, value in job(["a:1"] * processes, 0).items():
        patch.setenv(name, value)


@pytest.mark.parametrize("kind", [None, "devices"])
def test_a_job_of_which_each_process_would_train_by_itself_is_refused(
    kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_job(monkeypatch, 2)
    with pytest.raises(RefusedError, match=r"job of 2 .* --workers processes"):
        workers_of(kind)


@pytest.mark.parametrize("text", ["1", "", "two", "{}", '{"cluster": 2}'])
def test_what_describes_no_job_does_not_matter_to_a_single_device(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TF_CONFIG", "WORLD_SIZE", "KERAS_DISTRIBUTION_NUM_PROCESSES"):
        monkeypatch.setenv(name, text)
    assert isinstance(workers_of(None), Alone)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="others can")
def test_devices_without_processes_are_refused_on_pytorch() -> None:
    with pytest.raises(RefusedError, match="--workers devices: .* torchrun"):
        workers_of("devices")


JAX_NAMES = tuple(f"KERAS_DISTRIBUTION_{name}" for name in JOB)
TORCH_NAMES = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK", "LOCAL_RANK")


def check_is_refused(
    names: tuple[str, ...],
    values: tuple[str, ...],
    expected: str,
    patch: pytest.MonkeyPatch,
) -> None:
    for name, value in zip(names, values, strict=True):
        patch.setenv(name, value)
    with pytest.raises(RefusedError, match=expected):
        workers_of("processes")


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("", "2", "0"), "JOB_ADDRESSES is missing"),
        (("a:1", "", "0"), "NUM_PROCESSES is missing"),
        (("a:1", "2", ""), "PROCESS_ID is missing"),
        (("a:1", "two", "0"), "NUM_PROCESSES: it must be a whole number"),
        (("a:1", "2", "-1"), "PROCESS_ID: it must be a whole number"),
        (("a:1", "2", "2"), "PROCESS_ID: it must be below .*: 2 of 2"),
        (("a:1", "0", "0"), "PROCESS_ID: it must be below .*: 0 of 0"),
        (("a:1,b:1", "3", "0"), "JOB_ADDRESSES: it must name the first of 3"),
        (("a", "2", "0"), "JOB_ADDRESSES: .* HOST:PORT"),
        (("a:port", "2", "0"), "JOB_ADDRESSES: .* HOST:PORT"),
        (("a:70000", "2", "0"), "JOB_ADDRESSES: .* HOST:PORT"),
    ],
)
def test_an_environment_that_describes_no_job_of_jax_is_refused(
    values: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_is_refused(JAX_NAMES, values, expected, monkeypatch)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX")
def test_processes_with_different_numbers_of_devices_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices = [types.SimpleNamespace(process_index=index) for index in (0, 1, 1)]
    monkeypatch.setattr("jax.devices", lambda: devices)
    with pytest.raises(RefusedError, match=r"same number of devices. .*\[1, 2\]"):
        Sharded()


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="of PyTorch")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("", "1", "2", "0", "0"), "MASTER_ADDR is missing"),
        (("a", "", "2", "0", "0"), "MASTER_PORT is missing"),
        (("a", "1", "", "0", "0"), "WORLD_SIZE is missing"),
        (("a", "1", "2", "", "0"), ", and RANK is missing"),
        (("a", "1", "2", "0", ""), "LOCAL_RANK is missing"),
        (("a", "1", "two", "0", "0"), "WORLD_SIZE: it must be a whole number"),
        (("a", "1", "2", "-1", "0"), "^RANK: it must be a whole number"),
        (("a", "1", "2", "2", "0"), "^RANK: it must be below .*: 2 of 2"),
        (("a", "1", "2", "0", "x"), "LOCAL_RANK: it must be a whole number"),
        (("a", "port", "2", "0", "0"), "MASTER_PORT: .* HOST:PORT"),
        (("a", "70000", "2", "0", "0"), "MASTER_PORT: .* HOST:PORT"),
    ],
)
def test_an_environment_that_describes_no_job_of_pytorch_is_refused(
    values: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_is_refused(TORCH_NAMES, values, expected, monkeypatch)


def test_a_port_that_is_in_use_is_refused(
    used_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in job([f"127.0.0.1:{used_port}", "a:1"], 0).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RefusedError, match=f": port {used_port} .* is in use"):
        workers_of("processes")


@pytest.mark.parametrize("kind", [None, "devices", "processes"])
def test_the_memory_of_the_gpu_is_shared_before_tensorflow_takes_it(
    kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    monkeypatch.setattr(many_workers, "share_gpu", lambda: order.append("share"))
    for name in ("join", "mirrored_devices", "mirrored_processes", "Sharded"):
        monkeypatch.setattr(many_workers, name, lambda: order.append("start"))
    with contextlib.suppress(RefusedError):
        workers_of(kind)
    assert order[0] == "share"


def config_of(**changes: Any) -> str:
    task = {"type": "worker", "index": 0, **changes.pop("task", {})}
    cluster = {"worker": ["a:1", "b:1"], **changes}
    return json.dumps({"cluster": cluster, "task": task})


@once
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}}',
        config_of(worker="a:1"),
        config_of(worker=[]),
        config_of(worker=["a", "b"]),
        config_of(worker=["a:port", "b:1"]),
        config_of(worker=[1, 2]),
        config_of(ps=["c:1"]),
        config_of(task={"index": 2}),
        config_of(task={"index": -1}),
        config_of(task={"index": "0"}),
        config_of(task={"index": True}),
        config_of(task={"type": "evaluator"}),
    ],
)
def test_a_tf_config_that_describes_no_workers_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(RefusedError, match=r"TF_CONFIG( must be|: each is HOST:PORT)"):
        workers_of("processes")
