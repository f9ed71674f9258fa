"""What is tested on one backend."""

import keras
import pytest

once = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="what it is made of is tested on all backends; one run of it is enough",
)
