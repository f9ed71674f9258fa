"""The specification in float64 NumPy, with the letters of the papers.

γ, η: one number an update. A restart is an update with γ = 0.
"""

from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray


def momentum(
    theta: Array,
    gradient: Callable[[int, Array], Array],
    eta: Sequence[float] | Array,
    gamma: Sequence[float] | Array,
) -> tuple[Array, Array]:
    """Heavy ball: v_t = γ_t v_{t-1} + η_t g_t; θ_{t+1} = θ_t − v_t.

    Returns:
        All θ_0, θ_1, … and all v_0, v_1, …
    """
    theta = np.asarray(theta, np.float64)
    v = np.zeros_like(theta)
    thetas, velocities = [theta], []
    for t, (eta_t, gamma_t) in enumerate(zip(eta, gamma, strict=True)):
        v = gamma_t * v + eta_t * gradient(t, theta)
        theta = theta - v
        thetas.append(theta)
        velocities.append(v)
    return np.stack(thetas), np.stack(velocities)


def restarted(
    gamma: Sequence[float] | Array, every: int | None = None, at: Sequence[int] = ()
) -> list[float]:
    """γ with 0 at every update t > 0 that is a multiple of `every`, and at `at`."""
    return [
        0.0 if t in at or (every and t > 0 and t % every == 0) else float(gamma_t)
        for t, gamma_t in enumerate(gamma)
    ]


def linear_ramp(t: float, initial: float, final: float, steps: float) -> float:
    """γ(t) = initial + (final − initial) τ with τ = min(t / steps, 1)."""
    return initial + (final - initial) * min(max(t / steps, 0.0), 1.0)
