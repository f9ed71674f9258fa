"""What torch's OneCycleLR makes of momentum and learning rate."""

from typing import Any

import pytest


def one_cycle_of_torch(total: int, **arguments: Any) -> tuple[list[float], list[float]]:
    """Momentum and learning rate of each of `total` steps; skips without torch."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, total_steps=total, **arguments
    )
    gammas, rates = [], []
    for step in range(total):
        gammas.append(optimizer.param_groups[0]["momentum"])
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < total - 1:
            scheduler.step()
    return gammas, rates
