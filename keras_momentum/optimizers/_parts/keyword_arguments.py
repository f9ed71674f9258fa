"""The keyword arguments that many optimizers take, for editors and type checks."""

from typing import Any, TypedDict


class OptimizerArguments(TypedDict, total=False):
    """Arguments of `keras.optimizers.Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class ArgumentsButDecay(OptimizerArguments, total=False):
    """Arguments of `MomentumOptimizer`, for optimizers with a decay of their own."""

    restart_every: int | None
    restart_when: str | None
    schedule_restarts: bool
    velocity_dtype: str | None
    skip_nonfinite: bool


class MomentumArguments(ArgumentsButDecay, total=False):
    """Arguments of `keras_momentum.optimizers.MomentumOptimizer`."""

    weight_decay: Any
