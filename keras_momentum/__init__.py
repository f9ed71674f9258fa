"""Momentum for Keras: optimizers, schedules and callbacks that let it move."""

from keras_momentum import callbacks, comparison, drawing, optimizers, schedules
from keras_momentum.optimizers import NAG, Momentum, MomentumAdam, MomentumRMSprop

__all__ = [
    "NAG",
    "Momentum",
    "MomentumAdam",
    "MomentumRMSprop",
    "callbacks",
    "comparison",
    "drawing",
    "optimizers",
    "schedules",
]

__version__ = "0.1.0"
