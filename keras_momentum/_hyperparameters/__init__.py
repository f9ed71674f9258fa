"""What moves: the hyper-parameters of an optimizer, and the state of their movement."""

from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.hyperparameter import (
    Hyperparameter,
    HyperparameterLike,
)
from keras_momentum._hyperparameters.hyperparameters import Hyperparameters
from keras_momentum._hyperparameters.learning_rate import LearningRate
from keras_momentum._hyperparameters.moving import (
    Moving,
    MovingDecay,
    MovingVector,
    moving_of,
)

__all__ = [
    "Control",
    "Hyperparameter",
    "HyperparameterLike",
    "Hyperparameters",
    "LearningRate",
    "Moving",
    "MovingDecay",
    "MovingVector",
    "moving_of",
]
