"""Optimizers whose momentum can move while a compiled step runs."""

from keras_momentum.optimizers.momentum import Momentum
from keras_momentum.optimizers.momentum_optimizer import Coefficients, MomentumOptimizer

__all__ = ["Coefficients", "Momentum", "MomentumOptimizer"]
