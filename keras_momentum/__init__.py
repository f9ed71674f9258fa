"""Momentum for Keras: optimizers, schedules and callbacks that let it move."""

from keras_momentum import callbacks, comparison, drawing, optimizers, schedules
from keras_momentum.optimizers import (
    NAG,
    AdEMAMix,
    AggMo,
    Momentum,
    MomentumAdam,
    MomentumRMSprop,
    Muon,
)

__all__ = [
    "NAG",
    "AdEMAMix",
    "AggMo",
    "Momentum",
    "MomentumAdam",
    "MomentumRMSprop",
    "Muon",
    "callbacks",
    "comparison",
    "drawing",
    "optimizers",
    "schedules",
]

__version__ = "0.1.0"
