"""What moves: the hyper-parameters of an optimizer, and the state of their movement."""

from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.hyperparameter import (
    Hyperparameter,
    HyperparameterLike,
    named,
)
from keras_momentum._hyperparameters.learning_rate import LearningRate

__all__ = ["Control", "Hyperparameter", "HyperparameterLike", "LearningRate", "named"]
