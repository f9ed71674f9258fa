"""Callbacks that set an optimizer's momentum state; the compiled step does the rest."""

from keras_momentum.callbacks.evaluate_at_iterate import EvaluateAtIterate
from keras_momentum.callbacks.gamma_ramp import GammaRamp
from keras_momentum.callbacks.gamma_scheduler import GammaScheduler
from keras_momentum.callbacks.momentum_monitor import MomentumMonitor
from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers
from keras_momentum.callbacks.momentum_restart import MomentumRestart
from keras_momentum.callbacks.one_cycle import OneCycle
from keras_momentum.callbacks.overshoot_guard import OvershootGuard
from keras_momentum.callbacks.ramp import Ramp
from keras_momentum.callbacks.restart_on_plateau import RestartOnPlateau
from keras_momentum.callbacks.scheduler import Scheduler

__all__ = [
    "EvaluateAtIterate",
    "GammaRamp",
    "GammaScheduler",
    "MomentumMonitor",
    "MomentumRestart",
    "OneCycle",
    "OvershootGuard",
    "Ramp",
    "RestartOnPlateau",
    "Scheduler",
    "momentum_optimizers",
]
