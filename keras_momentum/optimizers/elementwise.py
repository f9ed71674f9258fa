"""Functions of what a formula computes with, element by element, on every backend.

>>> import numpy as np
>>> from keras_momentum.optimizers import elementwise
>>> x = keras.ops.convert_to_tensor(np.array([1.0, 4.0], "float32"))
>>> keras.ops.convert_to_numpy(elementwise.sqrt(x)).tolist()
[1.0, 2.0]
"""

import keras  # noqa: F401  of the example

from keras_momentum._backend import backend

__all__ = ["finite", "maximum", "minimum", "sqrt", "square"]

sqrt = backend.sqrt
square = backend.square
maximum = backend.maximum
minimum = backend.minimum
finite = backend.finite
