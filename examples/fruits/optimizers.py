"""The optimizer of a configuration, and the callbacks that belong to it."""

from typing import Any

import keras

import keras_momentum
from fruits.config import Config
from keras_momentum.schedules import NesterovSequence


def optimizer_of(config: Config, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimizer, with its learning rate over the run.

    Args:
        config: The configuration.
        steps_per_epoch: The number of updates in an epoch.
    """
    settings = config.optimizer
    gamma: Any = settings.momentum
    if settings.schedule == "nesterov":
        gamma = NesterovSequence()
    learning_rate = _learning_rate(config, steps_per_epoch)
    common: dict[str, Any] = {"weight_decay": settings.weight_decay or None}
    ours: dict[str, Any] = {
        **common,
        "restart_every": settings.restart_every,
        "schedule_restarts": settings.schedule == "nesterov",
    }
    match settings.name:
        case "SGD":
            return keras.optimizers.SGD(learning_rate, momentum=gamma, **common)
        case "Adam":
            return keras.optimizers.Adam(learning_rate, beta_1=gamma, **common)
        case "MomentumAdam":
            return keras_momentum.MomentumAdam(learning_rate, beta_1=gamma, **ours)
        case "AdEMAMix":
            steps = config.training.epochs * steps_per_epoch
            return keras_momentum.AdEMAMix.with_warmup(
                steps, learning_rate, beta_1=gamma, **ours
            )
        case "Muon":
            # The output layer follows Adam, as its authors say.
            ours |= {"adam_weight_decay": ours["weight_decay"], "exclude": ["logits"]}
    kind = getattr(keras_momentum, settings.name)
    optimizer: keras.optimizers.Optimizer = kind(learning_rate, momentum=gamma, **ours)
    return optimizer


def callbacks_of(config: Config) -> list[keras.callbacks.Callback]:
    """The callbacks that move gamma."""
    if config.gamma_ramp is not None:
        return [keras_momentum.callbacks.GammaRamp(**config.gamma_ramp.model_dump())]
    if config.one_cycle is not None:
        return [
            keras_momentum.callbacks.OneCycle(
                config.optimizer.learning_rate, **config.one_cycle.model_dump()
            )
        ]
    return []


def _learning_rate(config: Config, steps_per_epoch: int) -> Any:
    """A cosine after a warm-up; with OneCycle a number, which it moves."""
    highest = config.optimizer.learning_rate
    if config.one_cycle is not None:
        return highest
    warmup = round(config.optimizer.warmup_epochs * steps_per_epoch)
    steps = config.training.epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        highest / 10 if warmup else highest,
        decay_steps=max(1, steps - warmup),
        warmup_target=highest if warmup else None,
        warmup_steps=warmup,
    )
