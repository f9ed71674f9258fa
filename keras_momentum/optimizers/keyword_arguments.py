"""The keyword arguments that every Keras optimizer takes."""

from typing import TypedDict


class OptimizerArguments(TypedDict, total=False):
    """Arguments of `keras.optimizers.Optimizer`, for editors and type checks."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
