"""What all tests share."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores: a thread for each, also in what they start.
    for _threads in (
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
        *("OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    ):
        os.environ.setdefault(_threads, "1")

from collections.abc import Iterator

import keras
import pytest


@pytest.fixture(autouse=True)
def _fresh_keras() -> Iterator[None]:
    """Each test with the same seed, and with names and float types of its own."""
    # Without the search for garbage, which takes a second once there is much else.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    # What is left of a test stays; nobody need look through it again after each other.
    gc.collect()
    gc.freeze()


@pytest.fixture
def float64_allowed() -> Iterator[None]:
    """On JAX float64 has to be switched on."""
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)
