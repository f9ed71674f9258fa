"""The networks of keras.applications, without their last layer."""

import warnings
from pathlib import Path
from typing import Any

import keras
from keras import layers

from fruits.errors import RefusedError


def application_features(pictures: Any, name: str, weights: str | None) -> Any:
    """What a network of Keras sees in pictures.

    Its own preprocessing becomes a part of the model, as operations of Keras: whoever
    loads the model gives it plain pictures.

    Args:
        pictures: A symbolic tensor (batch, height, width, 3) with values of 0 to 255.
        name: Of a function of `keras.applications`.
        weights: A file that its `save_weights` made, or one of Keras's own downloads,
            in both cases without the last layer; "imagenet", which Keras downloads; or
            `None` for random ones.

    Returns:
        A symbolic tensor (batch, features).

    Raises:
        RefusedError: If the weights can't be had, or are of another network.
    """
    make = getattr(keras.applications, name)
    family = getattr(keras.applications, make.__module__.rpartition(".")[-1])
    network = _network(make, weights, pictures.shape[1:])
    pictures = family.preprocess_input(pictures)
    if weights not in (None, "imagenet"):
        pictures = _as_trained(pictures, network)
    return network(pictures)


def _network(make: Any, weights: str | None, shape: tuple[int, ...]) -> keras.Model:
    how = {"include_top": False, "input_shape": shape, "pooling": "avg"}
    if weights is None:
        return make(weights=None, **how)
    if weights == "imagenet":
        try:
            with warnings.catch_warnings():
                # That they were made for another size of the pictures.
                warnings.simplefilter("ignore", UserWarning)
                return make(weights=weights, **how)
        except Exception as error:  # Keras raises a bare Exception without a network.
            raise RefusedError(
                f"model.weights = {weights!r} can't be had: {_first_sentence(error)}"
            ) from error
    file = Path(weights).expanduser()
    needed = f"a .weights.h5 or .h5 file of {make.__name__} without its last layer"
    if not file.is_file() or file.suffix != ".h5":
        what = "is none" if file.exists() else "does not exist"
        raise RefusedError(f"model.weights must be {needed}, {weights!r} {what}")
    network = make(weights=None, **how)
    try:
        with warnings.catch_warnings():
            # Keras warns of layers that a file lacks, and leaves them as they are.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(file)
    except Exception as error:  # Of h5py and Keras, of almost any kind.
        raise RefusedError(
            f"model.weights must be {needed}, {weights!r} does not fit: "
            f"{_first_sentence(error)}"
        ) from error
    return network


def _as_trained(pictures: Any, network: keras.Model) -> Any:
    """Pictures as an EfficientNet saw them when its weights were made.

    Those of ImageNet were trained on pictures that are divided by the root of the
    deviation once more. Keras's function does so for `weights="imagenet"`, but not for
    the same weights from a file. Those that were made from scratch normalize nothing.
    """
    for layer in network.layers:
        if isinstance(layer, layers.Normalization) and layer.weights:
            mean, variance = (weight.numpy() for weight in layer.weights[:2])
            factor = variance**-0.25
            offset = 255 * mean * (1 - factor)
            rescaling = layers.Rescaling(factor.tolist(), offset.tolist())
            return rescaling(pictures) if (factor != 1).any() else pictures
    return pictures


def _first_sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].partition(". ")[0]
