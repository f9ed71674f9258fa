"""Optimizers whose momentum can move while a compiled step runs."""

from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.momentum import Momentum
from keras_momentum.optimizers.momentum_adam import MomentumAdam
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer
from keras_momentum.optimizers.momentum_rmsprop import MomentumRMSprop
from keras_momentum.optimizers.nag import NAG
from keras_momentum.optimizers.observed_optimizer import Observation

__all__ = [
    "NAG",
    "Coefficients",
    "Momentum",
    "MomentumAdam",
    "MomentumOptimizer",
    "MomentumRMSprop",
    "Observation",
]
