"""Many workers on PyTorch: a process for each device, which share their gradients.

Keras 3.15's `fit` calls the model itself, past a `DistributedDataParallel` around it
(keras#23316 mends it). What that would do is done by hooks of the parameters.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import keras
import torch
import torch.distributed as dist

from fruits import job
from fruits.errors import RefusedError, received
from fruits.replicas import Workers
from fruits.whole_batches import normalizing, synchronize, unsynchronized


class Averaged(Workers):
    """The processes of `torch.distributed`, with a device each."""

    def __init__(self) -> None:
        self.replicas = self.processes = dist.get_world_size()
        self.process = dist.get_rank()

    def prepared(self, model: keras.Model) -> keras.Model:
        for variable in model.weights:
            dist.broadcast(variable.value.data, src=0)
        for variable in model.trainable_variables:
            variable.value.register_post_accumulate_grad_hook(_average_gradient)
        synchronize(model)
        for layer in normalizing(model):
            # If Keras no longer asks for these, it refuses `synchronized` on PyTorch.
            layer._moments = _moments(layer)
        model.train_step = _of_all(model, model.train_step)
        model.test_step = _of_all(model, model.test_step)
        return model

    def as_alone(self, model: keras.Model) -> contextlib.AbstractContextManager[Any]:
        return unsynchronized(model)

    def from_chief(self, value: Any) -> Any:
        values = [value]
        dist.broadcast_object_list(values)
        if isinstance(values[0], RefusedError):
            raise values[0]
        return values[0]

    def highest(self, number: int) -> int:
        highest = torch.tensor(number)
        dist.all_reduce(highest, dist.ReduceOp.MAX)
        return int(highest)


def averaged_processes() -> Averaged:
    """The processes that torchrun has started.

    Raises:
        RefusedError: If the environment does not describe them.
    """
    job.require("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    number, count = job.place("RANK", "WORLD_SIZE")
    # torchrun itself may listen there for its processes.
    is_own = number == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    address = ":".join(os.environ[name] for name in ("MASTER_ADDR", "MASTER_PORT"))
    job.check_address("MASTER_ADDR:MASTER_PORT", address, is_own)
    device = job.whole_number("LOCAL_RANK")
    if torch.cuda.is_available():
        if device >= torch.cuda.device_count():
            raise RefusedError(
                f"LOCAL_RANK: it must be below {torch.cuda.device_count()}, as each "
                f"process needs a GPU of its own. {received(device)}"
            )
        torch.cuda.set_device(device)
    with job.waiting(count):
        dist.init_process_group()
    return Averaged()


def _average_gradient(parameter: torch.Tensor) -> None:
    assert parameter.grad is not None
    dist.all_reduce(parameter.grad)
    parameter.grad /= dist.get_world_size()


class _Average(torch.autograd.Function):
    """The mean of what the processes have; each needs the gradients of all."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        total = values.contiguous().clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _Average.apply(gradient)


def _moments(layer: keras.layers.BatchNormalization) -> Callable[..., Any]:
    """The mean and the variance of the whole batch, of which each has as many rows."""

    def moments(inputs: torch.Tensor, mask: None) -> tuple[torch.Tensor, torch.Tensor]:
        axes = layer._reduction_axes
        mean = _Average.apply(inputs.mean(axes, keepdim=True))
        variance = _Average.apply((inputs - mean).square().mean(axes))
        return mean.squeeze(axes), variance

    return moments


def _of_all(model: keras.Model, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step after which the metrics are those of all rows, in each process."""

    def of_all(data: Any) -> dict[str, Any]:
        before = [variable.value.clone() for variable in model.metrics_variables]
        step(data)
        for variable, value in zip(model.metrics_variables, before, strict=True):
            added = variable.value - value
            dist.all_reduce(added)
            variable.assign(value + added)
        logs: dict[str, Any] = model.get_metrics_result()
        return logs

    return of_all
