"""Schedules: pure functions of the step, for momentum and learning rate alike."""

from keras_momentum.schedules.linear_ramp import LinearRamp

__all__ = ["LinearRamp"]
