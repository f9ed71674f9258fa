"""A small residual network for pictures, trained from scratch in minutes."""

from typing import Any

import keras
from keras import layers


def residual_network(
    image_size: int, classes: int, *, width: int, stages: int, dropout: float
) -> keras.Model:
    """A residual network of one block a stage, each stage half as large, twice as wide.

    Args:
        image_size: Height and width of the pictures in pixels.
        classes: The number of classes.
        width: The channels of the first stage.
        stages: The number of stages.
        dropout: The share of the last features that is dropped in training.

    Returns:
        A model from pictures (batch, image_size, image_size, 3) with values of 0 to
        255 to logits (batch, classes) in float32.

    Reference:

    - He, Zhang, Ren and Sun, 2016, "Identity Mappings in Deep Residual Networks".
    """
    pictures = keras.Input((image_size, image_size, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(pictures)
    x = _convolution(x, width, strides=2)
    for stage in range(stages):
        x = _residual_block(x, width * 2**stage, strides=1 if stage == 0 else 2)
    x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name="residual_network")


def _residual_block(x: Any, width: int, *, strides: int) -> Any:
    y = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
    shortcut = x
    if strides > 1:
        shortcut = layers.AveragePooling2D(strides, padding="same")(x)
    if x.shape[-1] != width:
        shortcut = layers.Conv2D(width, 1, use_bias=False)(shortcut)
    y = _convolution(y, width, strides=strides)
    y = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(y))
    y = _convolution(y, width, strides=1)
    return layers.Add()([shortcut, y])


def _convolution(x: Any, width: int, *, strides: int) -> Any:
    return layers.Conv2D(
        width,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
