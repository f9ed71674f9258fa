"""What differs between the backends, in one file for each, chosen here.

No other file of the package asks which backend it runs on. `interface` says what every
backend has.
"""

import importlib
from typing import cast

import keras

from keras_momentum._backend.interface import Backend
from keras_momentum._backend.pack import Kind, Pack

_NAMES = ("tensorflow", "jax", "torch")
_name = keras.backend.backend()
if _name not in _NAMES:
    raise ImportError(
        f"keras_momentum needs the backend {', '.join(_NAMES[:-1])} or {_NAMES[-1]}. "
        f"Received: KERAS_BACKEND={_name}"
    )

backend = cast(Backend, importlib.import_module(f"keras_momentum._backend.{_name}"))

__all__ = ["Backend", "Kind", "Pack", "backend"]
