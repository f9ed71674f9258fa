"""Optimizers whose momentum can move while a compiled step runs."""

from keras_momentum.optimizers import elementwise
from keras_momentum.optimizers._parts.observer import Observation
from keras_momentum.optimizers.momentum import Momentum
from keras_momentum.optimizers.momentum_adam import MomentumAdam
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer
from keras_momentum.optimizers.momentum_rmsprop import MomentumRMSprop
from keras_momentum.optimizers.nag import NAG

__all__ = [
    "NAG",
    "Momentum",
    "MomentumAdam",
    "MomentumOptimizer",
    "MomentumRMSprop",
    "Observation",
    "elementwise",
]
