"""Optimizers whose momentum can move while a compiled step runs."""

from keras_momentum.optimizers.momentum import Momentum
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer
from keras_momentum.optimizers.packed_optimizer import Coefficients

__all__ = ["Coefficients", "Momentum", "MomentumOptimizer"]
