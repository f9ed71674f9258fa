"""A trained classifier in one file, with the names of its classes.

The names are a file within the .keras archive, below `assets/`, which is Keras's place
for what is no weight. `keras.saving.load_model` reads such an archive everywhere and
needs nothing of ours; a layer of our own that held the names would have to be imported
first, and Keras's own layers for words run on TensorFlow alone.
"""

import dataclasses
import json
import os
import zipfile
from pathlib import Path

import keras

from fruits.devices import share_gpu
from fruits.errors import RefusedError
from fruits.whole_files import written_whole

_CLASSES = "assets/classes.json"


@dataclasses.dataclass(frozen=True)
class SavedModel:
    """A classifier as it was saved.

    Attributes:
        model: From pictures with values of 0 to 255 to logits; not compiled.
        classes: The names of the classes, in the order of the logits.
        image_size: Height and width of its pictures in pixels.
    """

    model: keras.Model
    classes: list[str]
    image_size: int


def save_model(model: keras.Model, classes: list[str], file: Path) -> None:
    """Saves a classifier; a file that is there is replaced in one go.

    Args:
        model: From pictures to logits.
        classes: The names of the classes, in the order of the logits.
        file: A path that ends with .keras.
    """
    with written_whole(file) as beside:
        model.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            archive.writestr(_CLASSES, json.dumps(classes))


def is_whole(file: Path) -> bool:
    """Whether there is a saved model, and as it was written."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def load_model(file: Path) -> SavedModel:
    """Loads what `save_model` saved, on any backend of Keras.

    Before it loads anything it says which library may use the GPU: TensorFlow can't be
    told any more once it has weights there.

    Raises:
        RefusedError: If it is something else, or damaged.
    """
    if file.suffix != ".keras" or not os.path.isfile(file):
        what = "is something else" if os.path.exists(file) else "does not exist"
        raise RefusedError(f"MODEL must be a file that ends with .keras, {file} {what}")
    share_gpu()
    try:
        classes = _classes_in(file)
        model = keras.saving.load_model(file, compile=False)
    except RefusedError:
        raise
    except Exception as error:  # Of zipfile, h5py and Keras, of almost any kind.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RefusedError(f"{file} can't be loaded: {reason}") from error
    image_size = _image_size_of(model)
    if image_size is None or model.output_shape != (None, len(classes)):
        raise RefusedError(
            f"{file} must make of square pictures in RGB a number for each of its "
            f"{len(classes)} classes, it makes {_shown(model.output_shape)} of "
            f"{_shown(model.input_shape)}"
        )
    return SavedModel(model, classes, image_size)


def _classes_in(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        # Keras reads on where a checksum is wrong, and the weights would be too.
        if damaged := archive.testzip():
            raise RefusedError(f"{file} is damaged: {damaged} in it has changed")
        if _CLASSES not in archive.namelist():
            raise RefusedError(
                f"{file} does not hold the names of its classes, as those of "
                f"train_fruits.py do"
            )
        classes = json.loads(archive.read(_CLASSES))
    if not isinstance(classes, list) or not all(isinstance(c, str) for c in classes):
        raise RefusedError(f"{file} is damaged: {_CLASSES} in it must be a list")
    return classes


def _image_size_of(model: keras.Model) -> int | None:
    """Height and width of the pictures, or `None` if it takes something else."""
    match model.input_shape:
        case (None, int(height), int(width), 3) if height == width:
            return height
    return None


def _shown(shape: object) -> str:
    return str(shape).replace("None", "batch")
