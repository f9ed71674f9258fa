"""Types of floats."""

import keras
import ml_dtypes


def float_type() -> str:
    """The float type of Keras, but float32 where that has 16 bits.

    In bfloat16 a gamma of 0.999 is 1, and the steps after 256 are not told apart.
    """
    floatx = keras.config.floatx()
    return floatx if floatx == "float64" else "float32"


def largest(dtype: str) -> float:
    """The largest finite number of a float type."""
    return float(ml_dtypes.finfo(dtype).max)


def multiplied(dtype: str, is_on_accelerator: bool) -> str:
    """The type in which matrices of a type are multiplied."""
    return "bfloat16" if is_on_accelerator and dtype == "float32" else dtype


def computed(dtype: str) -> str:
    """The type in which weights of a type are updated.

    In 16 bits scalars lose their digits: in bfloat16 the beta_2 of Adam, 0.999, is 1.
    """
    return "float32" if dtype in ("float16", "bfloat16") else dtype
