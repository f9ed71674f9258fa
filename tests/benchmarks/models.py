"""The models that are trained in the benchmarks."""

from collections.abc import Callable

import keras
from keras import layers

CLASSES = 10


def mlp() -> keras.Model:
    """100 layers Dense(64): 202 small variables."""
    hidden = [layers.Dense(64) for _ in range(100)]
    return keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(CLASSES)])


def resnet() -> keras.Model:
    """ResNet50: 214 variables, 24 million elements."""
    return of_small_pictures(keras.applications.ResNet50)


def efficientnet() -> keras.Model:
    """EfficientNetB0: 213 variables, 4 million elements."""
    return of_small_pictures(keras.applications.EfficientNetB0)


def of_small_pictures(application: Callable[..., keras.Model]) -> keras.Model:
    """One of Keras's models, untrained, for pictures of 32×32."""
    return application(
        weights=None,
        input_shape=(32, 32, 3),
        classes=CLASSES,
        classifier_activation=None,
    )


def transformer() -> keras.Model:
    """12 blocks of attention and Dense, width 128, on 16 vectors: 196 variables."""
    width = 128
    inputs = keras.Input((16, 64))
    x = layers.Dense(width)(inputs)
    for _ in range(12):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, width // 4)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(y))
        x = layers.Add()([x, y])
    outputs = layers.Dense(CLASSES)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, outputs)


MODELS: dict[str, Callable[[], keras.Model]] = {
    "mlp": mlp,
    "transformer": transformer,
    "efficientnet": efficientnet,
    "resnet": resnet,
}
