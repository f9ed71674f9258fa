"""Optimizers whose momentum can move while a compiled step runs."""

from keras_momentum._hyperparameters import Moving, MovingDecay, MovingVector
from keras_momentum.optimizers import elementwise
from keras_momentum.optimizers._parts.observer import Observation
from keras_momentum.optimizers.ademamix import AdEMAMix
from keras_momentum.optimizers.aggmo import AggMo
from keras_momentum.optimizers.look_ahead_optimizer import LookAheadOptimizer
from keras_momentum.optimizers.momentum import Momentum
from keras_momentum.optimizers.momentum_adam import MomentumAdam
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer
from keras_momentum.optimizers.momentum_rmsprop import MomentumRMSprop
from keras_momentum.optimizers.muon import Muon
from keras_momentum.optimizers.nag import NAG

__all__ = [
    "NAG",
    "AdEMAMix",
    "AggMo",
    "LookAheadOptimizer",
    "Momentum",
    "MomentumAdam",
    "MomentumOptimizer",
    "MomentumRMSprop",
    "Moving",
    "MovingDecay",
    "MovingVector",
    "Muon",
    "Observation",
    "elementwise",
]
