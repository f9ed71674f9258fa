"""Schedules: pure functions of the step, for momentum and learning rate alike."""

from keras_momentum.schedules.linear_ramp import LinearRamp
from keras_momentum.schedules.nesterov_sequence import NesterovSequence

__all__ = ["LinearRamp", "NesterovSequence"]
