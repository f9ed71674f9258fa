"""What all tests share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


@pytest.fixture(autouse=True)
def _fresh_keras() -> None:
    """Each test with the same seed, and with names and policies of its own."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
