"""Callbacks that set an optimizer's momentum state; the compiled step does the rest."""

from keras_momentum.callbacks.gamma_ramp import GammaRamp
from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers

__all__ = ["GammaRamp", "momentum_optimizers"]
