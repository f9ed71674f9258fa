"""Schedules: pure functions of the step, for momentum and learning rate alike."""

from keras_momentum.schedules.constant import Constant
from keras_momentum.schedules.cosine_ramp import CosineRamp
from keras_momentum.schedules.cyclic_gamma import CyclicGamma
from keras_momentum.schedules.demon import Demon
from keras_momentum.schedules.half_life_ramp import HalfLifeRamp
from keras_momentum.schedules.horizon_ramp import HorizonRamp
from keras_momentum.schedules.linear_ramp import LinearRamp
from keras_momentum.schedules.nesterov_sequence import NesterovSequence
from keras_momentum.schedules.nesterov_strongly_convex import NesterovStronglyConvex
from keras_momentum.schedules.one_cycle_gamma import OneCycleGamma
from keras_momentum.schedules.restarted import Restarted
from keras_momentum.schedules.sequence import Sequence
from keras_momentum.schedules.sutskever_ramp import SutskeverRamp

__all__ = [
    "Constant",
    "CosineRamp",
    "CyclicGamma",
    "Demon",
    "HalfLifeRamp",
    "HorizonRamp",
    "LinearRamp",
    "NesterovSequence",
    "NesterovStronglyConvex",
    "OneCycleGamma",
    "Restarted",
    "Sequence",
    "SutskeverRamp",
]
