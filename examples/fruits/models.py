"""The classifiers: a small residual network from scratch, or one of Keras's."""

from typing import Any

import keras
from keras import layers

from fruits.applications import application_features
from fruits.config import Network


def classifier(network: Network, image_size: int, classes: int) -> keras.Model:
    """A network for pictures.

    Args:
        network: Which one.
        image_size: Height and width of the pictures in pixels.
        classes: The number of classes.

    Returns:
        A model from pictures (batch, image_size, image_size, 3) with values of 0 to
        255 to logits (batch, classes) in float32.

    Raises:
        RefusedError: If its weights can't be had.
    """
    pictures = keras.Input((image_size, image_size, 3), name="picture")
    if network.is_own:
        features = _residual_features(pictures, network.width, network.stages)
    else:
        features = application_features(pictures, network.name, network.weights)
    features = layers.Dropout(network.dropout)(features)
    logits = layers.Dense(classes, dtype="float32", name="logits")(features)
    return keras.Model(pictures, logits, name=network.name)


def _residual_features(pictures: Any, width: int, stages: int) -> Any:
    """A residual network of one block a stage, each stage half as large, twice as wide.

    Reference:

    - He, Zhang, Ren and Sun, 2016, "Identity Mappings in Deep Residual Networks".
    """
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(pictures)
    x = _convolution(x, width, strides=2)
    for stage in range(stages):
        x = _residual_block(x, width * 2**stage, strides=1 if stage == 0 else 2)
    x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
    return layers.GlobalAveragePooling2D()(x)


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
